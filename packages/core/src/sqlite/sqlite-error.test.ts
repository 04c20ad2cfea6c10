import { expect, test } from 'vitest';
import { resultCodeOfName, sqliteError } from './sqlite-error.ts';

const codeFor = (resultCode: number | undefined, message = 'words'): string =>
  sqliteError({ resultCode, message, cause: undefined }, ' (in: x)').code;

test('[DB-19] result codes, primary and extended, become codes', () => {
  expect([5, 5 | (2 << 8), 6, 10, 10 | (3 << 8), 11, 13, 14, 19, 2067, 26, 1, 7, 18, 20, 21, 100].map((code) => codeFor(code))).toEqual([
    'overloaded',
    'overloaded',
    'overloaded',
    'room_failed',
    'room_failed',
    'file_damaged',
    'room_full',
    'room_failed',
    'constraint_failed',
    'constraint_failed',
    'file_damaged',
    'sql_failed',
    'sql_failed',
    'sql_failed',
    'sql_failed',
    'sql_failed',
    'sql_failed',
  ]);
});

test('[DB-19] where the driver tells no code SQLite’s words decide', () => {
  const words: [string, string][] = [
    ['UNIQUE constraint failed: t.a', 'constraint_failed'],
    ['FOREIGN KEY constraint failed', 'constraint_failed'],
    ['CHECK constraint failed: a > 0', 'constraint_failed'],
    ['NOT NULL constraint failed: t.a', 'constraint_failed'],
    ['cannot store TEXT value in INTEGER column t.a', 'constraint_failed'],
    ['database or disk is full', 'room_full'],
    ['disk I/O error', 'room_failed'],
    ['unable to open database file', 'room_failed'],
    ['database disk image is malformed', 'file_damaged'],
    ['malformed database schema (t) - near "x"', 'file_damaged'],
    ['file is not a database', 'file_damaged'],
    ['database is locked', 'overloaded'],
    ['database table is locked: t', 'overloaded'],
    ['no such table: the database or disk is full', 'sql_failed'],
  ];
  for (const [message, code] of words) expect([message, codeFor(undefined, message)]).toEqual([message, code]);
  // A code that is told wins over words.
  expect(codeFor(1, 'database or disk is full')).toBe('sql_failed');
});

test('[DB-19] names of result codes are read by their prefix', () => {
  expect(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_IOERR_WRITE', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_ERROR', ''].map(resultCodeOfName)).toEqual([
    19,
    10,
    5,
    undefined,
    undefined,
  ]);
});

test('[DB-19] the message names the SQL, except for constraints, and keeps the cause', () => {
  const cause = new RangeError('native');
  expect(sqliteError({ resultCode: 1, message: 'near "SELEC"', cause }, ' (in: SELEC)')).toMatchObject({
    message: 'near "SELEC" (in: SELEC)',
    cause,
  });
  expect(sqliteError({ resultCode: 19, message: 'UNIQUE constraint failed: t.a', cause }, ' (in: x)').message).toBe(
    'UNIQUE constraint failed: t.a',
  );
});
