import type { Codec } from '@alcove/core/protocol/codec';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { Delta, LaneTable } from './lane-table.ts';
import { NOTHING_SEEN } from './lane-table.ts';

/** A kind of short-lived state that readers follow, as LaneTable keeps it. */
export interface Lane {
  readonly change: number;
  message(seen: number): ServerMessageInput;
  /** All readers have seen this change. */
  settle(change: number): void;
}

/** A lane over a table, and the message its deltas travel in. */
export const laneOf = <Entry>(table: LaneTable<Entry>, toMessage: (delta: Delta<Entry>) => ServerMessageInput): Lane => ({
  get change() {
    return table.change;
  },
  message: (seen) => toMessage(table.since(seen)),
  settle: (change) => table.settle(change),
});

export interface LaneSocket {
  send(connectionId: string, frame: string | Uint8Array, lane: 'ephemeral'): void;
  bufferedBytes(connectionId: string): number;
}

interface Reader {
  readonly codec: Codec;
  /** Change of each lane that it was told last. */
  readonly seen: number[];
}

/**
 * Tells readers what changed in some lanes, all at once when `tick` is called. One whose socket is filled past the bound is left out until it has
 * drained and then gets the last state of what it missed.
 */
export class Lanes {
  readonly #lanes: readonly Lane[];
  readonly #socket: LaneSocket;
  readonly #runtime: Runtime;
  readonly #backlogBytesMax: number;
  readonly #readers = new Map<string, Reader>();

  constructor(lanes: readonly Lane[], socket: LaneSocket, runtime: Runtime, backlogBytesMax: number) {
    this.#lanes = lanes;
    this.#socket = socket;
    this.#runtime = runtime;
    this.#backlogBytesMax = backlogBytesMax;
  }

  /** The reader is told everything at the next tick. */
  add(connectionId: string, codec: Codec): void {
    this.#readers.set(connectionId, { codec, seen: this.#lanes.map(() => NOTHING_SEEN) });
  }

  remove(connectionId: string): void {
    this.#readers.delete(connectionId);
  }

  /** Whether somebody is left to be told: a tick is due, soon where all sockets have drained. */
  get behind(): boolean {
    for (const { seen } of this.#readers.values()) {
      if (this.#lanes.some((lane, index) => (seen[index] ?? NOTHING_SEEN) < lane.change)) return true;
    }
    return false;
  }

  /** @returns whether a reader was left out for being slow. */
  tick(): boolean {
    const frames = new Map<string, SharedFrame>();
    let skipped = false;
    for (const [connectionId, reader] of this.#readers) {
      if (!this.#isBehind(reader)) continue;
      if (this.#socket.bufferedBytes(connectionId) > this.#backlogBytesMax) {
        skipped = true;
        continue;
      }
      this.#tell(connectionId, reader, frames);
    }
    for (const [index, lane] of this.#lanes.entries()) lane.settle(this.#seenByAll(index, lane.change));
    return skipped;
  }

  #seenByAll(index: number, change: number): number {
    let least = change;
    for (const { seen } of this.#readers.values()) least = Math.min(least, seen[index] ?? NOTHING_SEEN);
    return least;
  }

  #isBehind({ seen }: Reader): boolean {
    return this.#lanes.some((lane, index) => (seen[index] ?? NOTHING_SEEN) < lane.change);
  }

  #tell(connectionId: string, reader: Reader, frames: Map<string, SharedFrame>): void {
    for (const [index, lane] of this.#lanes.entries()) {
      const seen = reader.seen[index] ?? NOTHING_SEEN;
      if (seen >= lane.change) continue;
      const id = `${index}:${seen}`;
      const frame = frames.get(id) ?? new SharedFrame(lane.message(seen), this.#runtime);
      frames.set(id, frame);
      this.#socket.send(connectionId, frame.for(reader.codec), 'ephemeral');
      reader.seen[index] = lane.change;
    }
  }
}
