import { mutator } from '@alcove/core/schema/define-mutator';
import { type AnyRoom, defineRoom } from '@alcove/core/schema/define-room';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { Header } from '../../packages/client/src/storage/header.ts';
import type { StoredPosition } from '../../packages/client/src/storage/storage.ts';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import initSqlJs from 'sql.js';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE } from '../fake/kept-tabs.ts';

const sqlJs = await initSqlJs();
const id = text().primaryKey();
const row = v.object({ id: v.string(), name: v.string() });

const oldItems = sqliteTable('items', { id, name: text().notNull() });
const oldRoom = defineRoom({
  name: 'list',
  schema: { items: oldItems },
  mutators: {
    add: mutator(row, (tx, item) => void tx.insert(oldItems).values(item).run()),
    gone: mutator(row, (tx, item) => void tx.insert(oldItems).values(item).run()),
  },
});

const newItems = sqliteTable('items', { id, name: text().notNull(), count: integer().notNull().default(7) });
const notes = sqliteTable('notes', { id: text().primaryKey(), about: text().notNull() });
/** Additive: a column and a table more. */
const newRoom = defineRoom({
  name: 'list',
  schema: { items: newItems, notes },
  mutators: {
    add: mutator(row, (tx, item) => {
      tx.insert(newItems)
        .values({ ...item, count: 9 })
        .run();
      tx.insert(notes).values({ id: item.id, about: item.name }).run();
    }),
  },
});

const titled = sqliteTable('items', { id: text().primaryKey(), title: text().notNull() });
/** Not additive. */
const titledRoom = defineRoom({
  name: 'list',
  schema: { items: titled },
  migrations: [{ id: '1', sql: ['ALTER TABLE items RENAME COLUMN name TO title', 'UPDATE items SET title = upper(title)'] }],
  mutators: { add: mutator(row, (tx, item) => void tx.insert(titled).values({ id: item.id, title: item.name }).run()) },
});
/** Its migration cannot run on a tab's tables. */
const brokenRoom = defineRoom({
  ...titledRoom,
  migrations: [{ id: '1', sql: ['ALTER TABLE items RENAME COLUMN name TO title', 'DELETE FROM only_on_the_server'] }],
});

const place = { server: 'ws://room', user: 'ann', roomName: 'list', roomId: 'r1' };

let world: EngineWorld;
let browser: FakeBrowser;
beforeEach(() => {
  browser = new FakeBrowser();
  world = new EngineWorld({ room: oldRoom });
});
afterEach(() => world.close());

/** The server is updated: the same file under another definition. */
function update(room: AnyRoom): void {
  const file = world.database.exportImage();
  world.close();
  world = new EngineWorld({ room }, file);
}

function tab(clientId: string, room: AnyRoom, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const runtime = new FakeRuntime({ seed: clientId, time: world.time });
  const storage = browser.storageOf(runtime, place);
  const openDatabase: SyncEngineOptions['openDatabase'] = (image) => openSqljsDatabase(sqlJs, image ?? undefined);
  const page = world.tab(clientId, { room, openDatabase, groupId: 'g', storage, ...options });
  page.watch('items', 'SELECT * FROM items ORDER BY id');
  return page;
}

/** Position of the image on the disk. */
function keptImage(): StoredPosition {
  const [header] = browser.disk.rows(place, 'header');
  const { image }: Header = JSON.parse(header !== undefined && 'text' in header ? header.text : '{}');
  if (image == null) throw new TypeError('no image is kept');
  return image.position;
}
const keptSchema = (): string => keptImage().schemaId;

const rows = (page: EnginePage) => page.rows('items');
const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const until = (page: EnginePage, wanted: readonly (readonly unknown[])[]) =>
  world.until(() => JSON.stringify(rows(page)) === JSON.stringify(wanted), `${page.clientId} shows ${JSON.stringify(wanted)}`);

/** A tab of the old build with one row that the room has, closed. */
async function leaveOldRows(): Promise<void> {
  const old = tab('a', oldRoom);
  await world.quiet();
  old.mutate('add', { id: '1', name: 'one' });
  await world.quiet();
  await saved(old);
  old.engine.close();
}

describe('a tab of an older build than the room', () => {
  it('[SC-18] reads on where the change was additive: rows, commits, its own writes, and after a reload without a snapshot', async () => {
    await leaveOldRows();
    update(newRoom);
    const old = tab('b', oldRoom);
    await until(old, [['1', 'one']]);
    await world.quiet();
    expect(old.status).toMatchObject({ connection: 'live', replica: 'current' });
    const fresh = world.tab('new', { room: newRoom });
    await world.quiet();
    fresh.mutate('add', { id: '2', name: 'two' });
    old.mutate('add', { id: '3', name: 'three' });
    await until(old, [
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ]);
    await world.quiet();
    expect(world.server.rows('SELECT id, count FROM items ORDER BY id')).toEqual([
      ['1', 7],
      ['2', 9],
      ['3', 9],
    ]);
    await saved(old);
    old.engine.close();
    const again = tab('c', oldRoom);
    await world.quiet();
    expect(rows(again)).toHaveLength(3);
    expect(again.notices.some((notice) => notice.type === 'status' && notice.status.hydration !== null)).toBe(false);
  });

  it('[SC-18] the update of such a tab takes a fresh snapshot: what was left out is there', async () => {
    await leaveOldRows();
    update(newRoom);
    const old = tab('b', oldRoom);
    await world.quiet();
    const fresh = world.tab('new', { room: newRoom });
    await world.quiet();
    fresh.mutate('add', { id: '2', name: 'two' });
    await world.quiet();
    await saved(old);
    old.engine.close();
    const updated = tab('c', newRoom);
    await world.quiet();
    expect(rows(updated)).toEqual([
      ['1', 'one', 7],
      ['2', 'two', 9],
    ]);
  });

  it('[SC-19] is told update_needed where it was not; what is pending stays on the disk and is decided after the update', async () => {
    await leaveOldRows();
    const offline = tab('b', oldRoom, OFFLINE);
    await until(offline, [['1', 'one']]);
    offline.mutate('add', { id: '2', name: 'two' });
    offline.mutate('gone', { id: '3', name: 'three' });
    await saved(offline);
    offline.engine.close();
    update(titledRoom);
    const old = tab('c', oldRoom);
    await world.until(() => old.status.connection === 'failed', 'it is told');
    expect(old.status.error?.code).toBe('update_needed');
    old.engine.adoptStored('b');
    await until(old, [
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ]);
    old.engine.close();
    const updated = tab('d', titledRoom);
    await world.until(() => updated.of('others').length > 0, 'it knows of the others');
    updated.engine.adoptStored('b');
    await world.until(() => updated.of('settled').length === 2, 'both are decided');
    expect(updated.settled).toEqual(['1:applied', '2:mutator_unknown']);
    await until(updated, [
      ['1', 'ONE'],
      ['2', 'two'],
    ]);
  });
});

