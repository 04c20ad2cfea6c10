import { AlcoveError, assert } from '@alcove/core/error';
import type { LogRecord } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database, Row } from '@alcove/core/sqlite/database';
import type { Ack } from './ack.ts';
import { decodeAcks, encodeAcks } from './ack.ts';
import type { RoomMeta } from './room-meta.ts';
import { chainHash } from './room-meta.ts';

/** The end of a history: its last version and the hash that stands for everything up to it. */
export interface LogHead {
  readonly version: number;
  readonly hash: string;
}

/** One version as the log holds it. `record` is the full change set, rows before and after, as core's record codec wrote it. */
export interface LogEntry {
  readonly version: number;
  readonly schema: string;
  readonly atMs: number;
  readonly hash: string;
  readonly acks: readonly Ack[];
  readonly record: string;
}

export interface NewEntry {
  readonly schema: string;
  readonly atMs: number;
  readonly acks: readonly Ack[];
  readonly record: string;
}

export interface ReadBounds {
  readonly versionsMax: number;
  /** Reading ends after the entry that reaches it, so that one entry always fits. */
  readonly bytesMax: number;
}

/** Clients whose acks are searched for one by one. */
const SEARCHED_CLIENTS_MAX = 8;

/**
 * A room's versions (floor, head], appended in the commit's own transaction and chained by hash.
 *
 * ```
 * transaction( append ) → COMMIT → advance        append again before advance: refused
 * ```
 *
 * `head` moves only with `advance`, so a transaction that fails leaves nothing behind here.
 */
export class ChangeLog {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #secret: Uint8Array;
  #floor: LogHead;
  #head: LogHead;
  #totalBytes: number;

  constructor(database: Database, runtime: Runtime, meta: RoomMeta) {
    this.#database = database;
    this.#runtime = runtime;
    this.#secret = meta.secret;
    this.#floor = { version: meta.floor, hash: meta.floorHash };
    const last = database.prepare('SELECT version, hash, total_bytes FROM alcove_log ORDER BY version DESC LIMIT 1').get();
    this.#head = last === undefined ? this.#floor : { version: Number(last[0]), hash: String(last[1]) };
    this.#totalBytes = last === undefined ? 0 : Number(last[2]);
  }

  get head(): LogHead {
    return this.#head;
  }

  /** The log holds the versions above it; a reader at the floor can be caught up, one below cannot. */
  get floor(): LogHead {
    return this.#floor;
  }

  get versions(): number {
    return this.#head.version - this.#floor.version;
  }

  get bytes(): number {
    const first = this.#database.prepare('SELECT total_bytes - bytes FROM alcove_log ORDER BY version LIMIT 1').get();
    return first === undefined ? 0 : this.#totalBytes - Number(first[0]);
  }

