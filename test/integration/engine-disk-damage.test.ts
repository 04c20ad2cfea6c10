import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld, imageOf } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const LISTS = 'SELECT id FROM lists ORDER BY id';
const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };
let world: EngineWorld;
let browser: FakeBrowser;

beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
});
afterEach(() => world.close());

const OFFLINE: Partial<SyncEngineOptions> = {
  openSocket: (_url, handlers) => {
    queueMicrotask(() => handlers.onClose(1006, ''));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  },
};
const storageOf = (clientId: string) => browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place);

function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const page = world.tab(clientId, {
    storage: storageOf(clientId),
    ...options,
  });
  page.watch('lists', LISTS);
  return page;
}
const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const ids = (page: EnginePage) => page.rows('lists').map(([id]) => id);
const crash = (page: EnginePage) => {
  const at = world.pages.indexOf(page);
  if (at !== -1) world.pages.splice(at, 1);
  page.engine.close();
};

describe('a disk that is damaged, behind or full', () => {
  it('[ST-60] a damaged commit of the tail is told once, and the sessions after it make what is kept whole again', async () => {
    const a = tab('a');
    await world.quiet();
    for (let n = 1; n <= 5; n += 1) {
      a.mutate('addList', { id: `l${n}`, name: `n${n}` });
      await world.quiet();
    }
    await saved(a);
    crash(a);
    // One bit of commit 3.
    browser.disk.damage(place, 'tail', (row, key) => (key === 3 && !(row instanceof Uint8Array) ? { ...row, text: `${row.text} ` } : row));
    const b = tab('b');
    await world.quiet();
    b.mutate('addList', { id: 'l6', name: 'n6' });
    await world.quiet();
    await saved(b);
    await world.time.advanceAsync(120_000);
    b.mutate('addList', { id: 'l7', name: 'n7' });
    await world.quiet();
    await saved(b);
    crash(b);
    const c = tab('c', OFFLINE);
    await world.until(() => c.queries.get('lists')?.status === 'cached', 'shown');
    expect(b.of('restored').flatMap(({ damage }) => damage)).toMatchObject([{ what: 'tail' }]);
    expect(c.of('restored')).toEqual([]);
    expect(ids(c)).toEqual(['l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7']);
  });

  it('[ST-61] a disk that failed for more commits than wait for it has a fresh snapshot once it works', async () => {
    const a = tab('a');
    await world.quiet();
    await saved(a);
    const other = world.tab('elsewhere');
    await world.quiet();
    browser.disk.fault = (doing) => (doing === 'advance' ? new AlcoveError('storage_failed', 'slow') : null);
    other.mutate('addList', { id: 'l0', name: 'x0' });
    await world.quiet();
    for (let n = 1; n < 2_010; n += 1) {
      other.mutate('renameList', { id: 'l0', name: `x${n}` });
      await world.time.advanceAsync(20);
    }
    browser.disk.fault = () => null;
    await world.quiet();
    for (let n = 0; n < 5; n += 1) {
      a.mutate('addList', { id: `own${n}`, name: `o${n}` });
      await world.quiet();
      await world.time.advanceAsync(60_000);
    }
    await saved(a);
    crash(a);
    const c = tab('c', OFFLINE);
    await world.until(() => c.queries.get('lists')?.status === 'cached', 'shown');
    expect(ids(c)).toContain('own4');
  }, 60_000);

  it('[ST-61] what was emptied offline has an image again once the room is within reach', async () => {
    const a = tab('a');
    await world.quiet();
    a.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    await saved(a);
    browser.disk.clear(place);
    world.server.kill();
    await world.time.advanceAsync(40_000);
    await saved(a);
    world.server.start();
    await world.until(() => a.status.connection === 'live', 'live');
    await world.time.advanceAsync(300_000);
    expect(browser.disk.rows(place, 'image').length).toBeGreaterThan(0);
  });

  it('[ST-61] of several tabs that find the gap one asks for the snapshot', async () => {
    world.close();
    world = new EngineWorld({ imageOf });
    let [fetched, delayMs] = [0, 0];
    const fetchImage: SyncEngineOptions['fetchImage'] = async (...args) => {
      fetched += 1;
      await new Promise<void>((resolve) => world.time.setTimer(delayMs, resolve));
      return world.server.fetchImage(...args);
    };
    const tabs = ['a', 'b', 'c'].map((clientId) => tab(clientId, { fetchImage, storage: { ...storageOf(clientId), imagePauseMs: 2_000 } }));
    await world.quiet();
    tabs[0]?.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    for (const one of tabs) await saved(one);
    await world.time.advanceAsync(60_000);
    // Longer than the pause between two images.
    [fetched, delayMs] = [0, 6_000];
    // Cut by another tab's load.
    browser.disk.damage(place, 'tail', () => undefined);
    const passing = tab('passing', OFFLINE);
    await world.until(() => passing.queries.get('lists')?.status === 'cached', 'shown');
    expect(passing.of('restored').flatMap(({ damage }) => damage)).toMatchObject([{ what: 'tail' }]);
    crash(passing);
    tabs[1]?.mutate('addList', { id: 'l2', name: 'two' });
    await world.quiet();
    await world.time.advanceAsync(90_000);
    const after = tab('after', OFFLINE);
    await world.until(() => after.queries.get('lists')?.status === 'cached', 'shown');
    expect([ids(after), fetched]).toEqual([['l1', 'l2'], 1]);
  });

  it('[ST-61] a gap within 30 s of an image is made good after that, also where no commit comes any more', async () => {
    world.close();
    world = new EngineWorld({ imageOf });
    let fetched = 0;
    const fetchImage: SyncEngineOptions['fetchImage'] = (...args) => {
      fetched += 1;
      return world.server.fetchImage(...args);
    };
    const a = tab('a', { fetchImage });
    a.mutate('addList', { id: 'l0', name: 'zero' });
    await world.quiet();
    await saved(a);
    await world.time.advanceAsync(60_000);
    const fetches: number[] = [];
    const gap = async (id: string): Promise<void> => {
      browser.disk.damage(place, 'tail', () => undefined);
      const passing = tab(`passing ${id}`, OFFLINE);
      await world.until(() => passing.of('restored').length > 0, 'the tail is cut');
      crash(passing);
      a.mutate('addList', { id, name: id });
      await world.time.advanceAsync(3_000);
      fetches.push(fetched);
    };
    fetched = 0;
    await gap('l1');
    a.mutate('addList', { id: 'l2', name: 'two' });
    await world.time.advanceAsync(3_000);
    await gap('l3');
    await world.time.advanceAsync(30_000);
    expect([...fetches, fetched]).toEqual([1, 1, 2]);
    const after = tab('after', OFFLINE);
    await world.until(() => after.queries.get('lists')?.status === 'cached', 'shown');
    expect(ids(after)).toEqual(['l0', 'l1', 'l2', 'l3']);
  });

  it('[TB-10] what is on a disk that cannot be read just now is not taken over in part, and what is saved is not removed unsent', async () => {
    const first = tab('first');
    await world.quiet();
    await saved(first);
    crash(first);
    const b = tab('b');
    await world.quiet();
    const a = tab('a', OFFLINE);
    await world.until(() => a.queries.get('lists')?.status === 'cached', 'shown');
    a.mutate('addList', { id: 'l1', name: 'one' });
    await world.time.advanceAsync(50);
    browser.deliver = () => false;
    a.mutate('addList', { id: 'l2', name: 'two' });
    await saved(a);
    expect(a.of('stored').at(-1)).toMatchObject({ upTo: 2 });
    crash(a);
    expect(browser.disk.rows(place, 'mutations')).toHaveLength(2);
    browser.disk.fault = (doing) => (doing === 'look at the outbox' ? new AlcoveError('storage_failed', 'not now') : null);
    b.engine.adoptStored('a');
    await world.time.advanceAsync(1_000);
    browser.disk.fault = () => null;
    await world.quiet();
    await saved(b);
    b.engine.leave();
    await world.time.advanceAsync(1_000);
    const c = tab('c');
    await world.time.advanceAsync(5_000);
    for (const { clientIds } of c.of('others')) for (const clientId of clientIds) c.engine.adoptStored(clientId);
    await world.time.advanceAsync(20_000);
    expect(world.server.rows(LISTS)).toEqual([['l1'], ['l2']]);
  });

  it('[ST-63] a full disk costs the room no snapshot every time a commit comes', async () => {
    world.close();
    world = new EngineWorld({ imageOf });
    let fetched = 0;
    const fetchImage: SyncEngineOptions['fetchImage'] = (...args) => {
      fetched += 1;
      return world.server.fetchImage(...args);
    };
    browser.disk.bytesMax = 2_000;
    tab('a', { fetchImage });
    const other = world.tab('elsewhere');
    await world.time.advanceAsync(5_000);
    for (let n = 0; n < 600; n += 1) {
      other.mutate('addList', { id: `l${n}`, name: `n${n}` });
      await world.time.advanceAsync(1_000);
    }
    expect(fetched).toBeLessThanOrEqual(3);
    browser.disk.bytesMax = Number.POSITIVE_INFINITY;
    await world.time.advanceAsync(20 * 60_000);
    other.mutate('addList', { id: 'last', name: 'last' });
    await world.time.advanceAsync(5_000);
    expect(browser.disk.rows(place, 'image').length).toBeGreaterThan(0);
  });

  it('[ST-64] what was rejected is kept on a disk that is too full for the commits beside it', async () => {
    const a = tab('a');
    await world.quiet();
    await saved(a);
    const other = world.tab('elsewhere');
    await world.quiet();
    browser.disk.bytesMax = browser.disk.bytes + 700;
    a.mutate('tabOnly', { id: 'no', name: 'no' });
    other.mutate('addList', { id: 'big', name: 'x'.repeat(5_000) });
    await world.time.advanceAsync(600_000);
    expect(browser.disk.rows(place, 'rejections')).toHaveLength(1);
    expect([a.status.storage?.status, browser.disk.rows(place, 'mutations')]).toEqual(['saved', []]);
  });
});
