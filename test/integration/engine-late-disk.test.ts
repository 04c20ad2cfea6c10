import { AlcoveError } from '@alcove/core/error';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forgetPlaces } from '../../packages/client/src/page/forget-places.ts';
import { PlaceMarks } from '../../packages/client/src/storage/place-marks.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';

const LISTS = 'SELECT id FROM lists ORDER BY id';
const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };
/** No connection ever comes about. */
const OFFLINE: Partial<SyncEngineOptions> = {
  openSocket: (_url, handlers) => {
    queueMicrotask(() => handlers.onClose(1006, ''));
    return { send: () => undefined, close: () => undefined, bufferedAmount: 0 };
  },
};

let world: EngineWorld;
let browser: FakeBrowser;
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
});
afterEach(() => world.close());

const runtimeOf = (seed: string) => new FakeRuntime({ seed, time: world.time });

function tab(clientId: string, options: Partial<SyncEngineOptions> = {}): EnginePage {
  const page = world.tab(clientId, { storage: browser.storageOf(runtimeOf(clientId), place), ...options });
  page.watch('lists', LISTS);
  return page;
}

const saved = (page: EnginePage) => world.until(() => page.status.storage?.status === 'saved', 'all is on the disk');
const ids = (page: EnginePage) => page.rows('lists').map(([id]) => id);

/** What an earlier page load left: l1 decided, l2 pending. */
async function leaveSomething(): Promise<void> {
  const first = tab('first');
  await world.quiet();
  first.mutate('addList', { id: 'l1', name: 'one' });
  await world.quiet();
  await saved(first);
  first.engine.start(false);
  first.mutate('addList', { id: 'l2', name: 'two' });
  await world.until(() => first.of('stored').some(({ upTo }) => upTo === 2), 'it is on the disk');
  first.engine.close();
}

/** Fails until so much time has passed. */
function failFor(ms: number): void {
  const untilMs = world.time.nowMs + ms;
  browser.disk.fault = () => (world.time.nowMs < untilMs ? new AlcoveError('storage_failed', 'a tab is frozen in a transaction') : null);
}

it('[ST-66] what a disk keeps that answers late is shown then, with what is pending, and listed', async () => {
  await leaveSomething();
  failFor(6_000);
  const late = tab('late', OFFLINE);
  late.mutate('addList', { id: 'l3', name: 'three' });
  await world.until(() => late.status.storage?.status === 'failing', 'the disk does not answer');
  expect(late.queries.get('lists')?.status).toBe('pending');
  await saved(late);
  await world.until(() => ids(late).length === 3, 'all three are shown');
  expect(ids(late)).toEqual(['l1', 'l2', 'l3']);
  expect(late.status.replica).toBe('cached');
  expect(late.of('others').at(-1)?.clientIds).toContain('first');
  expect(late.of('stored')).toMatchObject([{ clientId: 'late', upTo: 1 }]);
});

it('[ST-66] online the tab that the room has served meanwhile stays as it is', async () => {
  await leaveSomething();
  failFor(6_000);
  const late = tab('late');
  await world.until(() => late.status.replica === 'current', 'the room has answered');
  expect(ids(late)).toEqual(['l1']);
  await saved(late);
  await world.until(() => ids(late).length === 2, 'what another page load left is shown');
  expect(late.status.replica).toBe('current');
});

it('[ST-67] the room is asked within 3 s, whatever the disk does', async () => {
  await leaveSomething();
  browser.disk.delay = () => new Promise((resolve) => void world.time.setTimer(5_000, resolve));
  const sinceMs = world.time.nowMs;
  const busy = tab('busy');
  await world.until(() => busy.status.replica === 'current', 'the room has answered');
  expect(world.time.nowMs - sinceMs).toBeLessThan(3_500);
  await world.until(() => ids(busy).length === 2, 'and the disk, at last');
});

it('[TB-7] a tab that takes a snapshot right after a sibling’s write was decided shows it once', async () => {
  const NOTES = 'SELECT count(*) FROM lists';
  const first = tab('first');
  await world.quiet();
  await saved(first);
  first.mutate('addList', { id: 'l1', name: 'one' });
  await world.until(() => first.of('settled').length === 1, 'it is decided');
  await world.time.advanceAsync(150);
  const second = tab('second', { isFrugal: true });
  second.watch('count', NOTES);
  await world.until(() => second.queries.get('count')?.status === 'current', 'it has the room');
  await world.time.advanceAsync(50);
  expect(second.engine.shownMutations()).toEqual([]);
  expect(second.rows('count')).toEqual([[1]]);
});

it('[ST-68] forgetting has the other tabs write down first what they hold back: nothing is removed that would be lost', async () => {
  const runtime = runtimeOf('page');
  const other = tab('other');
  await world.quiet();
  await saved(other);
  world.server.silence('up');
  other.mutate('addList', { id: 'l1', name: 'one' });
  const device = {
    storage: async () => browser.storageOf(runtime, place).storage,
    openChannel: browser.openChannel,
    marks: new PlaceMarks({ read: () => null, write: () => undefined, keys: () => [] }),
    names: async () => null,
    pause: (ms: number) => new Promise<void>((resolve) => void runtime.setTimer(ms, resolve)),
    persist: async () => null,
  };
  let told = '';
  forgetPlaces(device, [{ place, unsaved: () => 0, close: () => undefined }]).catch((error: unknown) => {
    told = String(error);
  });
  await world.until(() => told !== '', 'it is refused');
  expect(told).toContain('1 mutation is not decided by the room');
  expect(other.of('forgotten')).toEqual([]);
  expect(other.of('stored')).toMatchObject([{ clientId: 'other', upTo: 1 }]);
});
