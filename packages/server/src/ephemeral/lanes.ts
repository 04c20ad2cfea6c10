import type { Codec } from '@alcove/core/protocol/codec';
import type { ServerMessageInput } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { SharedFrame } from '../change-stream/shared-frame.ts';
import type { Delta, LaneTable, Seen } from './lane-table.ts';
import { NOTHING_SEEN } from './lane-table.ts';

/** About so many bytes go into one message: what a newcomer is told may be thousands of entries, and commits wait behind each message on its socket. */
const MESSAGE_BYTES_MAX = 128_000;

/** A kind of short-lived state that readers follow, as LaneTable keeps it. */
export interface Lane {
  readonly change: number;
  /** What a reader that has seen so much is told next, and what it has seen then. */
  next(seen: Seen): { readonly message: ServerMessageInput; readonly seen: Seen };
  /** All readers start at this change or later. */
  settle(change: number): void;
}

/** A lane over a table, and the message its deltas travel in. */
export const laneOf = <Entry>(table: LaneTable<Entry>, toMessage: (delta: Delta<Entry>) => ServerMessageInput): Lane => ({
  get change() {
    return table.change;
  },
  next: (seen) => {
    const delta = table.since(seen, MESSAGE_BYTES_MAX);
    return { message: toMessage(delta), seen: delta.seen };
  },
  settle: (change) => table.settle(change),
});

export interface LaneSocket {
  send(connectionId: string, frame: string | Uint8Array, lane: 'ephemeral'): void;
  bufferedBytes(connectionId: string): number;
}

interface Reader {
  readonly codec: Codec;
  /** Where it stands in each lane. */
  readonly seen: Seen[];
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
      if (this.#lanes.some((lane, index) => (seen[index] ?? NOTHING_SEEN).change < lane.change)) return true;
    }
    return false;
  }

  /** @returns whether a reader was left out for being slow. */
  tick(): boolean {
    const frames = new Map<string, Told>();
    let skipped = false;
    for (const [connectionId, reader] of this.#readers) {
      if (!this.#isBehind(reader)) continue;
      if (!this.#tell(connectionId, reader, frames)) skipped = true;
    }
    for (const [index, lane] of this.#lanes.entries()) lane.settle(this.#seenByAll(index, lane.change));
    return skipped;
  }

  #seenByAll(index: number, change: number): number {
    let least = change;
    for (const { seen } of this.#readers.values()) least = Math.min(least, (seen[index] ?? NOTHING_SEEN).start);
    return least;
  }

  #isBehind({ seen }: Reader): boolean {
    return this.#lanes.some((lane, index) => (seen[index] ?? NOTHING_SEEN).change < lane.change);
  }

  /** Everything, as far as the socket takes it. @returns whether it took all. */
  #tell(connectionId: string, reader: Reader, frames: Map<string, Told>): boolean {
    for (const [index, lane] of this.#lanes.entries()) {
      for (let seen = reader.seen[index] ?? NOTHING_SEEN; seen.change < lane.change; ) {
        if (this.#socket.bufferedBytes(connectionId) > this.#backlogBytesMax) return false;
        const id = `${index}:${seen.change}:${seen.start}`;
        const told = frames.get(id) ?? this.#toldNext(lane, seen);
        frames.set(id, told);
        this.#socket.send(connectionId, told.frame.for(reader.codec), 'ephemeral');
        seen = told.seen;
        reader.seen[index] = seen;
      }
    }
    return true;
  }

  #toldNext(lane: Lane, seen: Seen): Told {
    const next = lane.next(seen);
    return { frame: new SharedFrame(next.message, this.#runtime), seen: next.seen };
  }
}

/** A message for all readers that have seen as much. */
interface Told {
  readonly frame: SharedFrame;
  readonly seen: Seen;
}
