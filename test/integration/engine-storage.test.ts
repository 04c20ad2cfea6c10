import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const LISTS = 'SELECT id, name FROM lists ORDER BY id';

let world: EngineWorld;
let browser: FakeBrowser;
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
});
afterEach(() => world.close());

const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };

/** No connection ever comes about. */
const OFFLINE: Partial<SyncEngineOptions> = {
  openSocket: (_url, handlers) => {
    queueMicrotask(() => handlers.onClose(1006, ''));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  },
};

function tab(clientId: string, options: Partial<SyncEngineOptions> & { readonly start?: boolean } = {}): EnginePage {
  const page = world.tab(clientId, {
    storage: browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place),
    ...options,
  });
  page.watch('lists', LISTS);
  return page;
}

const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const rows = (page: EnginePage) => page.rows('lists');
const shows = (page: EnginePage, ...ids: string[]) =>
  world.until(() => JSON.stringify(rows(page).map(([id]) => id)) === JSON.stringify(ids), `${page.clientId} shows ${ids.join(', ')}`);

describe('what outlives an engine', () => {
  it('[ST-20] a reload without a network shows the room as it was, with what was pending, and goes on', async () => {
    const first = tab('a');
    await world.quiet();
    first.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    await saved(first);
    first.engine.close();
    const offline = tab('b', OFFLINE);
    await shows(offline, 'l1');
    expect(offline.status).toMatchObject({ replica: 'cached', version: 1 });
    expect(offline.queries.get('lists')?.status).toBe('cached');
    offline.mutate('addList', { id: 'l2', name: 'two' });
    await saved(offline);
    expect(offline.of('stored')).toEqual([{ type: 'stored', clientId: 'b', from: 1, upTo: 1 }]);
    offline.engine.close();

    const again = tab('c', OFFLINE);
    await shows(again, 'l1', 'l2');
    expect(again.of('others').at(-1)?.clientIds).toContain('b');
    again.engine.close();

    const online = tab('d');
    await shows(online, 'l1', 'l2');
    online.engine.adoptStored('b');
    await world.until(() => online.of('adopted').length > 0, 'it is taken over');
    await world.quiet();
    expect(online.of('adopted')).toMatchObject([{ clientId: 'b', mutations: [{ mutationId: 1 }] }]);
    expect(online.of('settled')).toMatchObject([{ clientId: 'b', mutationId: 1, outcome: 'applied' }]);
    expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    await saved(online);
    online.engine.close();
    const last = tab('e', OFFLINE);
    await shows(last, 'l1', 'l2');
    expect(last.status.version).toBe(2);
  });

  it('[ST-4] what the page saw settled leaves the disk with its next worker, where the one before did not get to it', async () => {
    const first = tab('a', OFFLINE);
    await world.time.advanceAsync(100);
    first.mutate('addList', { id: 'l1', name: 'one' });
    await saved(first);
    first.engine.close();
    expect(browser.disk.rows(place, 'mutations')).toHaveLength(1);
    const next = tab('a', { ...OFFLINE, life: 2, shown: { historyId: 'h', version: 1 }, start: false });
    next.engine.adopt([{ clientId: 'a', lastMutationId: 1, confirmed: 1, welcomed: 0 }], []);
    next.engine.start();
    await saved(next);
    await world.until(() => browser.disk.rows(place, 'mutations').length === 0, 'nothing is pending on the disk');
  });

  it('[ST-20] resumes from what was kept: no snapshot is taken', async () => {
    const first = tab('a');
    await world.quiet();
    for (let number = 1; number <= 5; number += 1) first.mutate('addList', { id: `l${number}`, name: `list ${number}` });
    await world.quiet();
    await saved(first);
    first.engine.close();
    const other = world.tab('elsewhere');
    other.mutate('addList', { id: 'l6', name: 'of another browser' });
    await world.quiet();
    const second = tab('b');
    await shows(second, 'l1', 'l2', 'l3', 'l4', 'l5', 'l6');
    await world.quiet();
    expect(
      second.batches
        .flat()
        .some((notice) => notice.type === 'status' && notice.status.hydration !== null && notice.status.hydration.phase === 'rows'),
    ).toBe(false);
  });
});

