import { AlcoveError } from '@alcove/core/error';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { afterEach, describe, expect, it } from 'vitest';
import { digestDatabase } from '../../packages/server/src/read/digest-database.ts';
import type { DigestTable } from '../../packages/server/src/read/room-digest.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { engines } from './engines.ts';

const runtime = new FakeRuntime();
const TABLES: readonly DigestTable[] = [{ name: 'kinds', columns: ['id', 'i', 'r', 't', 'b', 'n', 'a'] }];
const DDL = `
CREATE TABLE alcove_meta (name text PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE TABLE alcove_log (version integer PRIMARY KEY);
CREATE TABLE kinds (id text PRIMARY KEY, i integer, r real, t text, b blob, n numeric, a, g text GENERATED ALWAYS AS (t || t));
INSERT INTO alcove_meta VALUES ('historyId', 'h1'), ('floor', 3);`;

const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
const ROWS: readonly Row[] = [
  ['null', null, null, null, null, null, null],
  ['zero', 0, 0, '', new Uint8Array(), 0, 0],
  ['minus zero', -0, -0, '-0', Uint8Array.of(0), -0, -0],
  ['one', 1, 1, '1', Uint8Array.of(1), 1, 1],
  ['large', Number.MAX_SAFE_INTEGER, 1e300, 'x'.repeat(10_000), bytes, 2 ** 52, Number.MIN_SAFE_INTEGER],
  ['small', Number.MIN_SAFE_INTEGER, 5e-324, '\ufeff\u2028\u{1f5fe}e\u0301', bytes.subarray(100), 0.1, -1.5],
  ['endless', -1, Number.POSITIVE_INFINITY, 'Infinity', null, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

const open: Database[] = [];
afterEach(() => {
  for (const database of open.splice(0)) database.close();
});

function filled(database: Database, rows: readonly Row[]): Database {
  open.push(database);
  database.exec(DDL);
  for (const row of rows) database.prepare('INSERT INTO kinds (id, i, r, t, b, n, a) VALUES (?, ?, ?, ?, ?, ?, ?)').run(row);
  return database;
}

describe('digests of a database', () => {
  it('[RD-79] are equal for equal rows on every engine, whatever their order and place in the file', async () => {
    const digests = [];
    for (const engine of engines) {
      digests.push(digestDatabase(filled(await engine.open(), ROWS), TABLES, runtime));
      const moved = filled(await engine.open(), [...ROWS].reverse());
      moved.exec("DELETE FROM kinds WHERE id = 'one'");
      moved.prepare('INSERT INTO kinds (id, i, r, t, b, n, a) VALUES (?, ?, ?, ?, ?, ?, ?)').run(ROWS[3]);
      digests.push(digestDatabase(moved, TABLES, runtime));
    }
    expect(digests[0]).toMatchObject({ at: { historyId: 'h1', version: 3 }, tables: [{ table: 'kinds', rows: ROWS.length }] });
    for (const digest of digests) expect(digest).toEqual(digests[0]);
  });

  it('[RD-79] differ where any one value differs, a row is missing or one is there twice', async () => {
    const [engine] = engines;
    const plain = filled((await engine?.open()) as Database, ROWS); // there is one
    const before = digestDatabase(plain, TABLES, runtime).tables[0]?.checksum;
    const found = new Set([before]);
    const changes = [
      "i = 7 WHERE id = 'one'",
      "r = 1.5 WHERE id = 'one'",
      "t = '2' WHERE id = 'one'",
      "b = x'02' WHERE id = 'one'",
      "a = '1' WHERE id = 'one'",
      "n = NULL WHERE id = 'one'",
    ];
    for (const change of changes) {
      const undone = (): never => {
        plain.exec(`UPDATE kinds SET ${change}`);
        found.add(digestDatabase(plain, TABLES, runtime).tables[0]?.checksum);
        throw new AlcoveError('internal', 'undone');
      };
      expect(() => plain.transaction(undone)).toThrow('undone');
    }
    expect(found.size).toBe(changes.length + 1);
  });
});
