import type { Logger } from '@alcove/core/runtime/logger';
import type { MirrorConnection } from './mirror-connection.ts';
import type { MirrorFigures } from './mirror-figures.ts';
import type { MirroredRoom } from './mirrored-room.ts';
import type { Comparison, RoomTurn } from './room-turn.ts';

export interface ComparisonPorts {
  readonly turns: Pick<RoomTurn, 'compare'>;
  readonly log: Logger;
  /** It has something to do again. */
  enqueue(room: MirroredRoom): void;
  /** Room and mirror hold the same. */
  same(room: MirroredRoom): void;
  failed(connection: MirrorConnection, room: MirroredRoom, cause: unknown): Promise<void>;
}

/**
 * Comparing rooms with their mirrors, one at a time. It begins within a turn of the room and goes on beside everything else, over two snapshots of one version: the room need not wait for it. Where they differ the room is marked to be
 * copied anew, and compared again after.
 */
export class RoomComparisons {
  readonly #ports: ComparisonPorts;
  readonly #counts = { done: 0, drifted: 0, repaired: 0 };
  readonly #waiting = new Set<MirroredRoom>();
  #compared: MirroredRoom | null = null;

  constructor(ports: ComparisonPorts) {
    this.#ports = ports;
  }

  get counts(): MirrorFigures['checks'] {
    return { ...this.#counts };
  }

  /** Whether this one is being compared. */
  isOf(room: MirroredRoom): boolean {
    return this.#compared === room;
  }

  /** Whether it is named again when the one before it is through. */
  isWaiting(room: MirroredRoom): boolean {
    return this.#waiting.has(room);
  }

  /** Within a turn of the room. @returns whether it has begun; else the turn is still the room's. @throws as RoomTurn does */
  async begin(connection: MirrorConnection, room: MirroredRoom): Promise<boolean> {
    if (this.#compared !== null) {
      this.#waiting.add(room);
      return false;
    }
    this.#compared = room;
    let comparison: Comparison | null = null;
    try {
      comparison = await this.#ports.turns.compare(connection, room);
    } finally {
      if (comparison === null) this.#next();
    }
    if (comparison === null) return false;
    room.isToBeChecked = false;
    room.succeeded();
    void this.#conclude(connection, room, comparison);
    return true;
  }

  async #conclude(connection: MirrorConnection, room: MirroredRoom, { differing }: Comparison): Promise<void> {
    try {
      const found = await differing;
      // Given up: who asked for it still waits.
      if (found === null) room.isToBeChecked = room.waiting.length > 0;
      else this.#found(room, found);
    } catch (cause) {
      await this.#ports.failed(connection, room, cause);
    }
    this.#next();
    if (room.isToBeChecked || room.isForced) this.#ports.enqueue(room);
  }

  #found(room: MirroredRoom, differing: readonly string[]): void {
    this.#counts.done += 1;
    if (differing.length === 0) {
      if (room.differed.length > 0) this.#counts.repaired += 1;
      if (!room.isCopying) this.#ports.same(room);
      return;
    }
    this.#counts.drifted += 1;
    room.differed = differing;
    room.isForced = true;
    room.isToBeChecked = true;
    const { name, id } = room.address;
    this.#ports.log.error('a room’s mirror held something else than the room, and is made anew', {
      room: name,
      id,
      tables: differing.join(', '),
    });
  }

  #next(): void {
    this.#compared = null;
    for (const room of this.#waiting) {
      this.#waiting.delete(room);
      if (room.isToBeChecked) return this.#ports.enqueue(room);
    }
  }
}
