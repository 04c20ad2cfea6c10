import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { DrivenRoom, RecordingPorts } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

const items = sqliteTable('items', { id: text().primaryKey(), name: text().notNull() });
const mutators = {
  add: mutator(v.object({ id: v.string(), name: v.string() }), (tx, item) => {
    tx.insert(items).values(item).run();
  }),
};
const base = defineRoom({ name: 'list', schema: { items }, mutators });

const code = (expected: string, message: RegExp = /./): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) });

describe('opening a room', () => {
  let database: Database;
  let runtime: FakeRuntime;
  let ports: RecordingPorts;
  let log: CollectingLogger;

  const open = (options: RoomOptions = {}, room: AnyRoom = base): DrivenRoom => new DrivenRoom({ room, database, runtime, ports, options });
  const joined = new WeakSet<DrivenRoom>();
  const add = (driven: DrivenRoom, from: number, count = 1): void => {
    if (!joined.has(driven)) driven.join('a');
    joined.add(driven);
    for (let id = from; id < from + count; id++) driven.push('a', id, 'add', { id: `i${id}`, name: 'x' });
  };
  /** A copy of the file as it is, and the way back to it. */
  const tables = (): unknown => database.prepare("SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'").get()?.[0];

  beforeEach(() => {
    database = openDatabase(':memory:');
    log = new CollectingLogger();
    runtime = new FakeRuntime({ log });
    ports = new RecordingPorts();
  });
  afterEach(() => database.close());

  it('[RM-33] creates a room at version 0 with what the seed writes, in one transaction', () => {
    const seed: RoomOptions['seed'] = (tx) => {
      tx.insert(items).values({ id: 'seeded', name: 'x' }).run();
    };
    const driven = open({ seed });
    expect(driven.room.stats).toMatchObject({ version: 0, floor: 0 });
    driven.join('r', { snapshots: ['rows'] });
    driven.advance(1);
    expect(driven.takeOf('r', 'snapshotRows')).toMatchObject([{ rows: { table: 'items', cells: [['seeded'], ['x']] } }]);
    expect(() => open({ seed: () => expect.fail('a room that exists is not seeded') })).not.toThrow();
  });

  it('[RM-33] leaves the file empty where the seed fails', () => {
    const seed: RoomOptions['seed'] = (tx) => {
      tx.insert(items).values({ id: 'one', name: 'x' }).run();
      throw new RangeError('no more');
    };
    expect(() => open({ seed })).toThrowError('no more');
    expect(tables()).toBeNull();
    expect(open().room.stats.version).toBe(0);
  });

  it('[RM-26] refuses somebody else’s file, another definition’s room and a later format', () => {
    database.exec('CREATE TABLE people (id integer PRIMARY KEY)');
    expect(() => open()).toThrowError(code('file_foreign', /holds tables and is no room/) as Error);
    database = openDatabase(':memory:');
    open();
    expect(() => open({}, defineRoom({ name: 'other', schema: { items } }))).toThrowError(
      code('file_foreign', /definition list, not of other/) as Error,
    );
    database.exec("UPDATE alcove_meta SET value = 99 WHERE name = 'format'");
    expect(() => open()).toThrowError(code('file_foreign', /format 99/) as Error);
  });

  it('[RM-12] notices a log whose end is not what its hashes say', () => {
    add(open(), 1, 3);
    database.exec("UPDATE alcove_log SET record = '[]' WHERE version = 3");
    expect(() => open()).toThrowError(code('file_damaged', /version 3/) as Error);
  });

  describe('the head outside the file', () => {
    it('[RM-14] a shorter file is history_lost, unless the lost tail is accepted: then a new history, loudly', () => {
      const before = open();
      add(before, 1, 3);
      const { historyId } = before.room.stats;
      database.exec('DELETE FROM alcove_log WHERE version = 3');
      expect(() => open()).toThrowError(code('history_lost', /ends at version 2 .* recorded is version 3/) as Error);
      expect(ports.head).toMatchObject({ historyId, version: 3 });
      const after = open({ acceptLostTail: true });
      expect(after.room.stats).toMatchObject({ version: 2, floor: 2 });
      expect(after.room.stats.historyId).not.toBe(historyId);
      expect(ports.head).toMatchObject({ historyId: after.room.stats.historyId, version: 2 });
      expect(log.errors.map(({ message }) => message)).toEqual([expect.stringMatching(/lost tail was accepted.*version 3/)]);
      expect(open().room.stats.historyId).toBe(after.room.stats.historyId);
    });

    it('[RM-14] so is another history, or another hash at the recorded version', () => {
      add(open(), 1, 2);
      const head = ports.head;
      if (head === null) expect.fail('no head was stored');
      ports.head = { ...head, historyId: 'another' };
      expect(() => open()).toThrowError(code('history_lost') as Error);
      ports.head = { ...head, version: 1 };
      expect(() => open()).toThrowError(code('history_lost') as Error);
      ports.head = head;
      expect(() => open()).not.toThrow();
    });

    it('[RM-14] a head that is behind the file is no loss: it is stored after the commit', () => {
      const driven = open();
      add(driven, 1);
      const early = ports.head;
      add(driven, 2);
      ports.head = early;
      open();
      expect(ports.head?.version).toBe(2);
    });

    it('[RM-14] clients hear of a new history, and what they pushed before stays known', () => {
      const driven = open();
      add(driven, 1, 3);
      const { historyId, version, hash } = driven.room.head;
      database.exec('DELETE FROM alcove_log WHERE version = 3');
      const after = open({ acceptLostTail: true });
      const resume = { historyId, version, hash: hash ?? '', view: 'all.x' };
      const clients = [{ clientId: 'c-a', lastMutationId: 3, confirmed: 3, welcomed: 0 }];
      expect(after.join('a2', { clientId: 'c-a', resume, clients, snapshots: ['rows'] })[0]).toMatchObject({
        hydration: 'history',
        clients: [{ lastMutationId: 3, state: 'known' }],
      });
    });
  });

  describe('a changed definition', () => {
    const withColumn = defineRoom({
      name: 'list',
      schema: { items: sqliteTable('items', { id: text().primaryKey(), name: text().notNull(), count: integer() }) },
      mutators,
    });
    const renamed = defineRoom({
      name: 'list',
      schema: { items: sqliteTable('items', { id: text().primaryKey(), title: text().notNull() }) },
    });
    const migrated = defineRoom({
      name: 'list',
      schema: { items: sqliteTable('items', { id: text().primaryKey(), title: text().notNull() }) },
      migrations: [{ id: '0001', sql: ['ALTER TABLE items RENAME COLUMN name TO title', 'UPDATE items SET title = upper(title)'] }],
    });

    it('[RM-25] additive changes are applied; a version and the floor say so to replicas', () => {
      const before = open();
      add(before, 1, 2);
      const { historyId, version, hash } = before.room.head;
      const after = open({}, withColumn);
      expect(after.room.stats).toMatchObject({ version: 3, floor: 3 });
      expect(log.entries.find(({ level }) => level === 'info')?.fields['changes']).toMatch(/count/);
      const resume = { historyId, version, hash: hash ?? '', view: `all.${base.model.schemaId.slice(0, 32)}` };
      after.join('r', { resume, schema: withColumn.model.schemaId, snapshots: ['rows'] });
      after.advance(1);
      expect(after.takeOf('r', 'snapshotRows')).toMatchObject([{ rows: { columns: ['id', 'name', 'count'] } }]);
      add(after, 3);
      expect(after.room.stats.version).toBe(4);
      expect(open({}, withColumn).room.stats.version).toBe(4);
    });

    it('[RM-38] a client of an older schema that leaves out what it does not know is let in, under a view of its own and with rows', () => {
      add(open(), 1);
      const after = open({}, withColumn);
      const view = `all.${base.model.schemaId.slice(0, 32)}`;
      const [welcome] = after.join('old', { schema: base.model.schemaId, snapshots: ['image', 'rows'] });
      expect(welcome).toMatchObject({ type: 'welcome', schema: withColumn.model.schemaId, view, image: null });
      after.advance(1);
      const [end] = after.takeOf('old', 'snapshotBegin');
      after.room.leave('old');
      const { historyId, version, hash } = end ?? { historyId: '', version: 0, hash: '' };
      const resume = { historyId, version, hash, view };
      expect(after.join('again', { schema: base.model.schemaId, resume })[0]).toMatchObject({ hydration: 'resume' });
      expect(after.join('new', { schema: withColumn.model.schemaId, resume })[0]).toMatchObject({ hydration: 'schema' });
    });

    it('[RM-25] what cannot be derived stops with both ways on, and the file is as it was', () => {
      add(open(), 1);
      expect(() => open({}, renamed)).toThrowError(code('schema_mismatch', /title[\s\S]*migration[\s\S]*delete the room’s files/) as Error);
      const again = open();
      add(again, 2);
      expect(again.room.stats.version).toBe(2);
    });

    it('[RM-25] migrations run once, in one transaction with their memory; what they did to rows is a floor', () => {
      add(open(), 1, 2);
      const after = open({}, migrated);
      expect(after.room.stats).toMatchObject({ version: 3, floor: 3 });
      expect(database.prepare('SELECT title FROM items').all()).toEqual([['X'], ['X']]);
      expect(open({}, migrated).room.stats.version).toBe(3);
      after.join('old', { schema: base.model.schemaId });
      expect(after.ports.disconnected.get('old')).toMatchObject({ code: 'update_needed' });
      expect(database.prepare('SELECT id, version FROM alcove_migrations').all()).toEqual([['0001', 3]]);
    });

    it('[RM-25] a migration that fails leaves the room as it was before', () => {
      add(open(), 1);
      const failing = defineRoom({
        ...migrated,
        migrations: [{ id: '0001', sql: ['ALTER TABLE items RENAME COLUMN name TO title', 'DELETE FROM nowhere'] }],
      });
      expect(() => open({}, failing)).toThrowError(code('migration_failed', /nowhere/) as Error);
      expect(database.prepare('SELECT name FROM items').all()).toEqual([['x']]);
      expect(open().room.stats.version).toBe(1);
    });

    it('[RM-25] a new index or server-only table is no affair of replicas', () => {
      add(open(), 1);
      const secret = defineRoom({
        name: 'list',
        schema: { items, secret: sqliteTable('secret', { id: text().primaryKey() }) },
        serverOnly: ['secret'],
        mutators,
      });
      expect(open({}, secret).room.stats).toMatchObject({ version: 1, floor: 0 });
      expect(tables()).toMatch(/secret/);
    });
  });

  describe('a copied file', () => {
    it('[RM-34] with an app’s tables becomes a room at version 0, what its schema lacks is derived', () => {
      database.exec("CREATE TABLE items (id text NOT NULL, name text NOT NULL, PRIMARY KEY (id)); INSERT INTO items VALUES ('old', 'x')");
      const driven = open({ adoptFile: true });
      expect(driven.room.stats).toMatchObject({ version: 0, floor: 0 });
      add(driven, 1);
      expect(database.prepare('SELECT id FROM items ORDER BY id').all()).toEqual([['i1'], ['old']]);
    });

    it('[RM-34] that does not fit is refused and left alone', () => {
      database.exec('CREATE TABLE items (id text NOT NULL, PRIMARY KEY (id))');
      expect(() => open({ adoptFile: true })).toThrowError(code('schema_mismatch') as Error);
      expect(tables()).toBe('items');
    });

    it('[RM-34] of another room goes on from its version under a history of its own, knowing no client', () => {
      const original = open();
      add(original, 1, 3);
      const { historyId } = original.room.stats;
      ports = new RecordingPorts();
      const copy = open({ adoptFile: true });
      expect(copy.room.stats).toMatchObject({ version: 3, floor: 3 });
      expect(copy.room.stats.historyId).not.toBe(historyId);
      expect(database.prepare('SELECT count(*) FROM alcove_clients').get()).toEqual([0]);
      add(copy, 1);
      expect(copy.room.stats.version).toBe(4);
    });
  });

  it('[RM-24] refuses an option out of range before it touches the file', () => {
    expect(() => open({ limits: { clientsMax: -1 } })).toThrowError(code('option_invalid', /clientsMax/) as Error);
    expect(tables()).toBeNull();
  });
});
