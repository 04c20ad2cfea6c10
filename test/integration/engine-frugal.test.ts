import { afterEach, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { EngineWorld, imageOf } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };

let world: EngineWorld;
afterEach(() => world.close());

it('[WK-32] where memory is short snapshots come as rows, no image is fetched, opened or made, and the outbox is kept all the same', async () => {
  world = new EngineWorld({ imageOf });
  const browser = new FakeBrowser();
  const images: string[] = [];
  const tab = (clientId: string, isFrugal: boolean) => {
    const runtime = new FakeRuntime({ seed: clientId, time: world.time });
    const storage = browser.storageOf(runtime, place);
    const exportImage: typeof storage.exportImage = (database) => {
      images.push(`${clientId} made one`);
      return storage.exportImage(database);
    };
    const fetchImage: SyncEngineOptions['fetchImage'] = (...asked) => {
      images.push(`${clientId} fetched one`);
      return world.server.fetchImage(...asked);
    };
    const page = world.tab(clientId, { storage: { ...storage, exportImage }, fetchImage, isFrugal });
    page.watch('lists', 'SELECT id FROM lists ORDER BY id');
    return page;
  };
  const first = tab('a', false);
  await world.quiet();
  first.mutate('addList', { id: '1', name: 'one' });
  await world.quiet();
  expect(images).toEqual(['a fetched one']);
  first.engine.close();
  const doings: string[] = [];
  browser.disk.fault = (doing) => {
    doings.push(doing);
    return null;
  };
  const frugal = tab('b', true);
  await world.quiet();
  expect(frugal.rows('lists')).toEqual([['1']]);
  frugal.engine.start(false);
  frugal.mutate('addList', { id: '2', name: 'two' });
  await world.until(() => frugal.of('stored').length === 1, 'it is on the disk');
  frugal.engine.start(true);
  await world.quiet();
  expect(frugal.rows('lists')).toEqual([['1'], ['2']]);
  expect(images).toEqual(['a fetched one']);
  // What is kept of the replica was not read either.
  expect(doings).toContain('load the outbox');
  expect(doings).not.toContain('load');
  expect(doings).not.toContain('load the replica');
});
