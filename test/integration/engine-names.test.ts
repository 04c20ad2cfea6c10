import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

describe('a client that gets another name', () => {
  /** The room goes on from a copy of its file, under another history. */
  const importedOf = (image: Uint8Array, seed: string): EngineWorld =>
    new EngineWorld({ runtime: new FakeRuntime({ seed, time: kept.world.time }), options: { adoptFile: true } }, image);

  it.each([false, true])('[ST-74] leaves nothing of it under the old one, whether the disk opens later: %s', async (isLate) => {
    let { server } = kept.world;
    let isOnline = true;
    const openSocket = (...args: Parameters<typeof server.openSocket>) => (isOnline ? server : OFFLINE).openSocket(...args);
    const page = kept.tab('a', { openSocket, groupId: 'g' });
    await kept.world.quiet();
    page.mutate('addList', { id: 'l1', name: 'one' });
    page.mutate('addTask', { id: 't1', listId: 'l1', title: 'x' });
    await kept.world.quiet();
    const backup = kept.world.database.exportImage();
    page.mutate('addList', { id: 'l2', name: 'two' });
    await kept.world.quiet();
    await kept.saved(page);
    isOnline = false;
    server.cut();
    await kept.world.until(() => page.status.connection === 'waiting', 'it is offline');
    page.mutate('tagTask', { taskId: 't1', tag: 'x' });
    await kept.saved(page);
    const pending = page.engine.shownMutations();
    // Its worker dies, and the room that the next one reaches was put back.
    kept.crash(page);
    const restored = importedOf(backup, 'restored');
    kept.world.server.kill();
    server = restored.server;
    if (isLate) kept.browser.disk.fault = () => new AlcoveError('storage_failed', 'not now');
    isOnline = true;
    const next = kept.tab('a', { openSocket, start: false, life: 2, isGroupBound: true, groupId: 'g' });
    next.engine.adopt([{ clientId: 'a', lastMutationId: 4, confirmed: 3, welcomed: 0 }], pending);
    next.engine.start();
    await kept.world.until(() => next.of('rekeyed').length === 1, 'it has another name');
    kept.browser.disk.fault = () => null;
    await kept.world.until(() => next.settled.length === 1, 'it is decided');
    await kept.saved(next);
    await kept.world.time.advanceAsync(1_000);
    expect(kept.browser.disk.rows(kept.place, 'mutations')).toEqual([]);
    next.engine.leave();
    await kept.world.time.advanceAsync(1_000);
    // A history that knows neither name: what were left would be done once more.
    const imported = importedOf(restored.database.exportImage(), 'imported');
    server.kill();
    server = imported.server;
    const later = kept.tab('later', { openSocket, groupId: 'g' });
    await kept.world.until(() => later.status.replica === 'current', 'it has the room');
    for (const id of later.of('others').at(-1)?.clientIds ?? []) later.engine.adoptStored(id);
    await kept.world.time.advanceAsync(20_000);
    expect(imported.server.rows('SELECT strength FROM tags')).toEqual([[1]]);
    for (const world of [restored, imported]) world.close();
  });
});

describe('a client that is taken over', () => {
  it.each([
    ['while hello is on its way', true],
    ['after welcome', false],
  ])('[TB-24] %s is named to the room before it is pushed: forgotten there, it has no second effect', async (_when, isEarly) => {
    kept.begin({ latencyMs: 600, options: { limits: { clientRetentionMs: 60_000, housekeepingIntervalMs: 10_000 } } });
    const strength = () => kept.world.server.rows('SELECT strength FROM tags');
    const setup = kept.world.tab('setup');
    setup.mutate('addList', { id: 'l1', name: 'one' });
    setup.mutate('addTask', { id: 't1', listId: 'l1', title: 'x' });
    await kept.world.quiet();
    const first = kept.tab('first', { groupId: 'g' });
    await kept.world.quiet();
    await kept.saved(first);
    first.engine.leave();
    const dead = kept.tab('dead', { groupId: 'g', ...OFFLINE });
    await kept.world.until(() => dead.rows('lists').length === 1, 'it has the room');
    dead.mutate('tagTask', { taskId: 't1', tag: 'x' });
    await kept.saved(dead);
    kept.crash(dead);

    // The disk answers first after hello has gone.
    let reads = 0;
    kept.browser.disk.delay = () => {
      reads += 1;
      return isEarly && reads === 1 ? new Promise((resolve) => void kept.runtimeOf('disk').setTimer(3_700, resolve)) : Promise.resolve();
    };
    let isOnline = true;
    const { server } = kept.world;
    const heir = kept.tab('heir', { groupId: 'g', openSocket: (url, on) => (isOnline ? server : OFFLINE).openSocket(url, on) });
    await kept.world.until(() => heir.of('others').some(({ clientIds }) => clientIds.includes('dead')), 'it is told of it');
    const isSaid = () => server.heard.some(({ message }) => message?.type === 'hello' && message.clientId === 'heir');
    await kept.world.until(() => (isEarly ? isSaid() : heir.status.connection === 'live'), 'it is the moment');
    expect(heir.status.connection === 'live').toBe(!isEarly);
    heir.engine.adoptStored('dead');
    await kept.world.until(() => strength().length === 1, 'the room applied it');
    // The answer is lost, and the room remembers clients for less time than it takes until it is asked again.
    server.silence('down');
    isOnline = false;
    server.cut();
    await kept.world.time.advanceAsync(200_000);
    isOnline = true;
    const isTold = () => heir.of('settled').length > 0 || heir.of('clientStopped').some(({ clientId }) => clientId === 'dead');
    await kept.world.until(isTold, 'its end is told', 200_000);
    await kept.world.time.advanceAsync(10_000);
    expect(strength()).toEqual([[1]]);
  });
});
