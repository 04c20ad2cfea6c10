import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
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
function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const page = world.tab(clientId, {
    storage: browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place),
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
});
