import type { Runtime } from '@alcove/core/runtime/runtime';
import { type AnsweredRoom, roomKey } from './answered-rooms.ts';

/** A room of a replica's whose last comparison with the primary found nothing out. */
export interface UncomparedRoom {
  readonly room: AnsweredRoom;
  /** Wall time of the first comparison in vain since one found something out, or ever. */
  readonly sinceMs: number;
  /** Comparisons in vain since. */
  readonly tries: number;
  /** Of the last one. */
  readonly reason: string;
}

/** About 200 bytes each. Past it the one that was tried longest ago is told no more until it is tried again. */
const ROOMS_MAX = 1_000;

/** Rooms of one replica that could not be compared, for those who watch it. */
export class UncomparedRooms {
  readonly #runtime: Pick<Runtime, 'nowMs'>;
  readonly #rooms = new Map<string, UncomparedRoom>();

  constructor(runtime: Pick<Runtime, 'nowMs'>) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#rooms.size;
  }

  failed(room: AnsweredRoom, reason: string): void {
    const key = roomKey(room);
    const before = this.#rooms.get(key);
    this.#rooms.delete(key);
    this.#rooms.set(key, { room, sinceMs: before?.sinceMs ?? this.#runtime.nowMs(), tries: (before?.tries ?? 0) + 1, reason });
    const [oldest] = this.#rooms.keys();
    if (this.#rooms.size > ROOMS_MAX && oldest !== undefined) this.#rooms.delete(oldest);
  }

  /** Something was found out. */
  compared(room: AnsweredRoom): void {
    this.#rooms.delete(roomKey(room));
  }

  /** Those that wait longest, these first. */
  list(roomsMax: number): UncomparedRoom[] {
    return [...this.#rooms.values()].sort((a, b) => a.sinceMs - b.sinceMs).slice(0, roomsMax);
  }
}
