import { nameList } from '../schema/ddl.ts';
import type { RoomModel, TableModel } from '../schema/room-model.ts';
import type { Database, Row, Statement } from '../sqlite/database.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import type { RowPuts } from './apply.ts';
import type { AppliedChanges, AppliedTable } from './applied-changes.ts';
import type { RowChange } from './change-set.ts';
import { changesSomething, keyOf } from './row-key.ts';
import { sameNames, type TableShape, tableShape } from './table-shape.ts';

/**
 * Whether putRowsInPlace may be tried: the tables and columns are the model's own, no key has two spellings (as under NOCASE), and no foreign-key action of
 * `model` can fire. One fires where a row that others refer to is deleted, or changes what they refer to; putting in place keeps a row's key.
 */
export function canPutInPlace(model: RoomModel, tables: readonly RowPuts[]): boolean {
  const { byName, referredTo } = linksOf(model);
  return tables.every(({ table, columns, deletes }) => {
    const known = byName.get(table);
    if (known === undefined || !sameNames(columns, known.columns) || !isKeyExact(known)) return false;
    const link = referredTo.get(table);
    return link === undefined || (link === 'key' && deletes.length === 0);
  });
}

/**
 * Makes `tables` stand as applyRowPuts does, with foreign keys enforced and where canPutInPlace says so: a row that is there is updated, not deleted and
 * inserted, which costs a fraction and fires no action. Inside a transaction, capture stopped.
 *
 * @throws AlcoveError `constraint_failed` where it cannot be done row by row (UNIQUE values change places, a row comes before the one it refers to): roll
 * back, and use applyRowPuts.
 */
export function putRowsInPlace(database: Database, model: RoomModel, tables: readonly RowPuts[]): AppliedChanges {
  const { byName } = linksOf(model);
  return tables.flatMap((table): AppliedTable[] => {
    const shape = byName.get(table.table);
    if (shape === undefined) return [];
    const statements = statementsOf(database, shape);
    const rows = [...table.deletes.map((key) => removed(statements, key)), ...table.puts.map((row) => put(statements, shape, row))];
    const changed = rows.filter(changesSomething);
    if (changed.length === 0) return [];
    const keys = changed.map(({ before, after }) => keyOf(after ?? before ?? [], shape.key));
    return [{ table: shape.name, columns: shape.columns, key: shape.key, rows: changed, keys }];
  });
}

interface Statements {
  readonly find: Statement;
  readonly remove: Statement;
  readonly insert: Statement;
  /** Null where every column is the key's. */
  readonly update: Statement | null;
  /** Positions in a row of the values `update` takes. */
  readonly updated: readonly number[];
}

function removed({ find, remove }: Statements, key: Row): RowChange {
  const before = find.get(key) ?? null;
  if (before !== null) remove.run(key);
  return { before, after: null };
}

function put({ find, insert, update, updated }: Statements, { key }: TableShape, row: Row): RowChange {
  const before = find.get(keyOf(row, key)) ?? null;
  if (before === null) insert.run(row);
  else update?.run(updated.map((position) => row[position] ?? null));
  return { before, after: row };
}

const prepared = new WeakMap<Database, WeakMap<TableShape, Statements>>();

function statementsOf(database: Database, shape: TableShape): Statements {
  const ofDatabase = prepared.get(database) ?? new WeakMap<TableShape, Statements>();
  prepared.set(database, ofDatabase);
  const known = ofDatabase.get(shape);
  if (known !== undefined) return known;
  const statements = prepareAll(database, shape);
  ofDatabase.set(shape, statements);
  return statements;
}

function prepareAll(database: Database, { name, columns, key }: TableShape): Statements {
  const table = quoteIdentifier(name);
  const assigned = (positions: readonly number[], by: string): string =>
    positions.map((position) => `${quoteIdentifier(columns[position] ?? '')} = ?`).join(by);
  const rest = columns.map((_, position) => position).filter((position) => !key.includes(position));
  const where = `WHERE ${assigned(key, ' AND ')}`;
  return {
    find: database.prepare(`SELECT ${nameList(columns)} FROM ${table} ${where}`),
    remove: database.prepare(`DELETE FROM ${table} ${where}`),
    insert: database.prepare(`INSERT INTO ${table} (${nameList(columns)}) VALUES (${columns.map(() => '?').join(', ')})`),
    update: rest.length === 0 ? null : database.prepare(`UPDATE ${table} SET ${assigned(rest, ', ')} ${where}`),
    updated: [...rest, ...key],
  };
}

interface Links {
  readonly byName: ReadonlyMap<string, TableShape>;
  /** Tables that foreign keys refer to: to their primary keys only, or to other columns too. */
  readonly referredTo: ReadonlyMap<string, 'key' | 'more'>;
}

const links = new WeakMap<RoomModel, Links>();

function linksOf(model: RoomModel): Links {
  const known = links.get(model);
  if (known !== undefined) return known;
  const tables = model.tables.filter((table) => !table.serverOnly);
  const referredTo = new Map<string, 'key' | 'more'>();
  for (const { foreignKeys } of tables) {
    for (const { foreignTable, foreignColumns } of foreignKeys) {
      const parent = tables.find(({ name }) => name === foreignTable);
      if (parent === undefined) continue;
      if (!isWithinKey(parent, foreignColumns)) referredTo.set(foreignTable, 'more');
      else if (!referredTo.has(foreignTable)) referredTo.set(foreignTable, 'key');
    }
  }
  const made = { byName: new Map(tables.map((table) => [table.name, tableShape(table)])), referredTo };
  links.set(model, made);
  return made;
}

const isKeyExact = ({ key, types }: TableShape): boolean => key.every((position) => types[position]?.collation === 'BINARY');

/** None named means the primary key. */
const isWithinKey = ({ key }: TableModel, columns: readonly string[]): boolean => columns.every((column) => key.includes(column));
