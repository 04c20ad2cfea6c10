import { AlcoveError } from '@alcove/core/error';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSqljsDatabase } from './sqljs-database.ts';

let sqlJs: SqlJsStatic;
beforeAll(async () => {
  sqlJs = await initSqlJs();
});

const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error instanceof AlcoveError ? error.code : error;
  }
  return undefined;
};

describe('openSqljsDatabase', () => {
  test('[DB-30] an exported image opens as the same database, and both go their own ways', () => {
    const first = openSqljsDatabase(sqlJs);
    first.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), ('ü')");
    const select = first.prepare('SELECT a FROM t');
    const image = first.exportImage();
    expect(new TextDecoder().decode(image.subarray(0, 15))).toBe('SQLite format 3');
    const second = openSqljsDatabase(sqlJs, image);
    image.fill(0);
    second.exec('DELETE FROM t');
    expect([select.all(), second.prepare('SELECT a FROM t').all()]).toEqual([[[1], ['ü']], []]);
    for (const database of [first, second]) {
      expect(database.prepare('PRAGMA foreign_keys').get()).toEqual([1]);
      database.close();
    }
  });

  test('[DB-30] no image is taken inside a transaction, after close, or of what is no database', () => {
    const database = openSqljsDatabase(sqlJs);
    expect(codeOf(() => database.transaction(() => database.exportImage()))).toBe('internal');
    database.exec('CREATE TABLE t (a)');
    const image = database.exportImage();
    database.close();
    expect(codeOf(() => database.exportImage())).toBe('closed');
    expect(codeOf(() => openSqljsDatabase(sqlJs, new Uint8Array(8192).fill(7)))).toBe('file_damaged');
    for (const bytes of [image.length - 1, 5000, 4096, 100])
      expect(codeOf(() => openSqljsDatabase(sqlJs, image.subarray(0, bytes)))).toBe('file_damaged');
  });

  test('[DB-30] closing gives the memory back', () => {
    const image = ((): Uint8Array => {
      const database = openSqljsDatabase(sqlJs);
      database.exec('CREATE TABLE t (a)');
      const insert = database.prepare('INSERT INTO t VALUES (?)');
      database.transaction(() => {
        for (let row = 0; row < 100; row += 1) insert.run(['x'.repeat(100_000)]);
      });
      const bytes = database.exportImage();
      database.close();
      return bytes;
    })();
    // 300 times 10 MB at once would pass the 2 GB that a wasm heap of this build can hold.
    for (let round = 0; round < 300; round += 1) {
      const database = openSqljsDatabase(sqlJs, image);
      expect(database.prepare('SELECT count(*) FROM t').get()).toEqual([100]);
      database.close();
    }
  });

  test('[DB-30] a sql.js without the calls this driver needs is refused', () => {
    const other = { Database: sqlJs.Database, Statement: sqlJs.Statement } satisfies SqlJsStatic;
    expect(codeOf(() => openSqljsDatabase(other))).toBe('wasm_failed');
  });
});
