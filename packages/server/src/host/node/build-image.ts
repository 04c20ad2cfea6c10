import { existsSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import { resultCodeOfName, sqliteError } from '@alcove/core/sqlite/sqlite-error';
import { failsOverRow } from '../../access/rule-failure.ts';
import type { RuleValue } from '../../access/rule-sql.ts';
import type { ImageTablePlan } from '../../snapshot/image-plan.ts';
import type { ImageJob } from './builder-job.ts';
import { openRawDatabase } from './raw-database.ts';
import type { RawDatabase, RawValue } from './raw-database.ts';

/** How long the room's own process may hold the file in a checkpoint before the job gives up. */
const BUSY_TIMEOUT_MS = 10_000;

interface Head {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
  readonly schema: string;
}

/**
 * Makes the image of a job at `imagePath`: every row that the class sees, of the room at one version, inserted into a fresh file (a copied one would carry deleted
 * and server-only rows in its free pages), and opened anew to look at it.
 *
 * @throws AlcoveError `snapshot_failed`, or what the driver throws; the file is the caller's to remove.
 */
export const buildImage = (job: ImageJob): Head & { readonly rows: number } => {
  const built = build(job);
  check(job);
  return built;
};

const build = (job: ImageJob): Head & { readonly rows: number } => {
  if (!existsSync(job.roomPath)) throw new AlcoveError('snapshot_failed', 'the room’s file is gone'); // ATTACH would make an empty one
  const database = openRawDatabase(job.imagePath, BUSY_TIMEOUT_MS);
  try {
    // No journal, no waiting: a half-made file is thrown away.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF');
    database.exec(`ATTACH '${job.roomPath.replaceAll("'", "''")}' AS room`);
    // Deferred, so that the room is only read: its writer is never held up. The first SELECT fixes the version for all that follow.
    database.exec('BEGIN');
    const head = headIn(database, job);
    for (const table of job.plan.tables) {
      database.exec(table.createSql);
      copyRows(database, table);
    }
    for (const sql of job.plan.indexSql) database.exec(sql);
    const rows = job.plan.tables.reduce((sum, table) => sum + rowsIn(database, table), 0);
    for (const sql of job.plan.captureSql) database.exec(sql);
    database.exec('COMMIT; DETACH room');
    return { ...head, rows };
  } finally {
    database.close();
  }
};

const headIn = (database: RawDatabase, job: ImageJob): Head => {
  const head = database.prepare(job.plan.headSql).all()[0] as Head | undefined; // the row that headSql is made to read
  if (head === undefined || head.historyId !== job.historyId || head.schema !== job.schema) {
    throw new AlcoveError('snapshot_failed', `the room has become another one: history ${head?.historyId}, schema ${head?.schema}`);
  }
  return head;
};

const rawValue = (value: RuleValue): RawValue => (Number.isSafeInteger(value) ? BigInt(Number(value)) : value);

/** A rule that fails over a row fails the build, in words that quote no row. */
const copyRows = (database: RawDatabase, { rules, copySql, copyParams }: ImageTablePlan): void => {
  const copy = database.prepare(copySql);
  try {
    copy.run(...copyParams.map(rawValue));
  } catch (error) {
    throw rules !== null && isOfStatement(error) ? failsOverRow(rules) : error;
  }
};

/** Whether it is the statement that SQLite gave up over, and not the disk or the file. */
const isOfStatement = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const name = 'code' in error ? String(error.code) : '';
  return sqliteError({ resultCode: resultCodeOfName(name), message: error.message, cause: error }).code === 'sql_failed';
};

/** As many as the class sees in the room's own table. */
const rowsIn = (database: RawDatabase, { countSql: sql, countParams }: ImageTablePlan): number => {
  const counts = database.prepare(sql).all(...countParams.map(rawValue))[0] as { room: number; image: number }; // the row that countSql is made to read
  if (counts.room !== counts.image)
    throw new AlcoveError('snapshot_failed', `the room has ${counts.room} rows and its image ${counts.image}: ${sql}`);
  return counts.image;
};

/**
 * Opens the file as a reader would. Whether its indexes agree with its rows is not asked, which takes as long as making both: SQLite has just made them of these
 * very rows.
 */
const check = (job: ImageJob): void => {
  const database = openRawDatabase(job.imagePath, 0);
  try {
    const [result] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]; // SQLite's own column name
    if (result?.quick_check !== 'ok') throw new AlcoveError('snapshot_failed', `the image is damaged: ${result?.quick_check}`);
  } finally {
    database.close();
  }
};
