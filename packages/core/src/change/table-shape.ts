import { type ColumnType, columnType } from '../schema/column-type.ts';
import { tableIndexes } from '../schema/ddl.ts';
import type { RoomModel, TableModel } from '../schema/room-model.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';

/** A table as rows of change sets see it: without generated columns. */
export interface TableShape {
  readonly name: string;
  /** Names of the columns a row has a value for, in this order. */
  readonly columns: readonly string[];
  readonly types: readonly ColumnType[];
  /** SQL of each column's default, or null. */
  readonly defaults: readonly (string | null)[];
  /** Positions in `columns` of the key's columns, in key order. */
  readonly key: readonly number[];
  /** For each column whether it is in no key and no UNIQUE index: rows take other values there one by one, in any order. */
  readonly isFree: readonly boolean[];
}

const shapes = new WeakMap<TableModel, TableShape>();

export function tableShape(table: TableModel): TableShape {
  const known = shapes.get(table);
  if (known !== undefined) return known;
  const stored = table.columns.filter((column) => column.generated === null);
  const columns = stored.map((column) => column.name);
  const shape: TableShape = {
    name: table.name,
    columns,
    types: stored.map((column) => columnType(column.type)),
    defaults: stored.map((column) => column.defaultSql),
    key: table.key.map((name) => columns.indexOf(name)),
    isFree: freeColumns(table, columns),
  };
  shapes.set(table, shape);
  return shape;
}

/** A UNIQUE index over more than columns of rows (an expression, a condition, a generated column) may depend on any of them. */
function freeColumns(table: TableModel, columns: readonly string[]): boolean[] {
  const indexes = tableIndexes(table).filter(({ unique }) => unique);
  const quoted = columns.map(quoteIdentifier);
  if (indexes.some((index) => index.where !== null || !index.columns.every((column) => quoted.includes(column))))
    return columns.map(() => false);
  const bound = new Set([...table.key.map(quoteIdentifier), ...indexes.flatMap((index) => index.columns)]);
  return quoted.map((column) => !bound.has(column));
}

/** The shapes of the replicated tables of `model`, in its order: what capture watches and change sets hold. */
export const replicatedShapes = (model: RoomModel): readonly TableShape[] => {
  const known = replicated.get(model);
  if (known !== undefined) return known;
  const list = model.tables.filter((table) => !table.serverOnly).map(tableShape);
  replicated.set(model, list);
  return list;
};

const replicated = new WeakMap<RoomModel, readonly TableShape[]>();

/** Whether two lists of names are the same names in the same order. */
export const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
