import { AlcoveError } from '@alcove/core/error';
import { expect, it } from 'vitest';
import { forgetPlaces } from '../../packages/client/src/page/forget-places.ts';
import { PlaceMarks } from '../../packages/client/src/storage/place-marks.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

/** What an earlier page load left: l1 decided, l2 pending. */
async function leaveSomething(): Promise<void> {
  const first = kept.tab('first');
  await kept.world.quiet();
  first.mutate('addList', { id: 'l1', name: 'one' });
  await kept.world.quiet();
  await kept.saved(first);
  first.engine.start(false);
  first.mutate('addList', { id: 'l2', name: 'two' });
  await kept.world.until(() => first.of('stored').some(({ upTo }) => upTo === 2), 'it is on the disk');
  first.engine.close();
}

/** Fails until so much time has passed. */
function failFor(ms: number): void {
  const untilMs = kept.world.time.nowMs + ms;
  kept.browser.disk.fault = () =>
    kept.world.time.nowMs < untilMs ? new AlcoveError('storage_failed', 'a tab is frozen in a transaction') : null;
}

it('[ST-66] what a disk keeps that answers late is shown then, with what is pending, and listed', async () => {
  await leaveSomething();
  failFor(6_000);
  const late = kept.tab('late', OFFLINE);
  late.mutate('addList', { id: 'l3', name: 'three' });
  await kept.world.until(() => late.status.storage?.status === 'failing', 'the disk does not answer');
  expect(late.queries.get('lists')?.status).toBe('pending');
  await kept.saved(late);
  await kept.world.until(() => kept.ids(late).length === 3, 'all three are shown');
  expect(kept.ids(late)).toEqual(['l1', 'l2', 'l3']);
  expect(late.status.replica).toBe('cached');
  expect(late.of('others').at(-1)?.clientIds).toContain('first');
  expect(late.of('stored')).toMatchObject([{ clientId: 'late', upTo: 1 }]);
});

it('[ST-66] online the tab that the room has served meanwhile stays as it is', async () => {
  await leaveSomething();
  failFor(6_000);
  const late = kept.tab('late');
  await kept.world.until(() => late.status.replica === 'current', 'the room has answered');
  expect(kept.ids(late)).toEqual(['l1']);
  await kept.saved(late);
  await kept.world.until(() => kept.ids(late).length === 2, 'what another page load left is shown');
  expect(late.status.replica).toBe('current');
});

it('[ST-67] the room is asked within 3 s, whatever the disk does', async () => {
  await leaveSomething();
  kept.browser.disk.delay = () => new Promise((resolve) => void kept.world.time.setTimer(5_000, resolve));
  const sinceMs = kept.world.time.nowMs;
  const busy = kept.tab('busy');
  await kept.world.until(() => busy.status.replica === 'current', 'the room has answered');
  expect(kept.world.time.nowMs - sinceMs).toBeLessThan(3_500);
  await kept.world.until(() => kept.ids(busy).length === 2, 'and the disk, at last');
});

it('[TB-7] a tab that takes a snapshot right after a sibling’s write was decided shows it once', async () => {
  const NOTES = 'SELECT count(*) FROM lists';
  const first = kept.tab('first');
  await kept.world.quiet();
  await kept.saved(first);
  first.mutate('addList', { id: 'l1', name: 'one' });
  await kept.world.until(() => first.of('settled').length === 1, 'it is decided');
  await kept.world.time.advanceAsync(150);
  const second = kept.tab('second', { isFrugal: true });
  second.watch('count', NOTES);
  await kept.world.until(() => second.queries.get('count')?.status === 'current', 'it has the room');
  await kept.world.time.advanceAsync(50);
  expect(second.engine.shownMutations()).toEqual([]);
  expect(second.rows('count')).toEqual([[1]]);
});

it('[ST-68] forgetting has the other tabs write down first what they hold back: nothing is removed that would be lost', async () => {
  const runtime = kept.runtimeOf('page');
  const other = kept.tab('other');
  await kept.world.quiet();
  await kept.saved(other);
  kept.world.server.silence('up');
  other.mutate('addList', { id: 'l1', name: 'one' });
  const device = {
    storage: async () => kept.browser.storageOf(runtime, kept.place).storage,
    openChannel: kept.browser.openChannel,
    marks: new PlaceMarks({ read: () => null, write: () => undefined, keys: () => [] }),
    names: async () => null,
    pause: (ms: number) => new Promise<void>((resolve) => void runtime.setTimer(ms, resolve)),
    wasForgotten: async () => false,
    persist: async () => null,
  };
  let told = '';
  forgetPlaces(device, [{ place: kept.place, unsaved: () => 0, close: () => undefined }]).catch((error: unknown) => {
    told = String(error);
  });
  await kept.world.until(() => told !== '', 'it is refused');
  expect(told).toContain('1 mutation is not decided by the room');
  expect(other.of('forgotten')).toEqual([]);
  expect(other.of('stored')).toMatchObject([{ clientId: 'other', upTo: 1 }]);
});
