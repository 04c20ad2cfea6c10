import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { EngineDatabase } from '@alcove/core/sqlite/engine-database';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBetterSqlite3 } from '../../packages/server/src/host/node/better-sqlite3-database.ts';
import { BUSY_TIMEOUT_MS } from '../../packages/server/src/host/node/driver-options.ts';
import { chooseDriver, driverInUse, openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { openPhotostructure } from '../../packages/server/src/host/node/photostructure-database.ts';
import { codeOf } from './code-of.ts';

const all = [
  { name: 'better-sqlite3', open: openBetterSqlite3 },
  { name: 'photostructure', open: openPhotostructure },
] as const;

const loads = (name: 'better-sqlite3' | 'photostructure'): boolean => codeOf(() => chooseDriver(name)) === undefined;
const drivers = all.filter(({ name }) => loads(name));

let directory: string;
let opened: Database[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-drivers-'));
  opened = [];
});
afterEach(() => {
  for (const database of opened) database.close();
  rmSync(directory, { recursive: true });
});

describe.each(drivers)('$name on files', ({ open }) => {
  const file = (name = 'room.sqlite'): string => join(directory, name);
  const openFile = (options: Parameters<typeof open>[1] = {}, name?: string): Database => {
    const database = open(file(name), options);
    opened.push(database);
    return database;
  };
  const pragma = (database: Database, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[0];

  test('[DB-21] a connection starts with WAL, full syncing, a short wait for locks and an untrusted schema', () => {
    const database = openFile();
    expect(
      ['journal_mode', 'synchronous', 'busy_timeout', 'foreign_keys', 'recursive_triggers', 'trusted_schema'].map((name) =>
        pragma(database, name),
      ),
    ).toEqual(['wal', 2, BUSY_TIMEOUT_MS, 1, 1, 0]);
    expect(pragma(openFile({ synchronous: 'NORMAL' }), 'synchronous')).toBe(1);
    expect(pragma(openFile({ synchronous: 'OFF' }), 'synchronous')).toBe(0);
  });

  test('[DB-21] what was committed is in the file, also for the other driver', () => {
    const writer = openFile();
    writer.exec('CREATE TABLE t (a, b)');
    writer.transaction(() => writer.prepare('INSERT INTO t VALUES (?, ?)').run([2 ** 40, 'ü']));
    writer.close();
    for (const driver of drivers) {
      const reader = driver.open(file());
      opened.push(reader);
      expect(reader.prepare('SELECT a, b FROM t').all()).toEqual([[2 ** 40, 'ü']]);
    }
  });

  test('[DB-21] a read-only connection follows the writer and writes nothing', () => {
    const writer = openFile();
    writer.exec('CREATE TABLE t (a)');
    const reader = openFile({ readonly: true });
    expect(reader.prepare('SELECT count(*) FROM t').get()).toEqual([0]);
    writer.exec('INSERT INTO t VALUES (1)');
    expect(reader.transaction(() => reader.prepare('SELECT count(*) FROM t').get())).toEqual([1]);
    for (const sql of ['INSERT INTO t VALUES (2)', 'DROP TABLE t', 'CREATE TABLE u (a)'])
      expect(codeOf(() => reader.prepare(sql).run())).toBe('sql_failed');
    expect(writer.prepare('SELECT a FROM t').all()).toEqual([[1]]);
    // One snapshot for a whole transaction.
    reader.transaction(() => {
      expect(reader.prepare('SELECT count(*) FROM t').get()).toEqual([1]);
      writer.exec('INSERT INTO t VALUES (3)');
      expect(reader.prepare('SELECT count(*) FROM t').get()).toEqual([1]);
    });
    expect(reader.prepare('SELECT count(*) FROM t').get()).toEqual([2]);
  });

  test('[DB-21] a file that is missing and may not be made, or whose directory is missing, is refused', () => {
    expect(codeOf(() => open(file('none'), { create: false }))).toBe('room_failed');
    expect(codeOf(() => open(file('none'), { readonly: true }))).toBe('room_failed');
    expect(codeOf(() => open(join(directory, 'no', 'directory')))).toBe('room_failed');
  });

  test('[DB-21] a file that is no database, or a damaged one, is refused with file_damaged', () => {
    writeFileSync(file('text'), 'This is a text, and it is long enough to be taken for a header of something.'.repeat(100));
    expect(codeOf(() => open(file('text')))).toBe('file_damaged');
    const database = openFile();
    database.exec('CREATE TABLE t (a); CREATE INDEX i ON t (a)');
    for (let row = 0; row < 500; row += 1) database.prepare('INSERT INTO t VALUES (?)').run([`${row}${'x'.repeat(200)}`]);
    database.close();
    truncateSync(file(), Math.floor(readFileSync(file()).length / 3));
    expect(codeOf(() => openFile().prepare('SELECT count(*), max(a) FROM t NOT INDEXED').all())).toBe('file_damaged');
  });

  test('[DB-21] a lock held elsewhere is `overloaded` after the wait, and the next try works', () => {
    const [one, two] = [openFile(), openFile()];
    one.exec('CREATE TABLE t (a)');
    two.prepare('PRAGMA busy_timeout = 1').get();
    one.transaction(() => {
      expect(codeOf(() => two.transaction(() => 1))).toBe('overloaded');
      expect(codeOf(() => two.exec('INSERT INTO t VALUES (1)'))).toBe('overloaded');
      expect(two.inTransaction).toBe(false);
      expect(two.prepare('SELECT count(*) FROM t').get()).toEqual([0]);
    });
    two.transaction(() => two.exec('INSERT INTO t VALUES (1)'));
    expect(one.prepare('SELECT a FROM t').all()).toEqual([[1]]);
  });

  test('[DB-10] the statement cache is bounded', () => {
    const database = openFile({ statementCacheMax: 5 });
    for (let number = 0; number < 50; number += 1) database.prepare(`SELECT ${number}`).get();
    expect(database instanceof EngineDatabase && database.cachedStatements).toBe(5);
  });
});

describe('choosing a driver', () => {
  const missing = (): never => {
    throw new AlcoveError('internal', 'Cannot find module\nRequire stack: …');
  };
  const working = (): Database => openDatabase(':memory:');

  test('[DB-22] better-sqlite3 where it loads, else @photostructure/sqlite, else driver_missing with every reason', () => {
    expect(chooseDriver(undefined, { 'better-sqlite3': working, photostructure: working })).toBe('better-sqlite3');
    expect(chooseDriver('', { 'better-sqlite3': missing, photostructure: working })).toBe('photostructure');
    expect(() => chooseDriver(undefined, { 'better-sqlite3': missing, photostructure: missing })).toThrow(
      'no SQLite driver loads (better-sqlite3: Cannot find module; photostructure: Cannot find module)',
    );
    expect(codeOf(() => chooseDriver(undefined, { 'better-sqlite3': missing, photostructure: missing }))).toBe('driver_missing');
  });

  test('[DB-22] the driver that ALCOVE_DRIVER names, and no other', () => {
    expect(chooseDriver('photostructure', { 'better-sqlite3': working, photostructure: working })).toBe('photostructure');
    expect(codeOf(() => chooseDriver('better-sqlite3', { 'better-sqlite3': missing, photostructure: working }))).toBe('driver_missing');
    expect(codeOf(() => chooseDriver('sqlite4', { 'better-sqlite3': working, photostructure: working }))).toBe('option_invalid');
  });

  test('[DB-22] openDatabase uses the chosen one', () => {
    const database = openDatabase(':memory:');
    expect(database.engine).toBe(driverInUse());
    database.close();
  });
});
