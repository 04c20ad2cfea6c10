import type { Row } from '../sqlite/database.ts';
import type { ChangeSet } from './change-set.ts';

/** What a row and a cell cost beside their content, in JSON and in memory alike. */
const ROW_BYTES = 16;
const CELL_BYTES = 8;

/** About how many bytes `changeSet` holds, both images of each row counted: for limits and budgets. Text counts a byte a UTF-16 unit. */
export function changeSetBytes(changeSet: ChangeSet): number {
  let bytes = 0;
  for (const { rows } of changeSet.tables) for (const { before, after } of rows) bytes += rowBytes(before) + rowBytes(after);
  return bytes;
}

/** How many rows `changeSet` changes. */
export const changeSetRows = (changeSet: ChangeSet): number => changeSet.tables.reduce((count, table) => count + table.rows.length, 0);

function rowBytes(row: Row | null): number {
  if (row === null) return 0;
  let bytes = ROW_BYTES;
  for (const cell of row) bytes += CELL_BYTES + (typeof cell === 'string' || cell instanceof Uint8Array ? cell.length : 0);
  return bytes;
}
