import { createRequire } from 'node:module';
import { driverInUse } from './open-database.ts';

/** Bind whole numbers as bigint: better-sqlite3 makes a REAL of every number. */
export interface RawStatement {
  all(...params: readonly RawValue[]): unknown[];
  run(...params: readonly RawValue[]): unknown;
}

export type RawValue = null | number | bigint | string;

/**
 * The little that both SQLite drivers have in common, for what `Database` leaves out on purpose: ATTACH and lasting locks. Used on the host's own files, and
 * on a room's only in processes that do not serve it. What it throws is the driver's own.
 */
export interface RawDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): RawStatement;
  close(): void;
}

const require = createRequire(import.meta.url);

/** With the driver in use. @throws AlcoveError as driverInUse does; else what the driver throws. */
export const openRawDatabase = (path: string, busyTimeoutMs: number): RawDatabase => {
  if (driverInUse() === 'better-sqlite3') {
    const Database = require('better-sqlite3') as typeof import('better-sqlite3'); // what the package's types say it exports
    return new Database(path, { timeout: busyTimeoutMs }) as RawDatabase; // whose types know a statement's parameters only by its text
  }
  const { DatabaseSync } = require('@photostructure/sqlite') as typeof import('@photostructure/sqlite'); // what the package's types say it exports
  return new DatabaseSync(path, { timeout: busyTimeoutMs });
};
