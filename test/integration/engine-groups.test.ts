import { AlcoveError } from '@alcove/core/error';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };

let world: EngineWorld;
let browser: FakeBrowser;
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
});
afterEach(() => world.close());

function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const page = world.tab(clientId, {
    storage: browser.storageOf(new FakeRuntime({ seed: clientId, time: world.time }), place),
    ...options,
  });
  page.watch('lists', 'SELECT id FROM lists ORDER BY id');
  return page;
}

const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const ids = (page: EnginePage) => page.rows('lists').map(([id]) => id);
const onTheServer = () => world.server.rows('SELECT id FROM lists ORDER BY id').map(([id]) => id);
const othersOf = (page: EnginePage) => page.of('others').at(-1)?.clientIds ?? [];

/** A tab that has spoken to the room before it could open the place, and died with something pending, of which the room has the first. */
async function lateTab(): Promise<void> {
  const first = tab('first');
  await world.quiet();
  await saved(first);
  first.engine.leave();
  browser.disk.fault = () => new AlcoveError('storage_failed', 'not now');
  const late = tab('late');
  await world.quiet();
  late.mutate('addList', { id: 'l0', name: 'known' });
  await world.quiet();
  browser.disk.fault = () => null;
  await saved(late);
  late.engine.start(false);
  late.mutate('addList', { id: 'l1', name: 'pending' });
  late.mutate('addList', { id: 'l2', name: 'pending, too' });
  await saved(late);
  late.engine.close();
}

describe('a tab that is of another client group than its place', () => {
  it('[TB-8] what it left is taken over by the next page, which speaks as its group, and takes effect once', async () => {
    await lateTab();
    const next = tab('next');
    await world.until(() => ids(next).length === 3, 'it shows what was left');
    expect(othersOf(next)).toContain('late');
    next.engine.adoptStored('late');
    await world.until(() => next.of('settled').length === 2, 'it is decided');
    expect(next.settled).toEqual(['2:applied', '3:applied']);
    expect(next.of('clientStopped')).toEqual([]);
    expect(onTheServer()).toEqual(['l0', 'l1', 'l2']);
  });

  it('[TB-8] is left alone by tabs of the place’s group, which show what it left; nothing of it is refused or lost', async () => {
    const own = tab('own');
    await world.quiet();
    await saved(own);
    await lateTab();
    await world.time.advanceAsync(70_000);
    expect(ids(own)).toEqual(['l0', 'l1', 'l2']);
    expect(othersOf(own)).not.toContain('late');
    own.engine.adoptStored('late');
    await world.time.advanceAsync(5_000);
    expect([own.of('adopted'), onTheServer(), browser.disk.rows(place, 'mutations').length]).toEqual([[], ['l0'], 2]);
    const next = tab('next');
    await world.until(() => othersOf(next).includes('late'), 'the next page is of its group');
    next.engine.adoptStored('late');
    await world.until(() => next.of('settled').length === 2, 'it is decided');
    await world.until(() => browser.disk.rows(place, 'mutations').length === 0, 'it is gone from the disk');
    await world.time.advanceAsync(10_000);
    expect([onTheServer(), ids(own), ids(next)]).toEqual([
      ['l0', 'l1', 'l2'],
      ['l0', 'l1', 'l2'],
      ['l0', 'l1', 'l2'],
    ]);
  });

  it('[TB-8] a page goes on as the group that spoke last where the place does not tell it any more', async () => {
    const first = tab('first');
    await world.quiet();
    first.mutate('addList', { id: 'l0', name: 'known' });
    await world.quiet();
    first.engine.start(false);
    first.mutate('addList', { id: 'l1', name: 'pending' });
    await saved(first);
    first.engine.close();
    browser.disk.damage(place, 'header', () => undefined);
    const next = tab('next');
    await world.until(() => othersOf(next).includes('first'), 'it hears of it');
    next.engine.adoptStored('first');
    await world.until(() => next.of('settled').length === 1, 'it is decided');
    expect([next.settled, onTheServer()]).toEqual([['2:applied'], ['l0', 'l1']]);
  });
});