describe('tabs of one browser', () => {
  it('[TB-1][TB-2] see each other’s pending writes, offline too, and nothing twice when they come back', async () => {
    const online = tab('a');
    await world.quiet();
    await saved(online);
    online.engine.close();
    const b = tab('b', OFFLINE);
    const c = tab('c', OFFLINE);
    b.mutate('addList', { id: 'l1', name: 'of b' });
    await shows(c, 'l1');
    c.mutate('addList', { id: 'l2', name: 'of c' });
    await shows(b, 'l1', 'l2');
    const d = tab('d', OFFLINE);
    await shows(d, 'l1', 'l2');
    await Promise.all([b, c, d].map(saved));
    for (const page of [b, c, d]) page.engine.close();
    const e = tab('e');
    await shows(e, 'l1', 'l2');
    e.engine.adoptStored('b');
    e.engine.adoptStored('c');
    await world.until(() => e.of('settled').length === 2, 'both are decided');
    await world.quiet();
    expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    expect(rows(e).map(([id]) => id)).toEqual(['l1', 'l2']);
  });

  it('[TB-2] a tab learns from the room what becomes of its siblings’ writes, with their rows', async () => {
    const a = tab('a');
    await world.quiet();
    const b = tab('b');
    await world.quiet();
    a.mutate('addList', { id: 'l1', name: 'of a' });
    await shows(b, 'l1');
    await world.quiet();
    await shows(b, 'l1');
    expect(a.of('settled')).toHaveLength(1);
    expect(b.of('settled')).toHaveLength(0);
    b.mutate('addList', { id: 'l2', name: 'of b' });
    await world.quiet();
    await shows(a, 'l1', 'l2');
  });
});

describe('signing out', () => {
  it('[ST-51] tabs that hear of it keep nothing any more and tell their page; what is pending reaches nobody', async () => {
    const a = tab('a');
    await world.quiet();
    await saved(a);
    const b = tab('b', OFFLINE);
    await shows(b);
    b.mutate('addList', { id: 'l1', name: 'of b' });
    await saved(b);
    const channel = browser.openChannel(
      `alcove ${JSON.stringify([place.server, place.user, place.roomName, place.roomId])}`,
      () => undefined,
    );
    channel.post({ type: 'forget' });
    await world.until(() => a.of('forgotten').length === 1 && b.of('forgotten').length === 1, 'both are told');
    b.mutate('addList', { id: 'l2', name: 'of b, too late' });
    for (const page of [a, b]) page.engine.close();
    await browser.disk.storage(new FakeRuntime(), async () => '').remove(place);
    const next = tab('c');
    await world.quiet();
    expect(rows(next)).toEqual([]);
    expect(next.of('others').flatMap(({ clientIds }) => clientIds)).toEqual([]);
    expect(world.server.rows('SELECT id FROM lists')).toEqual([]);
  });

  it('[ST-55] a tab that missed the word finds its place gone: it stops, tells its page, and brings nothing of the user back', async () => {
    const a = tab('a', OFFLINE);
    await world.until(() => a.status.storage?.status === 'saved', 'the place is there');
    a.mutate('addList', { id: 'l1', name: 'of ann' });
    await saved(a);
    browser.deliver = () => false;
    await browser.disk.storage(new FakeRuntime(), async () => '').remove(place);
    a.mutate('addList', { id: 'l2', name: 'of ann, later' });
    await world.until(() => a.of('forgotten').length === 1, 'its page is told');
    a.mutate('addList', { id: 'l3', name: 'of ann, too late' });
    a.engine.hint('hidden');
    await world.time.advanceAsync(120_000);
    a.engine.leave();
    await world.time.advanceAsync(1_000);
    expect([browser.disk.rows(place, 'header'), browser.disk.rows(place, 'mutations'), browser.disk.openCount]).toEqual([[], [], 0]);
  });

  it('[ST-54] what one user left pending is neither shown to another nor sent for them, and goes on when the first is back', async () => {
    const ann = tab('a', OFFLINE);
    ann.mutate('addList', { id: 'l1', name: 'of ann' });
    await saved(ann);
    ann.engine.close();
    const storage = browser.storageOf(new FakeRuntime({ seed: 'bob', time: world.time }), { ...place, user: 'bob' });
    const bob = tab('b', { storage });
    await world.quiet();
    bob.engine.adoptStored('a');
    await world.quiet();
    expect(rows(bob)).toEqual([]);
    expect(bob.of('adopted')).toEqual([]);
    expect(world.server.rows('SELECT id FROM lists')).toEqual([]);
    const back = tab('c');
    await shows(back, 'l1');
    back.engine.adoptStored('a');
    await world.until(() => back.of('settled').length === 1, 'the room has it');
    expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
  });
});

describe('a connection that the app ends', () => {
  it('[CN-42] is not made again by itself; writes are kept meanwhile and go out when it is', async () => {
    const a = tab('a');
    await world.quiet();
    a.engine.start(false);
    a.mutate('addList', { id: 'l1', name: 'one' });
    await saved(a);
    a.engine.hint('online');
    await world.time.advanceAsync(60_000);
    expect(a.status.connection).toBe('idle');
    expect(rows(a)).toHaveLength(1);
    expect(world.server.rows('SELECT id FROM lists')).toEqual([]);
    a.engine.start();
    await world.until(() => a.of('settled').length === 1, 'the room has it');
    expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
  });
});
