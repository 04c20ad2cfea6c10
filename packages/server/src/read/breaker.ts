import { exhaustive } from '@alcove/core/error';

/**
 * Whether reads go to one replica, for one class of operations:
 * ```
 *           too many failures            openMs            the probe is answered
 *   closed ──────────────────▶ open ───────────────▶ half-open ──────────────▶ ramping ──rampMs──▶ closed
 *                                ▲◀──── the probe fails ────┘                     │
 *                                └──────────────── any failure ───────────────────┘
 * ```
 * Plain values without time of their own: whoever holds one hands in the (monotonic) time.
 */
export type Breaker =
  | { readonly state: 'closed'; readonly failedAtMs: readonly number[] }
  | { readonly state: 'open'; readonly untilMs: number }
  /** One read is let through to see; `probing`: it is on its way. */
  | { readonly state: 'half-open'; readonly probing: boolean }
  | { readonly state: 'ramping'; readonly sinceMs: number };

export interface BreakerSettings {
  /** As many failures within `windowMs` open it. */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** How long nothing goes through; up to a quarter longer by chance, so that several do not come back in step. */
  readonly openMs: number;
  /** How long it takes from the first answer until everything goes through again. */
  readonly rampMs: number;
}

export const BREAKER_SETTINGS: BreakerSettings = { failuresMax: 5, windowMs: 10_000, openMs: 60_000, rampMs: 30_000 };

export const CLOSED: Breaker = { state: 'closed', failedAtMs: [] };

/** One part of `rampMs` each: of the traffic there would be, a tenth, a quarter, a half. A replica whose caches are cold meets what it can take. */
const RAMP_SHARES = [0.1, 0.25, 0.5] as const;

/** What has become of it by `nowMs`. */
export function breakerAt(breaker: Breaker, nowMs: number, { rampMs }: BreakerSettings): Breaker {
  if (breaker.state === 'open' && nowMs >= breaker.untilMs) return { state: 'half-open', probing: false };
  if (breaker.state === 'ramping' && nowMs - breaker.sinceMs >= rampMs) return CLOSED;
  return breaker;
}

/** Of a breaker as it is now (`breakerAt`): which part of the reads goes through, from 0 to 1. A probe is none of them. */
export function shareThrough(breaker: Breaker, nowMs: number, { rampMs }: BreakerSettings): number {
  switch (breaker.state) {
    case 'closed':
      return 1;
    case 'open':
    case 'half-open':
      return 0;
    case 'ramping':
      return rampShare(nowMs - breaker.sinceMs, rampMs);
    default:
      return exhaustive(breaker);
  }
}

/** The share of what came back `forMs` ago. */
export function rampShare(forMs: number, rampMs: number): number {
  const part = Math.floor((forMs / rampMs) * RAMP_SHARES.length);
  return RAMP_SHARES[part] ?? 1;
}

export const mayProbe = (breaker: Breaker): boolean => breaker.state === 'half-open' && !breaker.probing;

export const probing = (): Breaker => ({ state: 'half-open', probing: true });

export const opened = (nowMs: number, random: number, { openMs }: BreakerSettings): Breaker => ({
  state: 'open',
  untilMs: nowMs + openMs * (1 + random / 4),
});

/** A read that is over. */
export interface BreakerNews {
  /** `none`: it was ended before anything could be seen. */
  readonly outcome: 'good' | 'bad' | 'none';
  readonly isProbe: boolean;
  readonly startedMs: number;
}

/**
 * The breaker after a read, which was let through some time ago: what began before a state says nothing about it.
 * @param random In [0, 1).
 */
export function afterRead(breaker: Breaker, news: BreakerNews, nowMs: number, random: number, settings: BreakerSettings): Breaker {
  const { outcome, isProbe, startedMs } = news;
  switch (breaker.state) {
    case 'closed':
      return outcome === 'bad' ? afterFailure(breaker.failedAtMs, nowMs, random, settings) : breaker;
    case 'open':
      return breaker;
    case 'half-open':
      if (!isProbe) return breaker;
      if (outcome === 'none') return { state: 'half-open', probing: false };
      return outcome === 'good' ? { state: 'ramping', sinceMs: nowMs } : opened(nowMs, random, settings);
    case 'ramping':
      return outcome === 'bad' && startedMs >= breaker.sinceMs ? opened(nowMs, random, settings) : breaker;
    default:
      return exhaustive(breaker);
  }
}

function afterFailure(before: readonly number[], nowMs: number, random: number, settings: BreakerSettings): Breaker {
  const failedAtMs = [...before.filter((atMs) => nowMs - atMs < settings.windowMs), nowMs];
  return failedAtMs.length >= settings.failuresMax ? opened(nowMs, random, settings) : { state: 'closed', failedAtMs };
}
