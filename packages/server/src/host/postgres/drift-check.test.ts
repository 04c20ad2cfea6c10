import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoom } from '@alcove/core/schema/define-room';
import { createTableSql } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { blob, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { createLogTables } from '../../change-log/log-tables.ts';
import { digestDatabase } from '../../read/digest-database.ts';
import { digestTables } from '../../read/room-digest.ts';
import { openDatabase } from '../node/open-database.ts';
import { FileDigest } from './drift-check.ts';

const one = sqliteTable('one', { id: text().primaryKey(), raw: blob() });
const two = sqliteTable('two', { a: text().notNull(), b: integer().notNull(), c: text() }, ({ a, b }) => [primaryKey({ columns: [b, a] })]);
const { model } = defineRoom({ name: 'trip', schema: { one, two }, mutators: {} });
const runtime = new FakeRuntime();
const ROWS = 3_000;

let directory = '';
let room: Database;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alcove-digest-'));
  room = openDatabase(join(directory, 'room.sqlite'), { synchronous: 'OFF' });
  createLogTables(room);
  for (const table of model.tables) room.exec(createTableSql(table));
  room.prepare("INSERT INTO alcove_meta VALUES ('historyId', 'h'), ('floor', 4)").run();
  room.transaction(() => {
    for (let id = 0; id < ROWS; id += 1) room.prepare('INSERT INTO one VALUES (?, ?)').run([`row ${id}`, new Uint8Array([id % 256])]);
    room.prepare("INSERT INTO two VALUES ('x', 1, NULL), ('y', 1, 'z')").run();
  });
});
afterEach(() => {
  room.close();
  rmSync(directory, { recursive: true });
});

const begun = (): FileDigest => new FileDigest(openDatabase(join(directory, 'room.sqlite'), { readonly: true }), model, runtime);
const isLogMoved = (): boolean => {
  room.exec('PRAGMA busy_timeout = 0');
  return room.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] === 0;
};

describe('[MI-4][MI-12] the digest of a room’s file, taken bit by bit', () => {
  it('is of the version that it began at, whatever is written meanwhile, and the same as one taken at once', async () => {
    const digest = begun();
    const expected = digestDatabase(room, digestTables(model), runtime);
    let turns = 0;
    const whole = await digest.whole(() => {
      turns += 1;
      room.prepare("UPDATE two SET c = 'changed'").run();
      room.prepare("DELETE FROM one WHERE id = 'row 2999'").run();
      return Promise.resolve();
    });
    expect(turns).toBeGreaterThan(0);
    expect(whole).toEqual(expected);
    expect(whole?.at).toEqual({ historyId: 'h', version: 4 });
    expect(isLogMoved()).toBe(true);
  });

  it('holds the room’s log as long as it lasts, and is given up at a word', async () => {
    const digest = begun();
    room.prepare("UPDATE two SET c = 'changed'").run();
    expect(isLogMoved()).toBe(false);
    const whole = digest.whole(() => Promise.resolve());
    digest.end();
    expect(isLogMoved()).toBe(true);
    expect(await whole).toBeNull();
  });
});