describe('what is kept by builds of different schemas', () => {
  it('[ST-30] a new build starts offline with the rows of the old one, by derived changes', async () => {
    await leaveOldRows();
    const updated = tab('b', newRoom, OFFLINE);
    await until(updated, [['1', 'one', 7]]);
    expect(updated.status.replica).toBe('cached');
    updated.mutate('add', { id: '2', name: 'two' });
    await until(updated, [
      ['1', 'one', 7],
      ['2', 'two', 9],
    ]);
  });

  it('[ST-30] or by its migrations', async () => {
    await leaveOldRows();
    await until(tab('b', titledRoom, OFFLINE), [['1', 'ONE']]);
  });

  it('[ST-33] what was brought to the own schema is kept: the next start offline finds it so, with what followed on it', async () => {
    await leaveOldRows();
    const old = tab('tail', oldRoom);
    await world.quiet();
    old.mutate('add', { id: '2', name: 'two' });
    await world.quiet();
    await saved(old);
    old.engine.close();
    const migrated = tab('b', titledRoom, OFFLINE);
    await until(migrated, [
      ['1', 'ONE'],
      ['2', 'TWO'],
    ]);
    expect(keptSchema()).toBe(oldRoom.model.schemaId);
    migrated.mutate('add', { id: '3', name: 'pending' });
    await world.until(() => keptSchema() === titledRoom.model.schemaId, 'it is kept');
    await saved(migrated);
    migrated.engine.close();
    // Of migrations that would run again, or be refused, nothing is seen.
    const again = tab('c', { ...brokenRoom, model: titledRoom.model }, OFFLINE);
    await until(again, [
      ['1', 'ONE'],
      ['2', 'TWO'],
      ['3', 'pending'],
    ]);
  });

  it('[ST-33] a fresh snapshot comes first, and stays; where the room is at hand nothing is made', async () => {
    await leaveOldRows();
    update(titledRoom);
    const made: string[] = [];
    const storage = browser.storageOf(new FakeRuntime({ seed: 'b', time: world.time }), place);
    const tryImager: typeof storage.tryImager = () => {
      made.push('one was to be made');
      return storage.tryImager();
    };
    const updated = tab('b', titledRoom, { storage: { ...storage, tryImager } });
    await world.quiet();
    await saved(updated);
    const { version } = keptImage();
    await world.time.advanceAsync(30_000);
    expect(keptImage()).toMatchObject({ schemaId: titledRoom.model.schemaId, version });
    expect(made).toEqual([]);
  });

  it('[ST-33] an older tab that is open meanwhile goes on, and writes neither image nor commits over it', async () => {
    await leaveOldRows();
    const old = tab('b', oldRoom);
    await world.quiet();
    const migrated = tab('c', titledRoom, OFFLINE);
    await until(migrated, [['1', 'ONE']]);
    await world.until(() => keptSchema() === titledRoom.model.schemaId, 'it is kept');
    old.mutate('add', { id: '2', name: 'two' });
    await world.until(() => old.of('settled').length === 1, 'the older tab works');
    await world.time.advanceAsync(60_000);
    expect(old.rows('items')).toEqual([
      ['1', 'one'],
      ['2', 'two'],
    ]);
    expect([keptSchema(), browser.disk.rows(place, 'tail')]).toEqual([titledRoom.model.schemaId, []]);
  });

  it('[ST-31] a migration that fails leaves what is kept as it was; the room is asked for a snapshot', async () => {
    await leaveOldRows();
    const broken = tab('b', brokenRoom, OFFLINE);
    await world.until(() => broken.status.attempt > 1, 'it tried to connect');
    expect(broken.status.replica).toBe('pending');
    broken.engine.close();
    const old = tab('c', oldRoom, OFFLINE);
    await until(old, [['1', 'one']]);
    old.engine.close();
    update(titledRoom);
    const online = tab('d', brokenRoom);
    await until(online, [['1', 'ONE']]);
  });

  it('[ST-32] a tab of an older build leaves what a newer one keeps as it is', async () => {
    await leaveOldRows();
    update(newRoom);
    const updated = tab('b', newRoom);
    await world.quiet();
    await saved(updated);
    updated.engine.close();
    const old = tab('c', oldRoom);
    await world.quiet();
    old.mutate('add', { id: '2', name: 'two' });
    await world.quiet();
    await saved(old);
    expect(rows(old)).toHaveLength(2);
    old.engine.close();
    const offline = tab('d', newRoom, OFFLINE);
    await until(offline, [['1', 'one', 7]]);
    expect(offline.status.replica).toBe('cached');
  });
});
