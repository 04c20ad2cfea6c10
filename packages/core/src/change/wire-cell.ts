import type { SqlValue } from '../sqlite/database.ts';
import { fromBase64, toBase64 } from './base64.ts';
import type { WireCell } from './wire-rows.ts';

export function cellToWire(cell: SqlValue): WireCell {
  if (typeof cell === 'number') return isPlain(cell) ? cell : { r: Object.is(cell, -0) ? '-0' : cell > 0 ? 'Infinity' : '-Infinity' };
  return cell instanceof Uint8Array ? { b: toBase64(cell) } : cell;
}

/** @throws AlcoveError `bad_message` for a blob that is not base64. */
export function cellFromWire(cell: WireCell): SqlValue {
  if (typeof cell !== 'object' || cell === null) return cell;
  return 'b' in cell ? fromBase64(cell.b) : Number(cell.r);
}

/** Whether JSON keeps the number as it is. SQLite holds no NaN. */
const isPlain = (number: number): boolean => Number.isFinite(number) && !Object.is(number, -0);
