import { AlcoveError } from '@alcove/core/error';
import { expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const storedRejections = () => kept.world.server.rows('SELECT client_id, mutation_id FROM alcove_rejections');

/** A page's worker told of a rejection that the disk did not take, whose mutation it has as pending, and is gone. Gives what the page hands to the next one. */
async function rejectedBesideTheDisk() {
  let isOnline = false;
  const openSocket: SyncEngineOptions['openSocket'] = (url, handlers) =>
    (isOnline ? kept.world.server.openSocket : OFFLINE.openSocket)(url, handlers);
  const page = kept.tab('a', { openSocket });
  await kept.saved(page);
  page.mutate('addList', { id: 'y', name: 'taken' });
  await kept.saved(page);
  const other = kept.world.tab('elsewhere');
  other.mutate('addList', { id: 'x', name: 'taken' });
  await kept.world.until(() => other.settled.length === 1, 'another has the name');
  kept.browser.disk.fault = () => new AlcoveError('storage_failed', 'not now');
  isOnline = true;
  await kept.world.until(() => page.settled.length === 1, 'the page is told');
  expect(page.settled).toEqual(['1:constraint_failed']);
  kept.crash(page);
  const [told] = page.of('settled');
  const mutation = { clientId: 'a', mutationId: 1, name: 'addList', args: { id: 'y', name: 'taken' }, seed: 's', nowMs: 1 };
  return { mutation, error: told?.error ?? { code: 'internal' as const, message: '' }, atMs: 1 };
}

/** The page's next worker. */
async function nextLife(carriedOver: Awaited<ReturnType<typeof rejectedBesideTheDisk>>): Promise<EnginePage> {
  const page = kept.tab('a', { life: 2, start: false, isGroupBound: true, groupId: 'group-a' });
  page.engine.adopt([{ clientId: 'a', lastMutationId: 1, confirmed: 1, welcomed: 1 }], []);
  page.engine.putAside([carriedOver]);
  page.engine.start();
  await kept.world.until(() => page.status.replica === 'current', 'the next worker is in the room');
  return page;
}

it('[ST-25] a rejection that the page alone knows is kept by the room: whoever takes its mutation over is told the same', async () => {
  const page = await nextLife(await rejectedBesideTheDisk());
  await kept.world.time.advanceAsync(20_000);
  expect(storedRejections()).toEqual([['a', 1]]);
  kept.crash(page);
  kept.browser.disk.fault = () => null;
  const next = kept.tab('b');
  await kept.world.until(() => next.of('others').length > 0, 'what was left is seen');
  next.engine.adoptStored('a');
  await kept.world.until(() => next.settled.length === 1, 'it is told');
  expect(next.settled).toEqual(['1:constraint_failed']);
});

it('[ST-25] once the disk has what the page alone knew, nothing is pending there, and the room forgets it', async () => {
  const page = await nextLife(await rejectedBesideTheDisk());
  kept.browser.disk.fault = () => null;
  await kept.saved(page);
  await kept.world.until(() => storedRejections().length === 0, 'the room has forgotten it');
  kept.crash(page);
  const next = kept.tab('b');
  await kept.world.until(() => next.of('restored').length > 0, 'it is listed');
  expect(next.of('restored').flatMap(({ rejections }) => rejections.map(({ key }) => key))).toEqual(['a 1']);
  expect(kept.browser.disk.rows(kept.place, 'mutations')).toEqual([]);
});

it('[ST-25] while a disk fails the room keeps what it rejected, also where the disk never had it: another tab may have it as pending', async () => {
  kept.browser.disk.fault = () => new AlcoveError('storage_failed', 'not now');
  const other = kept.world.tab('elsewhere');
  other.mutate('addList', { id: 'x', name: 'taken' });
  await kept.world.until(() => other.settled.length === 1, 'another has the name');
  const page = kept.tab('a');
  page.mutate('addList', { id: 'y', name: 'taken' });
  await kept.world.until(() => page.settled.length === 1, 'the page is told');
  await kept.world.time.advanceAsync(10_000);
  expect(storedRejections()).toEqual([['a', 1]]);
  kept.browser.disk.fault = () => null;
  await kept.world.until(() => storedRejections().length === 0, 'the disk has it, and the room has forgotten it');
});
