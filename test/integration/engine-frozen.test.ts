import { afterEach, describe, expect, it } from 'vitest';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import type { EnginePage } from '../fake/engine-page.ts';
import { useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const STRENGTH = 'SELECT strength FROM tags';

/** What the room said to a tab since it was frozen; null: it is not. */
let unheard: (() => void)[] | null = null;
afterEach(() => {
  unheard = null;
});
const openSocket: SyncEngineOptions['openSocket'] = (url, handlers) =>
  kept.world.server.openSocket(url, {
    onOpen: () => handlers.onOpen(),
    onClose: (code, reason) => handlers.onClose(code, reason),
    onMessage: (frame) => void (unheard?.push(() => handlers.onMessage(frame)) ?? handlers.onMessage(frame)),
  });

function thaw(): void {
  const frames = unheard ?? [];
  unheard = null;
  for (const hear of frames) hear();
}

/** A tab that was frozen between its push and the room's answer. What it called counts how often it ran. */
async function frozen(mutator: 'tagTask' | 'tabOnly' = 'tagTask'): Promise<EnginePage> {
  const tab = kept.tab('frozen', { openSocket });
  await kept.world.quiet();
  tab.mutate('addList', { id: 'l1', name: 'one' });
  tab.mutate('addTask', { id: 't1', listId: 'l1', title: 'first' });
  await kept.world.quiet();
  await kept.saved(tab);
  unheard = [];
  const version = kept.world.server.room.stats.version;
  tab.mutate(mutator, mutator === 'tagTask' ? { taskId: 't1', tag: 'x' } : { id: 'l2', name: 'not in the room' });
  await kept.world.until(() => kept.world.server.room.stats.version > version, 'the room has decided it');
  await kept.world.until(() => kept.browser.disk.rows(kept.place, 'mutations').length === 1, 'and the disk has it as pending');
  return tab;
}

describe('beside a tab that is frozen between its push and the answer', () => {
  it('[TB-15] a tab that takes a fresh snapshot shows that write once, from the first rows on', async () => {
    await frozen();
    // All that the query comes to.
    const told: unknown[] = [];
    const fresh = kept.tab('fresh', {
      isFrugal: true,
      onNotices: (notices) => {
        fresh.take(notices);
        if (notices.some((notice) => notice.type === 'query' && notice.queryId === 'strength' && notice.update !== null))
          told.push(fresh.rows('strength'));
      },
    });
    fresh.watch('strength', STRENGTH);
    await kept.world.until(() => fresh.queries.get('strength')?.status === 'current', 'it has the room');
    expect(fresh.rows('strength')).toEqual([[1]]);
    await kept.world.time.advanceAsync(1_000);
    expect([fresh.rows('strength'), fresh.engine.shownMutations()]).toEqual([[[1]], []]);
    expect(told).toEqual([[], [[1]]].slice(-told.length));
    expect(fresh.of('elsewhere').filter(({ count }) => count > 0)).toEqual([]);
  });

  it('[TB-15] so does one that goes on from what is kept, though others have moved that on', async () => {
    const first = await frozen();
    const other = kept.tab('other');
    await kept.world.until(() => other.status.replica === 'current', 'it has the room');
    await kept.saved(other);
    kept.crash(other);
    const later = kept.tab('later');
    later.watch('strength', STRENGTH);
    await kept.world.until(() => later.queries.get('strength')?.status === 'current', 'it has the room');
    await kept.world.time.advanceAsync(100);
    expect(later.rows('strength')).toEqual([[1]]);
    // It wakes, and hears it for itself.
    thaw();
    await kept.world.until(() => first.status.pending === 0, 'the first tab hears of it');
    expect([later.rows('strength'), kept.world.server.rows(STRENGTH)]).toEqual([[[1]], [[1]]]);
  });

  it('[TB-15] what the room refused it is not shown by a fresh snapshot either; the word for it is left to that tab', async () => {
    const first = await frozen('tabOnly');
    const fresh = kept.tab('fresh', { isFrugal: true });
    await kept.world.until(() => fresh.queries.get('lists')?.status === 'current', 'it has the room');
    expect(kept.ids(fresh)).toEqual(['l1']);
    expect(fresh.of('settled')).toEqual([]);
    thaw();
    await kept.world.until(() => first.settled.length === 3, 'the first tab hears of it');
    expect(first.settled[2]).toBe('3:forbidden');
  });
});
