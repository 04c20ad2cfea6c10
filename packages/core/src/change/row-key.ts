import type { Row, SqlValue } from '../sqlite/database.ts';
import type { RowChange } from './change-set.ts';

/**
 * The key of `row` as text, for maps: equal only for keys whose values are equal to the byte. Two spellings of one key under a collation such as
 * NOCASE are two keys here; the one that is gone is deleted, the other inserted.
 */
export function keyText(row: Row, key: readonly number[]): string {
  const first = key[0];
  if (key.length === 1 && first !== undefined) return cellText(row[first]);
  return key.map((position) => escaped(cellText(row[position]))).join(SEPARATOR);
}

/** The values of `row` in the key's columns. */
export const keyOf = (row: Row, key: readonly number[]): Row => key.map((position) => row[position] ?? null);

/** Doubled where it is part of a value; a value's text never begins with it. */
const SEPARATOR = '\u0001';
const escaped = (text: string): string => (text.includes(SEPARATOR) ? text.replaceAll(SEPARATOR, SEPARATOR + SEPARATOR) : text);

function cellText(cell: SqlValue | undefined): string {
  if (typeof cell === 'string') return `t${cell}`;
  if (typeof cell === 'number') return `n${cell}`;
  if (cell === null || cell === undefined) return '0';
  let text = 'b';
  for (const byte of cell) text += String.fromCharCode(byte);
  return text;
}

/** Whether two rows of one table hold the same values to the byte. */
export function sameRow(a: Row, b: Row): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (!sameCell(a[index], b[index])) return false;
  return true;
}

export const sameCell = (left: SqlValue | undefined, right: SqlValue | undefined): boolean =>
  left === right || (left instanceof Uint8Array && right instanceof Uint8Array && sameBytes(left, right));

/** False where the row is after as it was before. */
export const changesSomething = ({ before, after }: RowChange): boolean =>
  before === null || after === null ? before !== after : !sameRow(before, after);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
