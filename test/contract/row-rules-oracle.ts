import type { RoomDefinition } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { RowCondition, TableRules } from '@alcove/core/schema/row-rules';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { SQLiteSyncDialect, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { is, SQL } from 'drizzle-orm';

/** Rows of each table as text, sorted. */
export type Contents = ReadonlyMap<string, readonly string[]>;

const dialect = new SQLiteSyncDialect();

/** What a condition says of each row of its table in `database`, in the order of `rowid` or key, as SQLite says it there: true, false or null. */
export function askEach(database: Database, from: string, condition: RowCondition): (boolean | null)[] | boolean {
  if (!is(condition, SQL)) return condition === true;
  const { sql, params } = dialect.sqlToQuery(condition);
  const bound = params.map(
    (value): SqlValue => (value === undefined ? null : typeof value === 'boolean' ? Number(value) : (value as SqlValue)),
  );
  return database
    .prepare(`SELECT CASE WHEN (${sql}) THEN 1 WHEN NOT (${sql}) THEN 0 END FROM ${from}`)
    .all([...bound, ...bound])
    .map(([answer]) => (answer === null ? null : answer === 1));
}

const answerAt = (answers: (boolean | null)[] | boolean, index: number): boolean | null =>
  typeof answers === 'boolean' ? answers : (answers[index] ?? null);

/** What a reader with these claims must hold: the room's own tables, asked row by row. Knows nothing of how the room filters. */
export function seenBy(database: Database, { schema, rules, model }: RoomDefinition, claims: Claims): Contents {
  const contents = new Map<string, string[]>();
  for (const { name, columns, key } of replicatedShapes(model)) {
    const table = Object.hasOwn(schema, name) ? schema[name] : undefined;
    const own = (rules as Readonly<Record<string, TableRules<SQLiteTable>>>)[name]; // by the tables' own names here
    const from = `${quoteIdentifier(name)} ORDER BY ${key.map((position) => quoteIdentifier(columns[position] ?? '')).join(', ')}`;
    const rows = database.prepare(`SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${from}`).all();
    const visible = table === undefined || own?.visibleTo === undefined ? true : askEach(database, from, own.visibleTo(table, claims));
    const hidden = Object.entries(own?.hiddenFrom ?? {}).map(([column, rule]) => ({
      position: columns.indexOf(column),
      answers: table === undefined || rule === undefined ? false : askEach(database, from, rule(table, claims)),
    }));
    const seen = rows.flatMap((row, index): string[] => {
      if (answerAt(visible, index) !== true) return [];
      return [
        cellsText(
          row.map((cell, position) =>
            hidden.some((one) => one.position === position && answerAt(one.answers, index) !== false) ? null : cell,
          ),
        ),
      ];
    });
    contents.set(name, seen.sort());
  }
  return contents;
}

export function contentsOf(database: Database, model: RoomModel): Contents {
  return new Map(
    replicatedShapes(model).map(({ name, columns }) => [
      name,
      database
        .prepare(`SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${quoteIdentifier(name)}`)
        .all()
        .map(cellsText)
        .sort(),
    ]),
  );
}

export const cellsText = (row: Row): string =>
  JSON.stringify(
    row.map((cell) => (cell instanceof Uint8Array ? { blob: [...cell] } : typeof cell === 'number' ? { number: String(cell) } : cell)),
  );
