import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';

/** Every replicated row of a database, table by table in order of their keys, as text that is equal where the content is. */
export type Dump = ReadonlyMap<string, readonly string[]>;

/** Read by plain SQL, with nothing of the product in between but the driver. */
export function dump(database: Database, model: RoomModel): Dump {
  const tables = model.tables.filter((table) => !table.serverOnly);
  return new Map(tables.map((table) => [table.name, database.prepare(selectSql(table)).all().map(rowText)]));
}

/** What differs, for a finding; null where nothing does. `left` and `right` name the two sides. */
export function difference(a: Dump, b: Dump, left: string, right: string): string | null {
  const said: string[] = [];
  for (const [table, rows] of a) {
    const others = b.get(table) ?? [];
    if (rows.length === others.length && rows.every((row, index) => row === others[index])) continue;
    const only = (some: readonly string[], rest: readonly string[]): string =>
      some
        .filter((row) => !rest.includes(row))
        .slice(0, 4)
        .join(' ');
    said.push(
      `${table}: only ${left}: ${only(rows, others) || '—'}; only ${right}: ${only(others, rows) || '—'} (${rows.length} and ${others.length} rows)`,
    );
  }
  return said.length === 0 ? null : said.join(' | ');
}

const selects = new WeakMap<TableModel, string>();

function selectSql(table: TableModel): string {
  const known = selects.get(table);
  if (known !== undefined) return known;
  const list = (names: readonly string[]): string => names.map(quoteIdentifier).join(', ');
  const columns = list(table.columns.filter(({ generated }) => generated === null).map(({ name }) => name));
  const sql = `SELECT ${columns} FROM ${quoteIdentifier(table.name)} ORDER BY ${list(table.key)}`;
  selects.set(table, sql);
  return sql;
}

export const rowText = (row: Row): string => JSON.stringify(row.map(cellText));

const cellText = (cell: SqlValue): unknown => (cell instanceof Uint8Array ? { blob: Buffer.from(cell).toString('hex') } : cell);
