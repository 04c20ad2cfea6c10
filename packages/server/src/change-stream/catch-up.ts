import { mergeChangeSets } from '@alcove/core/change/merge';
import { decodeRecord } from '@alcove/core/change/record-codec';
import { toWire } from '@alcove/core/change/wire';
import { AlcoveError, assert } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { ReaderClass } from '../access/reader-class.ts';
import type { Readers } from '../access/readers.ts';
import type { ChangeLog, LogEntry, VersionAck } from '../change-log/change-log.ts';
import { SharedFrame } from './shared-frame.ts';

/** A stretch of history as one commit message: applied by a replica at `from`, it leaves it at `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly frame: SharedFrame;
  /** How its versions settled the mutations of each client, oldest first. */
  readonly acks: ReadonlyMap<string, readonly VersionAck[]>;
}

export interface CatchUpBounds {
  readonly catchUpVersionsMax: number;
  readonly catchUpBytesMax: number;
  readonly catchUpCacheBytesMax: number;
}

export interface CatchUpParts {
  readonly log: ChangeLog;
  readonly readers: Readers;
  readonly runtime: Runtime;
  readonly limits: CatchUpBounds;
}

/**
 * Reads the log in merged ranges for readers that are behind. Ranges end at multiples of `catchUpVersionsMax`, or where the bytes are full, so that
 * readers who started at different versions soon read the same ones; those are merged and encoded once.
 */
export class CatchUp {
  readonly #log: ChangeLog;
  readonly #readers: Readers;
  readonly #model: RoomModel;
  readonly #runtime: Runtime;
  readonly #bounds: CatchUpBounds;
  /** Least recently used first. */
  readonly #ranges = new Map<string, Range>();

  constructor({ log, readers, runtime, limits }: CatchUpParts, model: RoomModel) {
    this.#log = log;
    this.#readers = readers;
    this.#model = model;
    this.#runtime = runtime;
    this.#bounds = limits;
  }

  /** Encoded ranges held just now. */
  get cachedRanges(): number {
    return this.#ranges.size;
  }

  /**
   * The range that begins after `from` and ends at `head` at the latest, as a class gets it. `from` must be within the log and below `head`.
   * @throws AlcoveError `rule_failed`, in words for the operator, where the class's rules fail over a row of it
   */
  range(from: number, head: number, reader: ReaderClass): Range {
    const versions = this.#bounds.catchUpVersionsMax;
    const last = Math.min(head, from - (from % versions) + versions);
    const id = `${from}-${last} ${reader.id}`;
    const known = this.#ranges.get(id);
    const range = known ?? this.#read(from, last, reader);
    this.#ranges.delete(id);
    this.#ranges.set(id, range);
    return range;
  }

  /** After frames of ranges were used, which encodes them: drops what is over the bound. */
  trim(): void {
    let bytes = 0;
    for (const { frame } of this.#ranges.values()) bytes += frame.bytes;
    for (const [id, { frame }] of this.#ranges) {
      if (bytes <= this.#bounds.catchUpCacheBytesMax) return;
      this.#ranges.delete(id);
      bytes -= frame.bytes;
    }
  }

  /** Nobody is behind any more. */
  clear(): void {
    this.#ranges.clear();
  }

  #read(from: number, last: number, reader: ReaderClass): Range {
    const entries = this.#log.read(from, last, { versionsMax: last - from, bytesMax: this.#bounds.catchUpBytesMax });
    const end = entries.at(-1);
    assert(end !== undefined && entries[0]?.version === from + 1, `version ${from + 1} is in the log`);
    const merged = mergeChangeSets(
      this.#model,
      entries.map(({ record }) => decodeRecord(record)),
    );
    const [changeSet = merged] = this.#readers.changesFor(merged, [reader]);
    if (changeSet instanceof AlcoveError) throw changeSet;
    const { version: to, schema, hash, atMs } = end;
    const frame = new SharedFrame({ type: 'commit', from, to, schema, changes: toWire(changeSet), hash, atMs }, this.#runtime);
    return { from, to, frame, acks: acksByClient(entries) };
  }
}

function acksByClient(entries: readonly LogEntry[]): ReadonlyMap<string, VersionAck[]> {
  const byClient = new Map<string, VersionAck[]>();
  for (const { version, acks } of entries) {
    for (const ack of acks) {
      const own = byClient.get(ack.clientId) ?? [];
      own.push({ version, ack });
      byClient.set(ack.clientId, own);
    }
  }
  return byClient;
}
