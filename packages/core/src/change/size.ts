import type { Row } from '../sqlite/database.ts';
import type { ChangeSet } from './change-set.ts';

/** What a row and a cell cost beside their content, in JSON and in memory alike. */
const ROW_BYTES = 16;
const CELL_BYTES = 8;

/**
 * About how many bytes `changeSet` holds, both images of each row counted: for limits. Text counts a byte a UTF-16 unit. As JSON it is at most six times
 * as long, names of tables and columns aside (a text of control characters).
 */
export function changeSetBytes(changeSet: ChangeSet): number {
  let bytes = 0;
  for (const { rows } of changeSet.tables) for (const { before, after } of rows) bytes += rowBytes(before) + rowBytes(after);
  return bytes;
}

function rowBytes(row: Row | null): number {
  if (row === null) return 0;
  let bytes = ROW_BYTES;
  for (const cell of row) bytes += CELL_BYTES + (typeof cell === 'string' || cell instanceof Uint8Array ? cell.length : 0);
  return bytes;
}
