import { AlcoveError } from '../error.ts';
import type { RoomModel } from '../schema/room-model.ts';
import type { Database, Row } from '../sqlite/database.ts';
import { applyRowPuts, type RowPuts, type TableRows } from './apply.ts';
import type { AppliedChanges } from './applied-changes.ts';
import type { ChangeSet, TableChanges } from './change-set.ts';
import { keyOf } from './row-key.ts';
import { replicatedShapes, type TableShape } from './table-shape.ts';
import { cellFromWire, cellToWire } from './wire-cell.ts';
import type { WireCell, WireRows, WireTableChanges } from './wire-rows.ts';

/** What readers get of `changeSet`: the rows that stand afterwards and the keys that are gone, column by column. */
export function toWire(changeSet: ChangeSet): WireTableChanges[] {
  return changeSet.tables.map((table) => {
    const puts = table.rows.flatMap(({ after }) => (after === null ? [] : [after]));
    return { table: table.table, columns: table.columns, puts: toColumns(puts, table.columns.length), ...deletesToWire(table) };
  });
}

function deletesToWire({ columns, key, rows }: TableChanges): Pick<WireTableChanges, 'key' | 'deletes'> {
  const deletes = rows.flatMap(({ before, after }) => (after === null && before !== null ? [keyOf(before, key)] : []));
  return { key: key.map((position) => columns[position] ?? ''), deletes: toColumns(deletes, key.length) };
}

/** Rows of one table for a snapshot. */
export const rowsToWire = (table: string, columns: readonly string[], rows: readonly Row[]): WireRows => ({
  table,
  columns,
  cells: toColumns(rows, columns.length),
});

/**
 * Changes that came in, as applyRowPuts takes them, their columns in the model's order.
 * @throws AlcoveError `bad_message` for a table `model` does not have, another set of columns or another key, columns of unequal length, and a
 * blob that is not base64. The messages' schema id is compared before; this only trusts nothing.
 */
export function fromWire(model: RoomModel, changes: readonly WireTableChanges[]): RowPuts[] {
  return changes.map((change) => {
    const shape = shapeOf(model, change.table);
    const keyNames = shape.key.map((position) => shape.columns[position] ?? '');
    if (change.key.length !== keyNames.length || change.key.some((name, index) => name !== keyNames[index])) {
      throw new AlcoveError(
        'bad_message',
        `the changes of table ${shape.name} name another key (${change.key.join(', ')}) than ${keyNames.join(', ')}`,
      );
    }
    const puts = toRows(shape.columns.map((name) => columnOf(change.table, change.columns, change.puts, name)));
    checkColumnCount(shape, change.columns);
    return { table: shape.name, columns: shape.columns, key: shape.key, puts, deletes: toRows(change.deletes) };
  });
}

/** A snapshot's rows that came in. @throws AlcoveError `bad_message` as fromWire does. */
export function rowsFromWire(model: RoomModel, rows: WireRows): TableRows {
  const shape = shapeOf(model, rows.table);
  checkColumnCount(shape, rows.columns);
  return {
    table: shape.name,
    columns: shape.columns,
    key: shape.key,
    rows: toRows(shape.columns.map((name) => columnOf(rows.table, rows.columns, rows.cells, name))),
  };
}

/** fromWire, then applyRowPuts: under the same conditions, with the same errors and answer. */
export const applyWireChanges = (database: Database, model: RoomModel, changes: readonly WireTableChanges[]): AppliedChanges =>
  applyRowPuts(database, model, fromWire(model, changes));

function shapeOf(model: RoomModel, table: string): TableShape {
  const shape = replicatedShapes(model).find(({ name }) => name === table);
  if (shape === undefined) throw new AlcoveError('bad_message', `rows of a table ${JSON.stringify(table)} that this schema does not have`);
  return shape;
}

function columnOf(table: string, names: readonly string[], cells: readonly (readonly WireCell[])[], name: string): readonly WireCell[] {
  const column = cells[names.indexOf(name)];
  if (column === undefined) throw new AlcoveError('bad_message', `rows of table ${table} lack column ${JSON.stringify(name)}`);
  return column;
}

function checkColumnCount(shape: TableShape, names: readonly string[]): void {
  if (names.length !== shape.columns.length)
    throw new AlcoveError('bad_message', `rows of table ${shape.name} have ${names.length} columns instead of ${shape.columns.length}`);
}

function toColumns(rows: readonly Row[], count: number): WireCell[][] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => cellToWire(row[column] ?? null)));
}

/** @throws AlcoveError `bad_message` for columns of unequal length. */
export function toRows(columns: readonly (readonly WireCell[])[]): Row[] {
  const count = columns[0]?.length ?? 0;
  if (columns.some((column) => column.length !== count)) throw new AlcoveError('bad_message', 'columns of unequal length');
  return Array.from({ length: count }, (_, row) => columns.map((column) => cellFromWire(column[row] ?? null)));
}
