import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type MirrorNames, mirroredTables, ROOM_COLUMN } from './mirror-names.ts';
import { declaredPgType, pgTypeOf } from './pg-type.ts';

/** A table as PostgreSQL has it. */
export interface FoundTable {
  readonly name: string;
  /** Its type by PostgreSQL's own name, such as `bigint`. */
  readonly columns: ReadonlyMap<string, string>;
  readonly key: readonly string[];
}

/** What brings the tables of one definition to its model. */
export interface TableSteps {
  readonly sql: readonly string[];
  /** Rows are gone, or were never taken: every room of the definition is copied anew. */
  readonly isEmptied: boolean;
  /** Tables that are no longer defined. */
  readonly dropped: readonly string[];
}

/** Every table by itself: `CREATE TABLE IF NOT EXISTS`. No UNIQUE, CHECK, foreign key or default: rows come as the room has them, in any order. */
export function createMirrorTable(names: MirrorNames, definition: string, table: TableModel): string {
  const columns = table.columns.map((column) => columnSql(column));
  const key = [ROOM_COLUMN, ...table.key].map(quoteIdentifier).join(', ');
  const all = [`${ROOM_COLUMN} text COLLATE "C" NOT NULL`, ...columns, `PRIMARY KEY (${key})`];
  return `CREATE TABLE IF NOT EXISTS ${names.tableOf(definition, table.name)} (${all.join(', ')})`;
}

/**
 * How `found` becomes what `model` says. New tables and columns are added; a table whose key or column types changed is made anew, since its rows are of no use. A column that is no longer defined
 * stays, without values: somebody's view may name it.
 */
export function tableSteps(names: MirrorNames, definition: string, model: RoomModel, found: readonly FoundTable[]): TableSteps {
  const wanted = mirroredTables(model);
  const standing = new Map(found.map((table) => [table.name, table]));
  const sql: string[] = [];
  let isEmptied = false;
  for (const table of wanted) {
    const there = standing.get(table.name);
    const full = names.tableOf(definition, table.name);
    const added = there === undefined ? [] : table.columns.filter(({ name }) => !there.columns.has(name));
    if (there !== undefined && isUsable(table, there)) {
      sql.push(...added.map((column) => `ALTER TABLE ${full} ADD COLUMN ${columnSql(column)}`));
      continue;
    }
    isEmptied = true;
    if (there !== undefined) sql.push(`DROP TABLE ${full}`);
    sql.push(createMirrorTable(names, definition, table));
  }
  const defined = new Set(wanted.map(({ name }) => name));
  return { sql, isEmptied, dropped: found.filter(({ name }) => !defined.has(name)).map(({ name }) => name) };
}

function isUsable(table: TableModel, found: FoundTable): boolean {
  const key = [ROOM_COLUMN, ...table.key];
  if (key.length !== found.key.length || key.some((name, index) => name !== found.key[index])) return false;
  if (found.columns.get(ROOM_COLUMN) !== 'text') return false;
  return table.columns.every((column) => {
    const type = found.columns.get(column.name);
    return type === undefined || type === pgTypeOf(column);
  });
}

const columnSql = (column: ColumnModel): string => `${quoteIdentifier(column.name)} ${declaredPgType(pgTypeOf(column))}`;
