import { AlcoveError } from '../error.ts';
import type { Row } from '../sqlite/database.ts';
import type { ChangeSet, RowChange, TableChanges } from './change-set.ts';
import { sameRow } from './row-key.ts';
import { cellFromWire, cellToWire } from './wire-cell.ts';
import type { WireCell } from './wire-rows.ts';

/**
 * A change set as JSON text for the change log, both images of every row:
 *
 *   [[table, [column …], [key position …], [[before, after] …]] …]
 *
 * An image is null or one cell a column, in the wire's form. The row after an update is `{"column position": cell …}`, the changed ones only.
 * The text is the same for equal change sets, so that it can be hashed.
 */
export function encodeRecord(changeSet: ChangeSet): string {
  return JSON.stringify(changeSet.tables.map(({ table, columns, key, rows }) => [table, columns, key, rows.map(rowToJson)]));
}

const rowToJson = ({ before, after }: RowChange): unknown => [
  imageToJson(before),
  before === null || after === null ? imageToJson(after) : differences(before, after),
];

const imageToJson = (row: Row | null): WireCell[] | null => (row === null ? null : row.map(cellToWire));

function differences(before: Row, after: Row): Record<string, WireCell> {
  const changed: Record<string, WireCell> = {};
  for (const [position, cell] of after.entries()) {
    const was = before[position] ?? null;
    // 0 and -0 are equal and not the same.
    if (!sameRow([was], [cell]) || Object.is(was, -0) !== Object.is(cell, -0)) changed[position] = cellToWire(cell);
  }
  return changed;
}

/** @throws AlcoveError `file_damaged` for anything that encodeRecord did not write. */
export function decodeRecord(text: string): ChangeSet {
  try {
    return { tables: list(JSON.parse(text)).map(tableFromJson) };
  } catch (error) {
    throw new AlcoveError(
      'file_damaged',
      `a record of the change log cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function tableFromJson(json: unknown): TableChanges {
  const [table, columns, key, rows] = list(json);
  const names = list(columns).map(name);
  return {
    table: name(table),
    columns: names,
    key: list(key).map((position) => (typeof position === 'number' && position in names ? position : damaged('a key position'))),
    rows: list(rows).map((row) => rowFromJson(row, names.length)),
  };
}

function rowFromJson(json: unknown, columns: number): RowChange {
  const [first, second] = list(json);
  const before = imageFromJson(first, columns);
  if (before === null || Array.isArray(second) || typeof second !== 'object' || second === null)
    return { before, after: imageFromJson(second, columns) };
  const after = [...before];
  for (const [position, cell] of Object.entries(second)) {
    if (!(position in after)) damaged('a column position');
    after[Number(position)] = cellFromJson(cell);
  }
  return { before, after };
}

function imageFromJson(json: unknown, columns: number): Row | null {
  if (json === null) return null;
  const cells = list(json);
  return cells.length === columns ? cells.map(cellFromJson) : damaged(`a row of ${cells.length} cells for ${columns} columns`);
}

function cellFromJson(json: unknown): Row[number] {
  if (json === null || typeof json === 'string' || typeof json === 'number') return json;
  if (typeof json === 'object' && 'b' in json && typeof json.b === 'string') return cellFromWire({ b: json.b });
  if (typeof json === 'object' && 'r' in json && (json.r === 'Infinity' || json.r === '-Infinity' || json.r === '-0'))
    return cellFromWire({ r: json.r });
  return damaged('a cell');
}

const list = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : damaged('a list'));
const name = (json: unknown): string => (typeof json === 'string' ? json : damaged('a name'));

function damaged(what: string): never {
  throw new AlcoveError('file_damaged', `${what} is not what it should be`);
}
