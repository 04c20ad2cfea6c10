import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, roomKey } from './answered-rooms.ts';
import { DIGEST_TIMEOUT_MS } from './room-digest.ts';
import type { RouterLimits } from './router-limits.ts';

interface LargeRoom {
  readonly room: AnsweredRoom;
  /** How often the time for its digest was doubled. */
  readonly doubled: number;
  /** Nobody has compared it since it was answered. */
  readonly isWaiting: boolean;
  /** Monotonic: not before. */
  readonly dueMs: number;
}

/** A turn of a room's own. */
export interface LargeTurn {
  readonly room: AnsweredRoom;
  /** What a digest of it may take. */
  readonly timeoutMs: number;
}

/** The longest: a client of HTTP waits five minutes for the head of an answer. */
export const LARGE_DIGEST_TIMEOUT_MS = 200_000;
/** About 150 bytes each. Past it the one that was tried longest ago is found out to be large once more. */
const ROOMS_MAX = 1_000;
/** However often a room was tried in vain, it is tried again within it. */
const WAIT_MAX_MS = 3_600_000;

/**
 * Rooms of one replica whose digest is not done within the time that looks have for one. They hold up no other room: each has turns of its own, beside the looks, with twice the time at each turn
 * in vain. What it takes it pays for itself: it waits for as many looks as have that many rows, at least for twice as many as the last time it was in vain.
 */
export class LargeRooms {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  readonly #limits: Pick<RouterLimits, 'checkIntervalMs' | 'compareRowsMax'>;
  readonly #rooms = new Map<string, LargeRoom>();

  constructor(runtime: Pick<Runtime, 'monotonicMs'>, limits: Pick<RouterLimits, 'checkIntervalMs' | 'compareRowsMax'>) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  has(room: AnsweredRoom): boolean {
    return this.#rooms.has(roomKey(room));
  }

  /** The replica has answered a read of it. @returns whether it is one of these, and waits here. */
  answered(room: AnsweredRoom): boolean {
    const known = this.#rooms.get(roomKey(room));
    if (known !== undefined) this.#rooms.set(roomKey(room), { ...known, isWaiting: true });
    return known !== undefined;
  }

  /** Its digest was not done in time. */
  late(room: AnsweredRoom): void {
    const doubled = (this.#rooms.get(roomKey(room))?.doubled ?? 0) + 1;
    this.#put({ room, doubled, isWaiting: true, dueMs: this.#dueMs(2 ** doubled) });
  }

  /** It was compared, at the cost of so many rows. */
  compared(room: AnsweredRoom, rows: number): void {
    const known = this.#rooms.get(roomKey(room));
    if (known === undefined) return;
    const looks = Math.max(2 ** known.doubled, rows / this.#limits.compareRowsMax);
    this.#put({ ...known, isWaiting: false, dueMs: this.#dueMs(looks) });
  }

  /** Nothing was found out, and not for want of time; or it is wrong, and to be looked at until it is right. */
  again(room: AnsweredRoom): void {
    const known = this.#rooms.get(roomKey(room));
    if (known !== undefined) this.#put({ ...known, isWaiting: true, dueMs: this.#dueMs(2 ** known.doubled) });
  }

  /** Of those that wait and whose turn has come, the one that waits longest. */
  turn(): LargeTurn | undefined {
    const nowMs = this.#runtime.monotonicMs();
    const due = [...this.#rooms.values()].filter(({ isWaiting, dueMs }) => isWaiting && dueMs <= nowMs);
    const [first] = due.sort((a, b) => a.dueMs - b.dueMs);
    if (first === undefined) return undefined;
    return { room: first.room, timeoutMs: Math.min(LARGE_DIGEST_TIMEOUT_MS, DIGEST_TIMEOUT_MS * 2 ** first.doubled) };
  }

  #dueMs(looks: number): number {
    return this.#runtime.monotonicMs() + Math.min(WAIT_MAX_MS, this.#limits.checkIntervalMs * looks);
  }

  #put(room: LargeRoom): void {
    const key = roomKey(room.room);
    this.#rooms.delete(key);
    this.#rooms.set(key, room);
    const [oldest] = this.#rooms.keys();
    if (this.#rooms.size > ROOMS_MAX && oldest !== undefined) this.#rooms.delete(oldest);
  }
}
