import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime, Utf8 } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { rowHash } from './row-hash.ts';

/** What a digest may take by itself: some million rows. */
export const DIGEST_TIMEOUT_MS = 10_000;

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

const FIRST_BYTES = 256;
const HALF = 2 ** 32;
const EMPTY = new Uint8Array();

/** First byte of each cell. */
const TAG = { null: 0, number: 1, text: 2, blob: 3 } as const;

/**
 * The digest of one table, row by row. A row is hashed as its cells in order, each with its kind and length: numbers as JavaScript writes them, so that 1.0 is 1 and -0 is 0; text as UTF-8; blobs
 * as they are. Servers of several releases compare digests: what is written down of a row, and its hash, stay as they are.
 */
export class DigestSum {
  readonly #utf8: Pick<Utf8, 'encode'>;
  #bytes = new Uint8Array(FIRST_BYTES);
  /** The sum, in halves. */
  #high = 0;
  #low = 0;
  #rows = 0;

  constructor({ utf8 }: Pick<Runtime, 'utf8'>) {
    this.#utf8 = utf8;
  }

  get rows(): number {
    return this.#rows;
  }

  get checksum(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('');
  }

  add(cells: readonly DigestCell[]): void {
    let length = 0;
    for (const cell of cells) length = this.#put(length, cell);
    const [high, low] = rowHash(this.#bytes, length);
    const lowSum = this.#low + low;
    this.#low = lowSum % HALF;
    this.#high = (this.#high + high + (lowSum >= HALF ? 1 : 0)) % HALF;
    this.#rows += 1;
  }

  #put(at: number, cell: DigestCell): number {
    if (cell === null) return this.#putBytes(at, TAG.null, EMPTY);
    if (cell instanceof Uint8Array) return this.#putBytes(at, TAG.blob, cell);
    const isText = typeof cell === 'string';
    return this.#putBytes(at, isText ? TAG.text : TAG.number, this.#utf8.encode(isText ? cell : textOf(cell)));
  }

  #putBytes(at: number, tag: number, bytes: Uint8Array): number {
    const { length } = bytes;
    const start = at + 5;
    this.#makeRoom(start + length);
    const into = this.#bytes;
    into[at] = tag;
    for (let place = 0; place < 4; place++) into[at + 1 + place] = (length >>> (24 - 8 * place)) & 0xff;
    into.set(bytes, start);
    return start + length;
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
