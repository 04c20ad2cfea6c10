import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { SPOKEN_FOR_MAX } from '../../packages/client/src/sync/adoption.ts';
import type { StoredClient, StoredMutation } from '../../packages/client/src/storage/storage.ts';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE } from '../fake/kept-tabs.ts';
import { tasksRoom } from '../fake/tasks-room.ts';

const LISTS = 'SELECT id FROM lists ORDER BY id';
const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };

let world: EngineWorld;
let browser: FakeBrowser;
let log: CollectingLogger;
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
  log = new CollectingLogger();
});
afterEach(() => {
  world.close();
  expect(log.errors).toEqual([]);
});

const numbered = (prefix: string, number: number): string => `${prefix}${String(number).padStart(5, '0')}`;

function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const page = world.tab(clientId, {
    runtime: new FakeRuntime({ seed: clientId, time: world.time, log }),
    storage: browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place),
    ...options,
  });
  page.watch('lists', LISTS);
  return page;
}

/** The room, empty, is kept on the disk. */
async function image(): Promise<void> {
  const page = tab('imager');
  await world.quiet();
  await world.until(() => page.status.storage?.status === 'saved', 'the room is on the disk');
  page.engine.leave();
}

/** Page loads that are gone: `count` of them, each with as many lists of its own that never reached the room. Answers with their ids. */
async function leave(count: number, each: number): Promise<string[]> {
  const storage = browser.disk.storage(new FakeRuntime({ seed: 'gone', time: world.time }), async () => '');
  const room = await storage.open(place);
  const clientIds = Array.from({ length: count }, (_, index) => numbered('gone', index));
  for (const [index, clientId] of clientIds.entries()) {
    const mutations = Array.from({ length: each }, (_, at): StoredMutation => {
      const id = numbered('l', index * each + at);
      const mutation = { clientId, mutationId: at + 1, name: 'addList', args: { id, name: id }, seed: 'AAAAAAAAAAAAAAAAAAAAAA' };
      return { ...mutation, nowMs: 1_000 + index * each + at, schemaId: tasksRoom.model.schemaId };
    });
    const client: StoredClient = { clientId, lastMutationId: each, confirmed: 0, confirmedAt: null, welcomed: null, seenAtMs: 1_000 };
    await room.enqueue(client, mutations);
  }
  room.close();
  return clientIds;
}

/** What a page does that gets all their locks. */
function adoptAll(page: EnginePage, clientIds: readonly string[]): void {
  for (const clientId of clientIds) page.engine.adoptStored(clientId);
}

const left = () => browser.disk.rows(place, 'mutations').length;

describe('what many dead tabs left', () => {
  it('[TB-4] past what one session can speak for stays on the disk and is shown, until those before it are decided', async () => {
    const clientIds = await leave(300, 2);
    await image();
    let isOnline = false;
    const online = tab('b', { openSocket: (url, handlers) => (isOnline ? world.server.openSocket : OFFLINE.openSocket)(url, handlers) });
    await world.until(() => online.rows('lists').length === 600, 'all of it is shown');
    expect(online.of('others').at(-1)?.clientIds).toEqual(expect.arrayContaining(clientIds));
    adoptAll(online, clientIds);
    await world.until(() => online.of('adopted').length > 0, 'some are taken over');
    await world.time.advanceAsync(5_000);
    const first = online.of('adopted').map(({ clientId }) => clientId);
    expect(first).toEqual(clientIds.slice(0, first.length));
    expect(first.length).toBeLessThanOrEqual(SPOKEN_FOR_MAX);
    expect(first.length).toBeGreaterThan(SPOKEN_FOR_MAX - 5);
    expect(online.rows('lists')).toHaveLength(600);
    expect(left()).toBe(600);
    isOnline = true;
    await world.until(() => online.of('adopted').length === 300, 'the others follow by themselves');
    await world.until(() => online.of('settled').length === 600, 'all are decided');
    expect(new Set(online.of('adopted').map(({ clientId }) => clientId)).size).toBe(300);
    expect(world.server.rows('SELECT count(*) FROM lists')).toEqual([[600]]);
    await world.until(() => left() === 0, 'nothing is left on the disk');
    expect(online.rows('lists')).toHaveLength(600);
  });

  for (const [clients, each] of [
    [1, 10_000],
    [100, 100],
  ] as const)
    it(`[TB-5] 10,000 mutations of ${clients} dead tabs are shown, taken over and pushed, each once and in order`, async () => {
      const clientIds = await leave(clients, each);
      const page = tab('b');
      await world.until(() => page.rows('lists').length === 10_000, 'all of it is shown');
      adoptAll(page, clientIds);
      await world.until(() => page.of('settled').length === 10_000, 'all are decided', 600_000);
      expect(page.of('adopted').map(({ clientId }) => clientId)).toEqual(clientIds);
      expect(page.of('settled').every(({ outcome }) => outcome === 'applied')).toBe(true);
      expect(world.server.rows('SELECT count(*), count(DISTINCT id) FROM lists')).toEqual([[10_000, 10_000]]);
      await world.until(() => left() === 0, 'nothing is left on the disk');
      expect(page.engine.shownMutations()).toEqual([]);
    });
});
