import { expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

/** A tab that can be let into the room. */
function tabWithSwitch(clientId: string): { page: EnginePage; goOnline: () => void } {
  let isOnline = false;
  const openSocket = (...args: Parameters<typeof kept.world.server.openSocket>) =>
    (isOnline ? kept.world.server : OFFLINE).openSocket(...args);
  const page = kept.tab(clientId, { groupId: 'g', openSocket });
  const goOnline = (): void => {
    isOnline = true;
    page.engine.hint('online');
  };
  return { page, goOnline };
}

/**
 * `heir` is offline and has heard of what `name` did in another tab, which was then decided and is on the disk no more: that tab was closed properly, and its lock
 * is free. `silent`: nothing of that end reached the heir.
 */
async function endedUnheard(name: string, args: { readonly [key: string]: string }, silent: boolean) {
  const elsewhere = kept.world.tab('elsewhere');
  elsewhere.mutate('addList', { id: 'l1', name: 'one' });
  elsewhere.mutate('addTask', { id: 't1', listId: 'l1', title: 'x' });
  await kept.world.quiet();
  const first = kept.tab('first', { groupId: 'g' });
  await kept.world.quiet();
  await kept.saved(first);
  first.engine.leave();
  const caller = tabWithSwitch('caller');
  const heir = tabWithSwitch('heir');
  heir.page.watch('tags', 'SELECT strength FROM tags');
  await kept.world.until(() => [caller, heir].every(({ page }) => page.queries.get('lists')?.status === 'cached'), 'both opened');
  caller.page.mutate(name, args);
  await kept.world.until(() => heir.page.of('others').some(({ clientIds }) => clientIds.includes('caller')), 'the heir has heard of it');
  await kept.saved(caller.page);
  if (silent) kept.browser.deliver = () => false;
  caller.goOnline();
  await kept.world.until(() => caller.page.settled.length === 1, 'it is decided');
  await kept.world.until(() => kept.world.server.rows('SELECT 1 FROM alcove_rejections').length === 0, 'and heard');
  await kept.saved(caller.page);
  caller.page.engine.leave();
  await kept.world.until(() => kept.browser.disk.rows(kept.place, 'clients').length === 0, 'it is gone from the disk');
  return heir;
}

it('[TB-11] what a tab only heard of, and what was rejected since and put aside, is not taken over: nobody says that it was applied', async () => {
  const heir = await endedUnheard('tabOnly', { id: 'l2', name: 'mine' }, true);
  await kept.shows(heir.page, 'l1', 'l2');
  heir.page.engine.adoptStored('caller');
  await kept.shows(heir.page, 'l1', 'l2');
  await kept.world.time.advanceAsync(500);
  heir.goOnline();
  await kept.world.until(() => heir.page.status.replica === 'current', 'it has the room');
  await kept.shows(heir.page, 'l1');
  await kept.world.time.advanceAsync(20_000);
  expect(heir.page.settled).toEqual([]);
  expect(heir.page.of('adopted')).toEqual([]);
});

it.each([true, false])(
  '[TB-11] nor is what was applied since, which stays shown, once, until its commit is; word lost: %s',
  async (silent) => {
    const heir = await endedUnheard('tagTask', { taskId: 't1', tag: 'x' }, silent);
    heir.page.engine.adoptStored('caller');
    await kept.world.time.advanceAsync(500);
    expect(heir.page.rows('tags')).toEqual([[1]]);
    heir.goOnline();
    await kept.world.until(() => heir.page.status.replica === 'current', 'it has the room');
    await kept.world.time.advanceAsync(20_000);
    expect(heir.page.rows('tags')).toEqual([[1]]);
    expect(heir.page.settled).toEqual([]);
    expect(kept.world.server.rows('SELECT strength FROM tags')).toEqual([[1]]);
    const pushes = kept.world.server.heard.flatMap(({ message }) => (message?.type === 'push' ? message.mutations : []));
    expect(pushes.filter(({ clientId }) => clientId === 'caller')).toHaveLength(1);
  },
);
