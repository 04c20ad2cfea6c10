import type { Database, Row } from '../sqlite/database.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { isReservedName, VALUES_TABLE } from '../sqlite/system-tables.ts';
import { readCreateIndex, readCreateTable, type CreateTableText } from './create-table-text.ts';
import type { ColumnModel, ForeignKeyModel, TableModel } from './room-model.ts';
import { asciiLower } from './sql-text.ts';

/** A table as it stands in a database file. */
export interface TableOnDisk extends TableModel {
  /** What no model may have, in words; empty where there is nothing of the kind. */
  readonly unsupported: readonly string[];
}

/**
 * The app's tables of a database and `alcove_values`, read from the file itself, by name. `serverOnly` is not on disk and always false here.
 * SQL comes as it was written: compare it with normalSql.
 */
export function readTables(database: Database): TableOnDisk[] {
  const tables = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return tables
    .map(([name, sql]) => ({ name: String(name), sql: String(sql) }))
    .filter(({ name }) => name === VALUES_TABLE || !isReservedName(name))
    .map(({ name, sql }) => readTable(database, name, sql));
}

function readTable(database: Database, name: string, sql: string): TableOnDisk {
  const text = readCreateTable(sql);
  const info = pragma(database, 'table_xinfo', name);
  const columns = info.map((row) => readColumn(row, text));
  return {
    name,
    columns,
    key: info
      .filter((row) => Number(row[5]) > 0)
      .sort((a, b) => Number(a[5]) - Number(b[5]))
      .map((row) => String(row[1])),
    withoutRowid: text.withoutRowid,
    serverOnly: false,
    checks: text.checks.map((check) => ({ name: '', sql: check })),
    foreignKeys: readForeignKeys(database, name),
    ...readIndexes(database, name),
    unsupported: unsupportedIn(text),
  };
}

const pragma = (database: Database, name: string, of: string): Row[] => database.prepare(`PRAGMA ${name}(${quoteIdentifier(of)})`).all();

function unsupportedIn(text: CreateTableText): string[] {
  const automatic = [...text.columns].filter(([, column]) => column.autoIncrement).map(([name]) => `column ${name} is AUTOINCREMENT`);
  return text.strict ? [...automatic, 'the table is STRICT'] : automatic;
}

/** Row of table_xinfo: cid, name, type, notnull, dflt_value, pk, hidden. */
function readColumn([, name, type, notNull, defaultSql]: Row, text: CreateTableText): ColumnModel {
  const column = text.columns.get(asciiLower(String(name)));
  const declared = String(type).replace(/ ?generated always$/i, '');
  const collation = column?.collation;
  return {
    name: String(name),
    type: collation === null || collation === undefined ? declared : `${declared} COLLATE ${collation}`,
    notNull: Number(notNull) === 1,
    defaultSql: defaultSql === null || defaultSql === undefined ? null : String(defaultSql),
    generated: column?.generated ?? null,
  };
}

/** Rows of foreign_key_list: id, seq, table, from, to, on_update, on_delete, match. */
function readForeignKeys(database: Database, table: string): ForeignKeyModel[] {
  const byId = new Map<number, Row[]>();
  for (const row of pragma(database, 'foreign_key_list', table)) byId.set(Number(row[0]), [...(byId.get(Number(row[0])) ?? []), row]);
  return [...byId.values()].map((rows) => {
    const ordered = rows.sort((a, b) => Number(a[1]) - Number(b[1]));
    const foreignTable = String(ordered[0]?.[2]);
    const named = ordered.every((row) => row[4] !== null);
    return {
      columns: ordered.map((row) => String(row[3])),
      foreignTable,
      foreignColumns: named ? ordered.map((row) => String(row[4])) : keyOnDisk(database, foreignTable),
      onUpdate: actionOf(ordered[0]?.[5]),
      onDelete: actionOf(ordered[0]?.[6]),
    };
  });
}

const keyOnDisk = (database: Database, table: string): string[] =>
  pragma(database, 'table_xinfo', table)
    .filter((row) => Number(row[5]) > 0)
    .sort((a, b) => Number(a[5]) - Number(b[5]))
    .map((row) => String(row[1]));

const actionOf = (action: Row[number] | undefined): string | null => (action === 'NO ACTION' ? null : String(action).toLowerCase());

/** Rows of index_list: seq, name, unique, origin (c: CREATE INDEX, u: UNIQUE, pk), partial. */
function readIndexes(database: Database, table: string): Pick<TableModel, 'uniques' | 'indexes'> {
  const list = pragma(database, 'index_list', table);
  const constraints = list
    .filter((row) => row[3] === 'u')
    .map((row) => ({ name: null, columns: pragma(database, 'index_info', String(row[1])).map((info) => String(info[2])) }));
  const indexes = list
    .filter((row) => row[3] === 'c')
    .map((row) => {
      const sql = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?").get([String(row[1])])?.[0];
      return { name: String(row[1]), unique: Number(row[2]) === 1, ...readCreateIndex(String(sql)) };
    });
  return { uniques: constraints, indexes };
}
