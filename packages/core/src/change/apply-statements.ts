import { nameList } from '../schema/ddl.ts';
import type { Database, Statement } from '../sqlite/database.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { sameNames, type TableShape } from './table-shape.ts';

/** What apply runs on one table; parameters are the key's values or a row's. One row a statement: more at once gains little and only on deletes. */
export interface ApplyStatements {
  readonly remove: Statement;
  /** Answers with what it deleted. */
  readonly removeReturning: Statement;
  readonly insert: Statement;
}

const prepared = new WeakMap<Database, WeakMap<TableShape, ApplyStatements>>();

/** For rows of `columns`; kept for each database where those are all the table's columns in its own order, as they nearly always are. */
export function applyStatements(database: Database, shape: TableShape, columns: readonly string[]): ApplyStatements {
  if (!sameNames(columns, shape.columns)) return prepareAll(database, shape, columns);
  const ofDatabase = prepared.get(database) ?? new WeakMap<TableShape, ApplyStatements>();
  prepared.set(database, ofDatabase);
  const known = ofDatabase.get(shape);
  if (known !== undefined) return known;
  const statements = prepareAll(database, shape, columns);
  ofDatabase.set(shape, statements);
  return statements;
}

function prepareAll(database: Database, shape: TableShape, columns: readonly string[]): ApplyStatements {
  const table = quoteIdentifier(shape.name);
  const remove = `DELETE FROM ${table} WHERE ${shape.key.map((position) => `${quoteIdentifier(shape.columns[position] ?? '')} = ?`).join(' AND ')}`;
  return {
    remove: database.prepare(remove),
    removeReturning: database.prepare(`${remove} RETURNING ${nameList(columns)}`),
    insert: database.prepare(`INSERT INTO ${table} (${nameList(columns)}) VALUES (${columns.map(() => '?').join(', ')})`),
  };
}