  /** Writes the version after `head`; inside the transaction that makes it. */
  append(entry: NewEntry): AppendedEntry {
    const version = this.#head.version + 1;
    const acks = encodeAcks(entry.acks);
    const bytes = acks.length + entry.record.length;
    const hash = this.#hash(this.#head.hash, version, entry.schema, entry.atMs, acks, entry.record);
    const totalBytes = this.#totalBytes + bytes;
    this.#database
      .prepare('INSERT INTO alcove_log (version, schema, at_ms, bytes, total_bytes, hash, acks, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run([version, entry.schema, entry.atMs, bytes, totalBytes, hash, acks, entry.record]);
    return { version, hash, totalBytes };
  }

  /**
   * Writes versions after `head` as another log of this history has them; inside the transaction that applies them.
   * @throws AlcoveError `file_damaged` where one is missing, or is not what its hash says.
   */
  copy(records: readonly LogRecord[]): AppendedEntry {
    let { version, hash } = this.#head;
    let totalBytes = this.#totalBytes;
    const insert = this.#database.prepare(
      'INSERT INTO alcove_log (version, schema, at_ms, bytes, total_bytes, hash, acks, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    for (const one of records) {
      if (one.version !== version + 1) throw damaged(version + 1, 'is missing');
      if (this.#hash(hash, one.version, one.schema, one.atMs, one.acks, one.record) !== one.hash)
        throw damaged(one.version, 'does not have the hash its content gives');
      const bytes = one.acks.length + one.record.length;
      totalBytes += bytes;
      insert.run([one.version, one.schema, one.atMs, bytes, totalBytes, one.hash, one.acks, one.record]);
      ({ version, hash } = one);
    }
    return { version, hash, totalBytes };
  }

  /** The transaction with `appended` was committed. */
  advance(appended: AppendedEntry): void {
    assert(appended.version > this.#head.version, `version ${appended.version} follows ${this.#head.version}`);
    this.#head = { version: appended.version, hash: appended.hash };
    this.#totalBytes = appended.totalBytes;
  }

  /** Entries from `after` + 1 to at most `upTo`, in order, within bounds; at least one where there is one. */
  read(after: number, upTo: number, bounds: ReadBounds): LogEntry[] {
    let bytes = 0;
    // Sizes first: `all` would hold every record of a range whose bytes are bounded only afterwards.
    const sizes = this.#database
      .prepare('SELECT version, bytes FROM alcove_log WHERE version > ? AND version <= ? ORDER BY version LIMIT ?')
      .all([after, upTo, bounds.versionsMax]);
    let last = after;
    for (const [version, size] of sizes) {
      last = Number(version);
      bytes += Number(size);
      if (bytes >= bounds.bytesMax) break;
    }
    return this.#database
      .prepare('SELECT version, schema, at_ms, hash, acks, record FROM alcove_log WHERE version > ? AND version <= ? ORDER BY version')
      .all([after, last])
      .map(entryOf);
  }

  /** How the versions above `after`, up to `upTo`, settled mutations, in order. */
  acks(after: number, upTo: number): VersionAck[] {
    return this.#database
      .prepare('SELECT version, acks FROM alcove_log WHERE version > ? AND version <= ? ORDER BY version')
      .all([after, upTo])
      .flatMap(([version, acks]) => decodeAcks(String(acks)).map((ack) => ({ version: Number(version), ack })));
  }

  /**
   * The first mutationId of each of these clients that a version above `after` settled; those without one are left out. For a few clients SQLite searches for
   * each, which costs a tenth of reading; for many the log is read once.
   */
  firstSettledAfter(after: number, clientIds: readonly string[]): Map<string, number> {
    return clientIds.length <= SEARCHED_CLIENTS_MAX ? this.#searchFirst(after, clientIds) : this.#readFirst(after, clientIds);
  }

  #searchFirst(after: number, clientIds: readonly string[]): Map<string, number> {
    const search = this.#database.prepare('SELECT acks FROM alcove_log WHERE version > ? AND instr(acks, ?) > 0 ORDER BY version LIMIT 1');
    const found = new Map<string, number>();
    for (const clientId of clientIds) {
      const acks = decodeAcks(String(search.get([after, `[${JSON.stringify(clientId)},`])?.[0] ?? '[]'));
      const first = acks.find((ack) => ack.clientId === clientId);
      if (first !== undefined) found.set(clientId, first.mutationId);
    }
    return found;
  }

  #readFirst(after: number, clientIds: readonly string[]): Map<string, number> {
    const found = new Map<string, number>();
    const missing = new Set(clientIds);
    for (const [acks] of this.#database.prepare('SELECT acks FROM alcove_log WHERE version > ? ORDER BY version').iterate([after])) {
      for (const { clientId, mutationId } of decodeAcks(String(acks))) if (missing.delete(clientId)) found.set(clientId, mutationId);
      if (missing.size === 0) break;
    }
    return found;
  }

  /** The hash at a version: of the log, of the floor, of one kept below it; null where it is not known any more, or not yet. */
  hashAt(version: number): string | null {
    if (version === this.#head.version) return this.#head.hash;
    if (version === this.#floor.version) return this.#floor.hash;
    const table = version > this.#floor.version ? 'alcove_log' : 'alcove_hashes';
    const row = this.#database.prepare(`SELECT hash FROM ${table} WHERE version = ?`).get([version]);
    return row === undefined ? null : String(row[0]);
  }

  /**
   * Recomputes the chain over the last `count` entries.
   * @throws AlcoveError `file_damaged`: names the version that does not fit.
   */
  verifyTail(count: number): void {
    const from = Math.max(this.#floor.version, this.#head.version - count);
    let previous = this.hashAt(from);
    let expected = from;
    for (const entry of this.#entriesAfter(from)) {
      expected += 1;
      if (previous === null || entry.version !== expected) throw damaged(expected, 'is missing');
      const hash = this.#hash(previous, entry.version, entry.schema, entry.atMs, encodeAcks(entry.acks), entry.record);
      if (hash !== entry.hash) throw damaged(entry.version, 'does not have the hash its content gives');
      previous = hash;
    }
    if (expected !== this.#head.version) throw damaged(expected + 1, 'is missing');
  }

  /** The floor was raised to `floor` in a transaction that was committed, see prune.ts. */
  raiseFloor(floor: LogHead): void {
    this.#floor = floor;
    if (this.#head.version < floor.version) this.#head = floor;
  }

  #entriesAfter(version: number): LogEntry[] {
    return this.read(version, this.#head.version, { versionsMax: this.#head.version - version, bytesMax: Number.MAX_SAFE_INTEGER });
  }

  #hash(previous: string, version: number, schema: string, atMs: number, acks: string, record: string): string {
    return chainHash(this.#runtime, this.#secret, previous, `${version}\n${schema}\n${atMs}\n${acks}\n${record}`);
  }
}

export interface VersionAck {
  readonly version: number;
  readonly ack: Ack;
}

/** What `append` wrote and `advance` makes the head. */
export interface AppendedEntry extends LogHead {
  readonly totalBytes: number;
}

const damaged = (version: number, how: string): AlcoveError =>
  new AlcoveError('file_damaged', `the change log is damaged: version ${version} ${how}`);

const entryOf = ([version, schema, atMs, hash, acks, record]: Row): LogEntry => ({
  version: Number(version),
  schema: String(schema),
  atMs: Number(atMs),
  hash: String(hash),
  acks: decodeAcks(String(acks)),
  record: String(record),
});
