import type { MirroredRoom } from './mirrored-room.ts';

/** Of so many turns one is for what can wait, while there is anything else. */
const LATER_EVERY = 4;

/**
 * Rooms that have something to do, each once, however often it is said. A room that comes again stands behind all others, so the busiest one gets one turn where each of the others gets one. What can wait (whole copies, comparing)
 * has a line of its own and every fourth turn.
 */
export class RoomQueue {
  readonly #now = new Set<MirroredRoom>();
  readonly #later = new Set<MirroredRoom>();
  #turns = 0;

  get size(): number {
    return this.#now.size + this.#later.size;
  }

  add(room: MirroredRoom, when: 'now' | 'later'): void {
    if (when === 'now') {
      this.#later.delete(room);
      this.#now.add(room);
    } else if (!this.#now.has(room)) this.#later.add(room);
  }

  /** The next one, which is no longer in the queue; null: none. */
  take(): MirroredRoom | null {
    this.#turns += 1;
    const isLatersTurn = this.#now.size === 0 || this.#turns % LATER_EVERY === 0;
    const line = isLatersTurn && this.#later.size > 0 ? this.#later : this.#now;
    for (const room of line) {
      line.delete(room);
      return room;
    }
    return null;
  }

  clear(): void {
    this.#now.clear();
    this.#later.clear();
  }
}
