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
  /** Gives the columns at `positions` of the row other values: those first, then the key's. */
  update(positions: readonly number[]): Statement;
}

/** Sets of columns whose UPDATE is kept at hand for one table; past it they are put together anew. */
const UPDATES_MAX = 64;

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
  const bound = (names: readonly string[], by: string): string => names.map((name) => `${quoteIdentifier(name)} = ?`).join(by);
  const ofKey = `WHERE ${bound(
    shape.key.map((position) => shape.columns[position] ?? ''),
    ' AND ',
  )}`;
  const remove = `DELETE FROM ${table} ${ofKey}`;
  const updates = new Map<string, Statement>();
  return {
    remove: database.prepare(remove),
    removeReturning: database.prepare(`${remove} RETURNING ${nameList(columns)}`),
    insert: database.prepare(`INSERT INTO ${table} (${nameList(columns)}) VALUES (${columns.map(() => '?').join(', ')})`),
    update(positions) {
      const text = positions.join();
      const known = updates.get(text);
      if (known !== undefined) return known;
      const assigned = bound(
        positions.map((position) => columns[position] ?? ''),
        ', ',
      );
      const made = database.prepare(`UPDATE ${table} SET ${assigned} ${ofKey}`);
      if (updates.size >= UPDATES_MAX) updates.clear();
      updates.set(text, made);
      return made;
    },
  };
}
