import type { ErrorCode } from '@alcove/core/error';
import { type Breaker, breakerAt, type BreakerSettings, CLOSED, mayProbe, rampShare, shareThrough } from './breaker.ts';
import type { Dialect, ReplicaCheck, ReplicaLag } from './replica.ts';
import type { SyncReport } from './sync-figures.ts';

/** What whoever runs the server decided about a replica. */
export interface ReplicaSettings {
  readonly id: string;
  readonly dialect: Dialect;
  /** Null: none in particular. */
  readonly region: string | null;
  /** Its part of the reads beside the others' weights; 0: it takes none. */
  readonly weight: number;
  /** 0 first; the next one while nobody of those before it can be asked. */
  readonly tier: number;
  /** Set aside for these: it takes reads for them and no others. Empty: it takes any. */
  readonly purposes: readonly string[];
  /** Reads that it has at once. */
  readonly concurrencyMax: number;
  /** The primary's own readers: they are never behind, and stand in for the others. */
  readonly isPrimary: boolean;
}

/** What is known of one replica at one moment; plain values. */
export interface ReplicaState {
  readonly settings: ReplicaSettings;
  readonly enabled: boolean;
  /** Finishes what it has and takes nothing new. */
  readonly draining: boolean;
  /** Reads it has. */
  readonly inFlight: number;
  /** Reads that wait for a place. */
  readonly queued: number;
  /** For how long it has had reads and not answered one; 0: it has none. */
  readonly silentMs: number;
  /** As the last check found it; null: never checked. */
  readonly lag: ReplicaLag | null;
  /** Likewise; null: it keeps no rooms of its own, or was never checked. */
  readonly sync: SyncReport | null;
  /** Monotonic. */
  readonly checkedMs: number | null;
  /** The last check failed. */
  readonly isDown: boolean;
  /** It was found to hold other rows than the primary, and not yet to be right again. */
  readonly isWrong: boolean;
  /** Monotonic: when it was found again after it was down or wrong; it gets its share by degrees. */
  readonly backSinceMs: number | null;
  /** By operation class; absent: closed. */
  readonly breakers: ReadonlyMap<string, Breaker>;
  /** Open: it is alive and much slower than the others. */
  readonly pace: Breaker;
  /** Null before its first read. */
  readonly ewmaMs: number | null;
  readonly lastError: LastError | null;
}

export interface LastError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Wall time. */
  readonly atMs: number;
}

export const initialState = (settings: ReplicaSettings): ReplicaState => ({
  settings,
  enabled: true,
  draining: false,
  inFlight: 0,
  queued: 0,
  silentMs: 0,
  lag: null,
  sync: null,
  checkedMs: null,
  isDown: false,
  isWrong: false,
  backSinceMs: null,
  breakers: new Map(),
  pace: CLOSED,
  ewmaMs: null,
  lastError: null,
});

export const breakerOf = (state: ReplicaState, operationClass: string): Breaker => state.breakers.get(operationClass) ?? CLOSED;

export const withBreaker = (state: ReplicaState, operationClass: string, breaker: Breaker): ReplicaState => ({
  ...state,
  breakers: new Map(state.breakers).set(operationClass, breaker),
});

/** Too far behind to be asked. */
export const lags = (
  { lag }: ReplicaState,
  { lagVersionsMax, lagMsMax }: { readonly lagVersionsMax: number; readonly lagMsMax: number },
): boolean => lag !== null && (lag.versions > lagVersionsMax || lag.ms > lagMsMax);

export const afterCheck = (state: ReplicaState, { versions, ms, sync }: ReplicaCheck, nowMs: number): ReplicaState => ({
  ...state,
  lag: { versions, ms },
  sync: sync ?? null,
  checkedMs: nowMs,
  isDown: false,
  backSinceMs: state.isDown ? nowMs : state.backSinceMs,
});

export const afterFailedCheck = (state: ReplicaState, lastError: LastError, nowMs: number): ReplicaState => ({
  ...state,
  checkedMs: nowMs,
  isDown: true,
  lastError,
});

/** What a replica may take of one operation class now. */
export interface Openness {
  /** Part of its reads, from 0 to 1, by breaker, pace and how long it is back. */
  readonly share: number;
  /** The same where it has to do although it is slow: there is no other. */
  readonly shareIfSlow: number;
  /** One read may find out whether there can be more. */
  readonly probe: boolean;
  readonly isBreakerShut: boolean;
  readonly isPaceShut: boolean;
}

export function opennessOf(state: ReplicaState, operationClass: string, nowMs: number, settings: BreakerSettings): Openness {
  const breaker = breakerAt(breakerOf(state, operationClass), nowMs, settings);
  const pace = breakerAt(state.pace, nowMs, settings);
  const through = shareThrough(breaker, nowMs, settings);
  const paced = shareThrough(pace, nowMs, settings);
  const back = state.backSinceMs === null ? 1 : rampShare(nowMs - state.backSinceMs, settings.rampMs);
  return {
    share: Math.min(through, paced, back),
    shareIfSlow: Math.min(through, back),
    probe: (mayProbe(breaker) && (paced > 0 || mayProbe(pace))) || (mayProbe(pace) && through > 0),
    isBreakerShut: through === 0,
    isPaceShut: paced === 0,
  };
}

/**
 * Reads it may have at once: fewer while it comes back by degrees. Never none: one is how anything is found out. It does not count that it is slow, since it is asked then only where
 * there is no other.
 */
export function placesOf({ settings, backSinceMs, breakers, pace }: ReplicaState, nowMs: number, breaker: BreakerSettings): number {
  const ramps = [pace, ...breakers.values()].map((one) =>
    one.state === 'ramping' ? shareThrough(breakerAt(one, nowMs, breaker), nowMs, breaker) : 1,
  );
  const back = backSinceMs === null ? 1 : rampShare(nowMs - backSinceMs, breaker.rampMs);
  return Math.max(1, Math.floor(settings.concurrencyMax * Math.min(back, ...ramps)));
}
