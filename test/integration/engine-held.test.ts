import { mutator } from '@alcove/core/schema/define-mutator';
import { type AnyRoom, defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import initSqlJs from 'sql.js';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const sqlJs = await initSqlJs();
const id = text().primaryKey();
const lists = sqliteTable('lists', { id, name: text().notNull() });
const notes = sqliteTable('notes', { id });
const row = v.object({ id: v.string(), name: v.string() });
const addList = mutator(row, (tx, list) => void tx.insert(lists).values(list).run());
const olderRoom = defineRoom({ name: 'tasks', schema: { lists }, mutators: { addList } });
const newerRoom = defineRoom({
  name: 'tasks',
  schema: { lists, notes },
  mutators: { addList, addNote: mutator(v.object({ id: v.string() }), (tx, note) => void tx.insert(notes).values(note).run()) },
});

const kept = useKeptTabs();

function tab(clientId: string, room: AnyRoom, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const openDatabase: SyncEngineOptions['openDatabase'] = (image) => openSqljsDatabase(sqlJs, image ?? undefined);
  return kept.tab(clientId, { room, openDatabase, groupId: 'g', ...options });
}

/** The server is updated: the same file under another definition. */
const update = (room: AnyRoom): void => kept.begin({ room }, kept.world.database.exportImage());
const serverLists = (): unknown[] => kept.world.server.rows('SELECT id FROM lists ORDER BY id').map(([listId]) => listId);
const heldOf = (page: EnginePage): unknown => page.of('others').at(-1)?.heldBack;
const isTold = (page: EnginePage): Promise<void> =>
  kept.world.until(() => heldOf(page) !== undefined, `${page.clientId} is told of what is held back`);

/** A page of the newer build has called both mutators while the room was still of the older one, and is gone. */
async function leaveNewer(clientId: string): Promise<void> {
  const newer = tab(clientId, newerRoom);
  await kept.world.until(() => newer.status.error?.code === 'room_outdated', 'the room is too old for it');
  newer.mutate('addNote', { id: 'n1' });
  newer.mutate('addList', { id: 'l1', name: 'one' });
  await kept.saved(newer);
  kept.crash(newer);
}

describe('what a newer build of the app left', () => {
  it('[TB-21] is neither shown nor pushed by an older one, which says so; a page of the newer build takes it over and the room applies it', async () => {
    kept.begin({ room: olderRoom });
    await leaveNewer('newer');
    const older = tab('older', olderRoom);
    await isTold(older);
    older.engine.adoptStored('newer');
    older.mutate('addList', { id: 'own', name: 'own' });
    await kept.world.quiet();
    await kept.world.time.advanceAsync(120_000);
    expect(kept.ids(older)).toEqual(['own']);
    expect(serverLists()).toEqual(['own']);
    expect([older.of('adopted'), older.settled]).toEqual([[], ['1:applied']]);
    expect(older.status.held).toBe(2);
    expect(older.of('others').flatMap(({ clientIds }) => clientIds)).toEqual([]);

    update(newerRoom);
    const next = tab('next', newerRoom);
    await kept.world.until(() => next.of('others').some(({ clientIds }) => clientIds.includes('newer')), 'it may take it over');
    next.engine.adoptStored('newer');
    await kept.world.until(() => next.of('settled').length === 2, 'both are decided');
    expect(next.settled).toEqual(['1:applied', '2:applied']);
    expect(next.status.held).toBeUndefined();
    expect(kept.world.server.rows('SELECT id FROM notes')).toEqual([['n1']]);
    expect(serverLists()).toEqual(['l1', 'own']);
  });

  it('[TB-21] no longer counts once it is decided', async () => {
    kept.begin({ room: olderRoom });
    await leaveNewer('newer');
    update(newerRoom);
    // The older page reads on: what came to the schema it leaves out.
    const older = tab('older', olderRoom);
    await isTold(older);
    expect(older.status.held).toBe(2);
    const next = tab('next', newerRoom);
    await kept.world.until(() => next.of('others').some(({ clientIds }) => clientIds.includes('newer')), 'it may take it over');
    next.engine.adoptStored('newer');
    await kept.shows(older, 'l1');
    await kept.world.until(() => older.status.held === undefined, 'the disk was looked at again', 120_000);
    expect(older.of('settled')).toEqual([]);
  });

  it('[TB-21] what an older page heard from a newer one that lived is left alone once it is gone', async () => {
    kept.begin({ room: olderRoom });
    const older = tab('older', olderRoom);
    await kept.world.quiet();
    const newer = tab('newer', newerRoom, OFFLINE);
    newer.mutate('addList', { id: 'l1', name: 'one' });
    await kept.shows(older, 'l1');
    await kept.saved(newer);
    kept.crash(newer);
    // It was told of a client that it would take over, and has got its lock.
    await kept.world.until(() => older.of('others').some(({ clientIds }) => clientIds.includes('newer')), 'it knows of it');
    older.engine.adoptStored('newer');
    await isTold(older);
    await kept.shows(older);
    expect([heldOf(older), older.of('others').at(-1)?.clientIds]).toEqual([['newer'], []]);
    await kept.world.time.advanceAsync(60_000);
    expect([serverLists(), older.of('adopted')]).toEqual([[], []]);
    const next = tab('next', newerRoom, OFFLINE);
    await kept.shows(next, 'l1');
    expect(older.status.held).toBe(1);
  });

  it('[TB-21] what a newer page writes after an older one took its client over is left alone', async () => {
    kept.begin({ room: olderRoom });
    update(newerRoom);
    const newer = tab('newer', newerRoom);
    newer.mutate('addList', { id: 'l1', name: 'one' });
    await kept.world.until(() => newer.settled.length === 1, 'it is decided');
    await kept.saved(newer);
    const older = tab('older', olderRoom);
    await kept.world.until(() => older.of('others').some(({ clientIds }) => clientIds.includes('newer')), 'it knows of it', 120_000);
    older.engine.adoptStored('newer');
    await kept.world.until(() => older.of('adopted').length === 1, 'it is taken over');
    kept.world.server.kill();
    newer.mutate('addNote', { id: 'n1' });
    await kept.saved(newer);
    kept.crash(newer);
    kept.world.server.start();
    await kept.world.until(() => older.status.held === 1, 'it is seen', 120_000);
    await kept.world.time.advanceAsync(120_000);
    expect(older.of('adopted').flatMap(({ mutations }) => mutations)).toEqual([]);
    expect(older.of('settled')).toEqual([]);
    expect(kept.world.server.rows('SELECT id FROM notes')).toEqual([]);
    const next = tab('next', newerRoom);
    await kept.world.until(() => next.of('others').some(({ clientIds }) => clientIds.includes('newer')), 'it may take it over');
    next.engine.adoptStored('newer');
    await kept.world.until(() => next.settled.length === 1, 'it is decided');
    expect(kept.world.server.rows('SELECT id FROM notes')).toEqual([['n1']]);
  });

  it('[TB-21] what does not say under which schema it was called is taken over, as it was by builds that did not say it', async () => {
    kept.begin({ room: olderRoom });
    await leaveNewer('newer');
    kept.browser.disk.damage(kept.place, 'header', (header, key) => (key === 0 ? header : undefined));
    const older = tab('older', olderRoom);
    await kept.world.until(() => older.of('others').length > 0, 'it knows of it');
    older.engine.adoptStored('newer');
    await kept.world.until(() => older.of('settled').length === 2, 'both are decided');
    expect(older.settled).toEqual(['1:mutator_unknown', '2:applied']);
  });

  it('[TB-21] what an older build left is taken over by a newer one', async () => {
    kept.begin({ room: newerRoom });
    const older = tab('older', olderRoom, OFFLINE);
    older.mutate('addList', { id: 'l1', name: 'one' });
    await kept.saved(older);
    kept.crash(older);
    const newer = tab('newer', newerRoom);
    await kept.shows(newer, 'l1');
    newer.engine.adoptStored('older');
    await kept.world.until(() => newer.of('settled').length === 1, 'it is decided');
    expect(serverLists()).toEqual(['l1']);
    expect(heldOf(newer)).toBeUndefined();
  });
});
