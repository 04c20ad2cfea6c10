import type { Json } from '@alcove/core/json';
import type { WorkMeter } from '../limits/work-meter.ts';
import { ExpiringMap } from './expiring-map.ts';
import { LaneTable } from './lane-table.ts';

/** A session's state as others see it; `state: null` tells that it is gone. Session and user are the room's word, never the payload's. */
export interface StateEntry {
  readonly sessionId: string;
  readonly userId: string | null;
  /** Empty for presence and cursors, of which a session has one. */
  readonly name: string;
  readonly key: string;
  readonly state: Json;
}

export interface StateBounds {
  readonly ttlMs: number;
  /** In the whole room; past it the least recently set goes. */
  readonly entriesMax: number;
  /** Of one session; past it its least recently set goes. */
  readonly sessionEntriesMax: number;
}

/** One kind of short-lived state: presence, cursors, or ephemeral keys. Owned by sessions, expires by monotonic time, bounded. */
export class StateTable {
  readonly lane: LaneTable<StateEntry>;
  readonly #expiring: ExpiringMap<StateEntry>;
  readonly #sessionEntriesMax: number;
  readonly #work: WorkMeter;
  /** Keys of each session, least recently set first. */
  readonly #bySession = new Map<string, Set<string>>();

  constructor(bounds: StateBounds, work: WorkMeter) {
    this.#work = work;
    this.lane = new LaneTable(bounds.entriesMax);
    this.#expiring = new ExpiringMap(bounds);
    this.#sessionEntriesMax = bounds.sessionEntriesMax;
  }

  get size(): number {
    return this.#expiring.size;
  }

  /** Of what is there, as JSON, about. */
  get bytes(): number {
    return this.lane.bytes;
  }

  get nextExpiryMs(): number | null {
    return this.#expiring.nextExpiryMs;
  }

  /** Sets a session's state, or takes it back where it is null. @returns which bound made another one go for it. */
  set(entry: StateEntry, nowMs: number): { readonly forRoom: boolean; readonly forSession: boolean } {
    const key = keyOf(entry);
    this.#work.did('stateSets');
    if (entry.state === null) {
      this.#drop(key);
      return { forRoom: false, forSession: false };
    }
    const own = this.#bySession.get(entry.sessionId) ?? new Set();
    own.delete(key);
    own.add(key);
    this.#bySession.set(entry.sessionId, own);
    const evicted = this.#expiring.set(key, entry, nowMs);
    this.lane.put(key, entry);
    if (evicted !== null) this.#gone(evicted);
    const [oldest] = own;
    const forSession = own.size > this.#sessionEntriesMax;
    if (forSession && oldest !== undefined) this.#drop(oldest);
    if (evicted !== null || forSession) this.#work.did('stateEvictions', (evicted === null ? 0 : 1) + (forSession ? 1 : 0));
    return { forRoom: evicted !== null, forSession };
  }

  /** The session gave a sign of life: its states live on. */
  touch(sessionId: string, nowMs: number): void {
    for (const key of this.#bySession.get(sessionId) ?? []) this.#expiring.touch(key, nowMs);
  }

  removeSession(sessionId: string): void {
    for (const key of [...(this.#bySession.get(sessionId) ?? [])]) this.#drop(key);
  }

  expire(nowMs: number): void {
    const expired = this.#expiring.expire(nowMs);
    for (const key of expired) this.#gone(key);
    this.#work.did('stateExpiries', expired.length);
  }

  #drop(key: string): void {
    this.#expiring.delete(key);
    this.#gone(key);
  }

  #gone(key: string): void {
    const entry = this.lane.get(key);
    if (entry === undefined) return;
    this.lane.remove(key, { ...entry, state: null });
    const own = this.#bySession.get(entry.sessionId);
    own?.delete(key);
    if (own?.size === 0) this.#bySession.delete(entry.sessionId);
  }
}

const keyOf = ({ sessionId, name, key }: StateEntry): string => JSON.stringify([sessionId, name, key]);
