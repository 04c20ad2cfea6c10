import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';

/** A value as any engine may hand it out: integers beyond ±(2^53−1) as bigint. */
export type DigestCell = null | number | bigint | string | Uint8Array;

export interface TableDigest {
  readonly table: string;
  readonly rows: number;
  /** 16 hex digits: the sum over all rows of 64 bits of each row's hash, modulo 2^64. The order of rows does not count. */
  readonly checksum: string;
}

/** What a room holds at one version, small enough to compare: equal rooms have equal tables, on every engine. */
export interface RoomDigest {
  readonly at: BookmarkParts;
  /** All tables that leave the room (`alcove_values` among them, those that are `serverOnly` not), by name. */
  readonly tables: readonly TableDigest[];
}

/** A table as it is digested. */
export interface DigestTable {
  readonly name: string;
  /** In the order of the schema; what SQLite computes is left out. */
  readonly columns: readonly string[];
}

export function digestTables(model: RoomModel): readonly DigestTable[] {
  return model.tables
    .filter(({ serverOnly }) => !serverOnly)
    .map(({ name, columns }) => ({ name, columns: columns.filter(({ generated }) => generated === null).map((column) => column.name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The tables that differ, also those that one of the two does not have; empty: both hold the same. */
export function differingTables(a: RoomDigest, b: RoomDigest): string[] {
  const sumsOf = ({ tables }: RoomDigest): Map<string, string> =>
    new Map(tables.map(({ table, rows, checksum }) => [table, `${rows} ${checksum}`]));
  const [ours, theirs] = [sumsOf(a), sumsOf(b)];
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter((table) => ours.get(table) !== theirs.get(table));
}

/** Names what is hashed: another form of it gets another one. */
const LABEL = 'alcove digest 1';
const SUM_MASK = (1n << 64n) - 1n;
const FIRST_BYTES = 256;

/** First byte of each cell. */
const TAG = { null: 0, number: 1, text: 2, blob: 3 } as const;

/**
 * The digest of one table, row by row. A row is hashed as its cells in order, each with its kind and length: numbers as JavaScript writes them, so that 1.0 is 1 and -0 is 0; text as UTF-8; blobs
 * as they are. Not made to withstand somebody who chooses rows so that sums agree: it finds faults.
 */
export class DigestSum {
  readonly #runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>;
  readonly #key: Uint8Array;
  #bytes = new Uint8Array(FIRST_BYTES);
  #sum = 0n;
  #rows = 0;

  constructor(runtime: Pick<Runtime, 'hmacSha256' | 'utf8'>) {
    this.#runtime = runtime;
    this.#key = runtime.utf8.encode(LABEL);
  }

  get rows(): number {
    return this.#rows;
  }

  get checksum(): string {
    return this.#sum.toString(16).padStart(16, '0');
  }

  add(cells: readonly DigestCell[]): void {
    let length = 0;
    for (const cell of cells) length = this.#put(length, cell);
    const hash = this.#runtime.hmacSha256(this.#key, this.#bytes.subarray(0, length));
    const first = new DataView(hash.buffer, hash.byteOffset, hash.byteLength).getBigUint64(0);
    this.#sum = (this.#sum + first) & SUM_MASK;
    this.#rows += 1;
  }

  #put(at: number, cell: DigestCell): number {
    if (cell === null) return this.#putBytes(at, TAG.null, new Uint8Array());
    if (cell instanceof Uint8Array) return this.#putBytes(at, TAG.blob, cell);
    const isText = typeof cell === 'string';
    return this.#putBytes(at, isText ? TAG.text : TAG.number, this.#runtime.utf8.encode(isText ? cell : textOf(cell)));
  }

  #putBytes(at: number, tag: number, bytes: Uint8Array): number {
    const start = at + 5;
    this.#makeRoom(start + bytes.length);
    this.#bytes[at] = tag;
    new DataView(this.#bytes.buffer).setUint32(at + 1, bytes.length);
    this.#bytes.set(bytes, start);
    return start + bytes.length;
  }

  #makeRoom(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The same for a number and a bigint of one value; 0 for -0. */
const textOf = (cell: number | bigint): string =>
  typeof cell === 'number' && Number.isInteger(cell) && !Number.isSafeInteger(cell) ? BigInt(cell).toString() : String(cell);
