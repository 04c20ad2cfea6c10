import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

let world: EngineWorld;
let browser: FakeBrowser;
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
});
afterEach(() => world.close());

const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };
const OFFLINE: Partial<SyncEngineOptions> = {
  openSocket: (_url, handlers) => {
    queueMicrotask(() => handlers.onClose(1006, ''));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  },
};

function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const storage = browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place);
  const page = world.tab(clientId, { storage, ...options });
  page.watch('lists', 'SELECT id FROM lists ORDER BY id');
  return page;
}
const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const ids = (page: EnginePage) => page.rows('lists').map(([id]) => id);
const shows = (page: EnginePage, ...wanted: string[]) =>
  world.until(() => JSON.stringify(ids(page)) === JSON.stringify(wanted), `${page.clientId} shows ${wanted.join(', ')}`);
const shown = (page: EnginePage) => page.engine.shownMutations().map(({ clientId, mutationId }) => `${clientId} ${mutationId}`);
const poison = [{ clientId: 'dead', mutationId: 1 }];

/** A room on the disk, and what a dead tab left beside it: the first of them is never to be run here. */
async function leave(): Promise<void> {
  const first = tab('first');
  await world.quiet();
  first.mutate('addList', { id: 'l1', name: 'confirmed' });
  await world.quiet();
  await saved(first);
  first.engine.close();
  const dead = tab('dead', OFFLINE);
  await shows(dead, 'l1');
  dead.mutate('addList', { id: 'l2', name: 'poison' });
  dead.mutate('addList', { id: 'l3', name: 'innocent' });
  await saved(dead);
  dead.engine.close();
}

describe('[WK-50] a mutation on the disk that is condemned', () => {
  it('is shown without effect, below what others do, and keeps nobody from writing', async () => {
    await leave();
    const page = tab('b', { ...OFFLINE, condemned: poison });
    await shows(page, 'l1', 'l3');
    page.mutate('addList', { id: 'l4', name: 'own' });
    await shows(page, 'l1', 'l3', 'l4');
    expect(shown(page)).toEqual(['dead 1', 'dead 2', 'b 1']);
    await saved(page);
  });

  it('stays without effect over rebases, is pushed by whoever takes it over, and has the effect that the room gives it', async () => {
    await leave();
    const page = tab('b', { condemned: poison });
    await shows(page, 'l1', 'l3');
    world.tab('elsewhere').mutate('addList', { id: 'l5', name: 'of another browser' });
    await shows(page, 'l1', 'l3', 'l5');
    expect(shown(page)).toEqual(['dead 1', 'dead 2']);
    page.engine.adoptStored('dead');
    await shows(page, 'l1', 'l2', 'l3', 'l5');
    await world.quiet();
    expect(page.settled).toEqual(['1:applied', '2:applied']);
    expect(shown(page)).toEqual([]);
    expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2'], ['l3'], ['l5']]);
  });

  it('is none of its page’s next engine’s to run either: handed over, it waits for the room', async () => {
    await leave();
    const page = world.tab('b', {
      ...OFFLINE,
      storage: browser.storageOf(new FakeRuntime({ seed: 'b', time: world.time }), place),
      condemned: poison,
      start: false,
    });
    page.watch('lists', 'SELECT id FROM lists ORDER BY id');
    const args = { id: 'l2', name: 'poison' };
    page.engine.adopt(
      [{ clientId: 'dead', lastMutationId: 1, confirmed: 0, welcomed: null }],
      [{ clientId: 'dead', mutationId: 1, name: 'addList', args, seed: 'AAAAAAAAAAAAAAAAAAAAAA', nowMs: 1 }],
    );
    page.engine.start();
    await shows(page, 'l1');
    expect(shown(page)).toEqual(['dead 1']);
  });
});
