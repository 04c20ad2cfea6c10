import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { AlcoveError } from '@alcove/core/error';
import { nameList, roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { withSidecars } from './data-dir.ts';
import type { SeedJob, SeedResult } from './builder-job.ts';
import { openRawDatabase } from './raw-database.ts';
import type { RawDatabase } from './raw-database.ts';

/** The file is somebody else's; it may be in use. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Makes the file that new rooms are copied from. A room's own file (an export, a backup) is copied whole, without its free pages. Any other SQLite file
 * gives the rows of those tables that the definition has, into a fresh file of the definition's schema; a table it does not have stays empty, a table of its
 * that the definition does not have is refused.
 *
 * @throws AlcoveError `file_damaged`, `file_foreign`, `schema_mismatch`, each naming the file; nothing is left then.
 */
export const runSeedJob = async (job: SeedJob): Promise<SeedResult> => {
  if (!existsSync(job.sourcePath)) throw new AlcoveError('option_invalid', `there is no seed file ${job.sourcePath}`);
  try {
    const rows = isRoomFile(job) ? copyRoom(job) : copyTables(job);
    return { rows, bytes: (await stat(job.templatePath)).size };
  } catch (error) {
    for (const file of withSidecars(job.templatePath)) await rm(file, { force: true });
    throw seedError(error, job);
  }
};

const isRoomFile = (job: SeedJob): boolean => {
  const database = openRawDatabase(job.sourcePath, BUSY_TIMEOUT_MS);
  try {
    const [result] = all<{ integrity_check: string }>(database, 'PRAGMA integrity_check(1)');
    if (result?.integrity_check !== 'ok') throw new AlcoveError('file_damaged', String(result?.integrity_check));
    return namesIn(database, 'main').includes('alcove_meta');
  } finally {
    database.close();
  }
};

const copyRoom = (job: SeedJob): number => {
  const database = openRawDatabase(job.sourcePath, BUSY_TIMEOUT_MS);
  try {
    database.exec(`VACUUM INTO ${literal(job.templatePath)}`);
    return countRows(
      database,
      job.model.tables.map((table) => table.name).filter((name) => namesIn(database, 'main').includes(name)),
    );
  } finally {
    database.close();
  }
};

const copyTables = (job: SeedJob): number => {
  const database = openRawDatabase(job.templatePath, BUSY_TIMEOUT_MS);
  try {
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF');
    database.exec(`ATTACH ${literal(job.sourcePath)} AS seed`);
    database.exec('BEGIN');
    const given = refuseUnknownTables(database, job.model);
    const ddl = roomDdl(job.model, { serverOnly: true });
    for (const sql of ddl.filter((one) => one.startsWith('CREATE TABLE '))) database.exec(sql);
    for (const table of given) database.exec(copySql(table, columnsIn(database, table)));
    for (const sql of ddl.filter((one) => !one.startsWith('CREATE TABLE '))) database.exec(sql);
    refuseBrokenKeys(database);
    const rows = countRows(
      database,
      given.map((table) => table.name),
    );
    database.exec('COMMIT; DETACH seed');
    return rows;
  } finally {
    database.close();
  }
};

/** The model's tables that the seed file has. */
const refuseUnknownTables = (database: RawDatabase, model: RoomModel): readonly TableModel[] => {
  const names = namesIn(database, 'seed');
  const unknown = names.filter((name) => !model.tables.some((table) => table.name === name));
  if (unknown.length > 0) throw new AlcoveError('schema_mismatch', `it has tables that the room does not: ${unknown.join(', ')}`);
  // An empty file, or one that SQLite made since the one that was meant is gone.
  if (names.length === 0) throw new AlcoveError('schema_mismatch', 'it has no tables');
  return model.tables.filter((table) => names.includes(table.name));
};

/** Columns of the model's table that the seed file's has. What the model requires and has no default for must be there. */
const columnsIn = (database: RawDatabase, table: TableModel): readonly string[] => {
  const given = all<{ name: string }>(database, `PRAGMA seed.table_info(${quoteIdentifier(table.name)})`).map(({ name }) => name);
  const stored = table.columns.filter((column) => column.generated === null);
  const missing = stored.filter(
    (column) => !given.includes(column.name) && (table.key.includes(column.name) || (column.notNull && column.defaultSql === null)),
  );
  if (missing.length > 0)
    throw new AlcoveError('schema_mismatch', `its table ${table.name} lacks columns: ${missing.map((column) => column.name).join(', ')}`);
  const unknown = given.filter((name) => !table.columns.some((column) => column.name === name));
  if (unknown.length > 0)
    throw new AlcoveError('schema_mismatch', `its table ${table.name} has columns that the room’s does not: ${unknown.join(', ')}`);
  return stored.map((column) => column.name).filter((name) => given.includes(name));
};

const copySql = (table: TableModel, columns: readonly string[]): string => {
  const name = quoteIdentifier(table.name);
  return `INSERT INTO main.${name} (${nameList(columns)}) SELECT ${nameList(columns)} FROM seed.${name} ORDER BY ${nameList(table.key)}`;
};

const refuseBrokenKeys = (database: RawDatabase): void => {
  const [broken] = all<{ table: string; parent: string }>(database, 'PRAGMA main.foreign_key_check');
  if (broken !== undefined)
    throw new AlcoveError('schema_mismatch', `rows of its table ${broken.table} refer to rows of ${broken.parent} that are not there`);
};

const namesIn = (database: RawDatabase, schema: 'main' | 'seed'): string[] =>
  all<{ name: string }>(
    database,
    `SELECT name FROM ${schema}.sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  ).map(({ name }) => name);

const countRows = (database: RawDatabase, tables: readonly string[]): number => {
  const sum = tables.map((name) => `(SELECT count(*) FROM main.${quoteIdentifier(name)})`).join(' + ') || '0';
  return all<{ rows: number }>(database, `SELECT ${sum} AS rows`)[0]?.rows ?? 0;
};

/** Rows as objects with the columns that the SQL names. */
const all = <Row>(database: RawDatabase, sql: string): Row[] => database.prepare(sql).all() as Row[];

const literal = (path: string): string => `'${path.replaceAll("'", "''")}'`;

const seedError = (error: unknown, job: SeedJob): AlcoveError => {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof AlcoveError ? error.code : /not a database|malformed/.test(message) ? 'file_damaged' : 'schema_mismatch';
  return new AlcoveError(code, `the seed file ${job.sourcePath} cannot be used: ${message}`, {
    hint: 'Bring a SQLite file whose tables and columns are those of the room definition, or an exported room.',
    cause: error,
  });
};
