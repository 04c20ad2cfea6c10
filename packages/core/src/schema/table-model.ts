import { type Column, getTableName, is, SQL } from 'drizzle-orm';
import { type ForeignKey, getTableConfig, type Index, type SQLiteColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { assertIdentifier, quoteIdentifier } from '../sqlite/identifier.ts';
import { refusedIn } from '../sqlite/sql-guard.ts';
import { isReservedName } from '../sqlite/system-tables.ts';
import { refusedMode } from './column-mode.ts';
import { columnType } from './column-type.ts';
import type { ColumnModel, ForeignKeyModel, IndexModel, TableModel } from './room-model.ts';
import { asciiLower, isLiteral, sqlLiteral, sqlText } from './sql-text.ts';

/** One less than a Durable Object's SQLite takes: capture tables have a column more than the table they watch. */
export const TABLE_COLUMNS_MAX = 99;
/** What a name on the wire may have. */
export const NAME_CHARACTERS_MAX = 128;

export interface TableOptions {
  readonly serverOnly: boolean;
  readonly withoutRowid: boolean;
}

type TableConfig = ReturnType<typeof getTableConfig>;

/**
 * Reads a Drizzle table.
 * @throws AlcoveError `schema_invalid`, naming table and column, for what could not be the same in every replica: no primary key or a nullable
 * one, AUTOINCREMENT, defaults that are computed in JavaScript or from the clock, reserved or unusable names, more columns than fit.
 */
export function tableModelOf(table: SQLiteTable, options: TableOptions): TableModel {
  const config = getTableConfig(table);
  checkName(config.name, `table ${JSON.stringify(config.name)}`);
  if (isReservedName(config.name)) throw invalid(config.name, 'names that begin with alcove_, sqlite_ or _litestream_ are reserved');
  if (config.columns.length > TABLE_COLUMNS_MAX) {
    throw invalid(config.name, `${config.columns.length} columns; at most ${TABLE_COLUMNS_MAX} work on every host`);
  }
  const columns = config.columns.map((column) => columnModel(config.name, column));
  refuseDuplicates(config.name, columns);
  return {
    name: config.name,
    columns,
    key: keyOf(config),
    withoutRowid: options.withoutRowid,
    serverOnly: options.serverOnly,
    uniques: uniquesOf(config),
    checks: config.checks.map((check) => ({ name: check.name, sql: constantSql(config.name, `check ${check.name}`, check.value) })),
    foreignKeys: config.foreignKeys.map((foreignKey) => foreignKeyModel(config.name, foreignKey)),
    indexes: config.indexes.map((index) => indexModel(config.name, index)),
  };
}

const invalid = (table: string, problem: string, hint?: string): AlcoveError =>
  new AlcoveError('schema_invalid', `table ${JSON.stringify(table)}: ${problem}`, hint === undefined ? {} : { hint });

function checkName(name: string, what: string): void {
  assertIdentifier(name);
  if (name.length > NAME_CHARACTERS_MAX)
    throw new AlcoveError('schema_invalid', `${what}: the name is longer than ${NAME_CHARACTERS_MAX} characters`);
}

function columnModel(table: string, column: SQLiteColumn): ColumnModel {
  checkName(column.name, `table ${JSON.stringify(table)}, column ${JSON.stringify(column.name)}`);
  const where = `column ${JSON.stringify(column.name)}`;
  const mode = refusedMode(column);
  if (mode !== undefined) throw invalid(table, `${where} ${mode[0]}`, mode[1]);
  if (column.defaultFn !== undefined || column.onUpdateFn !== undefined) {
    throw invalid(
      table,
      `${where} has a default or an update computed in JavaScript, which would differ between the tab and the room`,
      'Set the value in the mutator, from ctx.now, ctx.random or ctx.id.',
    );
  }
  if ('autoIncrement' in column && column.autoIncrement === true) {
    throw invalid(
      table,
      `${where} is AUTOINCREMENT, whose hidden counter no replica shares`,
      'Use a text key from ctx.id, or an integer primary key without autoIncrement.',
    );
  }
  return {
    name: column.name,
    type: typeOf(table, column),
    notNull: column.notNull,
    defaultSql: defaultOf(table, column),
    generated: generatedOf(table, column),
  };
}

function typeOf(table: string, column: SQLiteColumn): string {
  try {
    const { declared, collation } = columnType(column.getSQLType());
    return collation === 'BINARY' ? declared : `${declared} COLLATE ${collation}`;
  } catch (error) {
    throw invalid(table, `column ${JSON.stringify(column.name)}: ${AlcoveError.from(error, 'schema_invalid').message}`);
  }
}

function defaultOf(table: string, column: SQLiteColumn): string | null {
  const value: unknown = column.default;
  if (value === undefined) return null;
  const where = `default of column ${JSON.stringify(column.name)}`;
  if (!is(value, SQL)) return sqlLiteral(value === null ? null : column.mapToDriverValue(value));
  const sql = constantSql(table, where, value);
  return isLiteral(sql) || sql.startsWith('(') ? sql : `(${sql})`;
}

function generatedOf(table: string, column: SQLiteColumn): ColumnModel['generated'] {
  if (column.generated === undefined) return null;
  const as: unknown = column.generated.as;
  const value: unknown = typeof as === 'function' ? as() : as;
  const sql = is(value, SQL) ? constantSql(table, `generated column ${JSON.stringify(column.name)}`, value) : sqlLiteral(value);
  return { sql, stored: column.generated.mode === 'stored' };
}

/** SQL that gives the same everywhere and at any time. */
function constantSql(table: string, where: string, fragment: SQL): string {
  const sql = sqlText(fragment);
  const refused = refusedIn(`SELECT ${sql}`);
  if (refused !== null) throw invalid(table, `${where}: ${refused}`, 'Set the value in the mutator, from ctx.now, ctx.random or ctx.id.');
  return sql;
}

function refuseDuplicates(table: string, columns: readonly ColumnModel[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    const lower = asciiLower(name);
    if (seen.has(lower)) throw invalid(table, `two columns are named ${JSON.stringify(lower)} (the case of ASCII letters does not count)`);
    seen.add(lower);
  }
}

function keyOf(config: TableConfig): readonly string[] {
  const inline = config.columns.filter((column) => column.primary);
  const declared = [...(inline.length > 0 ? [inline] : []), ...config.primaryKeys.map((key) => key.columns)];
  const [key, second] = declared;
  if (key === undefined || key.length === 0) {
    throw invalid(
      config.name,
      'no primary key is declared',
      'Rows are told apart by their primary key: add .primaryKey() or primaryKey({ columns: [...] }).',
    );
  }
  if (second !== undefined || inline.length > 1) throw invalid(config.name, 'more than one primary key is declared');
  for (const column of key) refuseAsKey(config.name, column);
  return key.map((column) => column.name);
}

function refuseAsKey(table: string, column: Column): void {
  if (!column.notNull)
    throw invalid(
      table,
      `primary-key column ${JSON.stringify(column.name)} may be null`,
      'Add .notNull(): SQLite would take several rows with a null key.',
    );
  if (column.generated !== undefined) throw invalid(table, `primary-key column ${JSON.stringify(column.name)} is generated`);
}

function uniquesOf(config: TableConfig): TableModel['uniques'] {
  const inline = config.columns
    .filter((column) => column.isUnique)
    .map((column) => ({ name: column.uniqueName ?? null, columns: [column.name] }));
  const declared = config.uniqueConstraints.map((unique) => ({
    name: unique.getName() ?? null,
    columns: unique.columns.map((column) => column.name),
  }));
  const uniques = [...inline, ...declared];
  for (const unique of uniques) if (unique.name !== null) checkIndexName(config.name, unique.name);
  return uniques;
}

function checkIndexName(table: string, name: string): void {
  checkName(name, `table ${JSON.stringify(table)}, index ${JSON.stringify(name)}`);
  if (isReservedName(name))
    throw invalid(table, `index ${JSON.stringify(name)}: names that begin with alcove_, sqlite_ or _litestream_ are reserved`);
}

function foreignKeyModel(table: string, foreignKey: ForeignKey): ForeignKeyModel {
  const { columns, foreignTable, foreignColumns } = foreignKey.reference();
  if (columns.length !== foreignColumns.length)
    throw invalid(table, `foreign key ${foreignKey.getName()} has ${columns.length} columns for ${foreignColumns.length}`);
  return {
    columns: columns.map((column) => column.name),
    foreignTable: getTableName(foreignTable),
    foreignColumns: foreignColumns.map((column) => column.name),
    onDelete: actionOf(foreignKey.onDelete),
    onUpdate: actionOf(foreignKey.onUpdate),
  };
}

/** `no action` is SQLite's default and the same as none. */
const actionOf = (action: string | undefined): string | null => (action === undefined || action === 'no action' ? null : action);

function indexModel(table: string, index: Index): IndexModel {
  const { name, unique, columns, where } = index.config;
  checkIndexName(table, name);
  return {
    name,
    unique,
    columns: columns.map((column) => (is(column, SQL) ? constantSql(table, `index ${name}`, column) : quoteIdentifier(column.name))),
    where: where === undefined ? null : constantSql(table, `index ${name}`, where),
  };
}
