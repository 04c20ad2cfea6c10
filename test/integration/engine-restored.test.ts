import { describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { Advance, Storage } from '../../packages/client/src/storage/storage.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld, imageOf } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';
import { tasksRoom } from '../fake/tasks-room.ts';

const kept = useKeptTabs();

/** A disk that takes no commits of this tab's for the time being. */
function heldStorage(disk: { isHeld: boolean }): ReturnType<typeof kept.storageOf> {
  const own = kept.storageOf('c');
  const open: Storage['open'] = async (...args) => {
    const room = await own.storage.open(...args);
    const advance = room.advance.bind(room);
    return Object.assign(room, {
      advance: (given: Advance) => (disk.isHeld ? Promise.reject(new AlcoveError('storage_failed', 'held')) : advance(given)),
    });
  };
  return { ...own, storage: { open, remove: (place) => own.storage.remove(place) } };
}

/** Tabs that reach the room one by one, and a room that is put back to what it was after its first list, under the same history. */
async function restored(how: 'image' | 'rows', disk = { isHeld: false }, isHeld = false) {
  let { server } = kept.world;
  const reaching = new Set(['a', 'b']);
  const tab = (clientId: string, storage = kept.storageOf(clientId)): EnginePage =>
    kept.tab(clientId, {
      storage,
      openSocket: (url, handlers) => (reaching.has(clientId) ? server : OFFLINE).openSocket(url, handlers),
      ...(how === 'image' ? { fetchImage: (...args) => server.fetchImage(...args) } : {}),
    });
  const a = tab('a');
  await kept.world.quiet();
  a.mutate('addList', { id: 'l1', name: 'one' });
  await kept.world.quiet();
  const backup = kept.world.database.exportImage();
  for (const id of ['x1', 'x2']) {
    a.mutate('addList', { id, name: id });
    await kept.world.quiet();
  }
  await kept.saved(a);
  // The snapshot that comes instead is newer than the room will be.
  kept.browser.disk.damage(kept.place, 'image', () => undefined);
  kept.crash(a);
  const b = tab('b');
  reaching.add('c');
  const c = tab('c', heldStorage(disk));
  await kept.shows(b, 'l1', 'x1', 'x2');
  await kept.shows(c, 'l1', 'x1', 'x2');
  await Promise.all([b, c].map((page) => kept.saved(page)));
  disk.isHeld = isHeld;
  b.mutate('addList', { id: 'x3', name: 'x3' });
  await kept.shows(c, 'l1', 'x1', 'x2', 'x3');
  await kept.world.quiet();
  await kept.saved(b);
  if (!isHeld) await kept.saved(c);
  const runtime = new FakeRuntime({ seed: 'restored', time: kept.world.time });
  const after = new EngineWorld({ runtime, ...(how === 'image' ? { imageOf } : {}) }, backup);
  const before = server;
  server = after.server;
  reaching.clear();
  before.kill();
  await kept.world.until(() => [b, c].every(({ status }) => status.connection === 'waiting'), 'both have lost the room');
  const reach = async (page: EnginePage): Promise<void> => {
    reaching.add(page.clientId);
    page.engine.hint('online');
    await kept.world.until(() => page.status.replica === 'current', `${page.clientId} is current`);
    await kept.saved(page);
  };
  return { b, c, room: after, reach };
}

/** What a reload without a network shows. */
async function shownFromDisk(name: string, ...wanted: string[]): Promise<void> {
  const page = kept.tab(name, OFFLINE);
  await kept.world.until(() => page.queries.get('lists')?.status === 'cached', 'what is kept is shown');
  expect(kept.ids(page)).toEqual(wanted);
  expect(page.of('restored').flatMap(({ damage }) => damage)).toEqual([]);
  kept.crash(page);
}

describe.each(['image', 'rows'] as const)('a room put back to an older state of its own history, its snapshot as %s', (how) => {
  it('[ST-71] no tab that says saved keeps the lost end, whichever noticed first', async () => {
    const { b, c, reach } = await restored(how);
    await shownFromDisk('d', 'l1', 'x1', 'x2', 'x3');
    await reach(b);
    await shownFromDisk('e', 'l1');
    await reach(c);
    await shownFromDisk('f', 'l1');
    b.mutate('addList', { id: 'l2', name: 'two' });
    c.mutate('addList', { id: 'l3', name: 'three' });
    await kept.world.until(() => [b, c].every(({ status }) => status.pending === 0), 'both are decided');
    await Promise.all([b, c].map((page) => kept.saved(page)));
    await shownFromDisk('g', 'l1', 'l2', 'l3');
  });

  it('[ST-71] the second one notices when the room is past what was lost: what the first keeps since is kept', async () => {
    const { b, c, reach } = await restored(how);
    await reach(b);
    const all = ['l1'];
    for (const id of ['l2', 'l3', 'l4', 'l5', 'l6']) {
      all.push(id);
      b.mutate('addList', { id, name: id });
      await kept.world.until(() => b.status.pending === 0, 'it is decided');
    }
    await kept.saved(b);
    await shownFromDisk('d', ...all);
    await reach(c);
    await shownFromDisk('e', ...all);
    c.mutate('addList', { id: 'l7', name: 'seven' });
    await kept.world.until(() => c.status.pending === 0, 'it is decided');
    await Promise.all([b, c].map((page) => kept.saved(page)));
    await shownFromDisk('f', ...all, 'l7');
  });

  it('[QR-17] rows of the lost end are never called current', async () => {
    const { b, reach } = await restored(how);
    const before = b.notices.length;
    await reach(b);
    const current = b.notices.slice(before).find((one) => one.type === 'query' && one.queryId === 'lists' && one.status === 'current');
    expect(current).toMatchObject({ update: { kind: expect.any(String) } });
  });

  it('[ST-71] both at once', async () => {
    const { b, c, reach } = await restored(how);
    await Promise.all([b, c].map(reach));
    await shownFromDisk('d', 'l1');
    b.mutate('addList', { id: 'l2', name: 'two' });
    await kept.world.until(() => b.status.pending === 0 && kept.ids(c).length === 2, 'both show it');
    await Promise.all([b, c].map((page) => kept.saved(page)));
    await shownFromDisk('e', 'l1', 'l2');
  });

  it('[ST-71][ST-8] a commit of the lost end that comes to the disk late is not mixed with what the room has now', async () => {
    const disk = { isHeld: false };
    const { b, c, reach } = await restored(how, disk, true);
    await reach(b);
    for (const id of ['l2', 'l3']) {
      b.mutate('addList', { id, name: id });
      await kept.world.until(() => b.status.pending === 0, 'it is decided');
    }
    await kept.saved(b);
    expect(c.status.storage).toMatchObject({ status: 'failing' });
    disk.isHeld = false;
    await kept.saved(c);
    await shownFromDisk('d', 'l1', 'l2', 'l3');
    await reach(c);
    await shownFromDisk('e', 'l1', 'l2', 'l3');
  });

  it('[ST-71][ST-61] an end that nobody could tell from the room’s goes when the room gets there, without a pause', async () => {
    const { b, reach, room } = await restored(how);
    await reach(b);
    const { historyId, version } = room.server.room.head;
    const lost = { from: version, to: version + 2, schema: tasksRoom.model.schemaId, hash: 'lost', changes: [] };
    const other = await kept.storageOf('other').storage.open(kept.place);
    expect(await other.advance({ historyId, commits: [lost], clients: [], rejections: [] })).toMatchObject({ tail: 'appended' });
    other.close();
    for (const id of ['l2', 'l3', 'l4']) {
      b.mutate('addList', { id, name: id });
      await kept.world.until(() => b.status.pending === 0, 'it is decided');
      await kept.saved(b);
    }
    await kept.world.time.advanceAsync(2_000);
    await kept.saved(b);
    await shownFromDisk('d', 'l1', 'l2', 'l3', 'l4');
  });
});
