import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const onTheServer = () => kept.world.server.rows('SELECT id FROM lists ORDER BY id').map(([id]) => id);
const othersOf = (page: EnginePage) => page.of('others').at(-1)?.clientIds ?? [];

/** A tab that has spoken to the room before it could open the place, and died with something pending, of which the room has the first. */
async function lateTab(): Promise<void> {
  const first = kept.tab('first');
  await kept.world.quiet();
  await kept.saved(first);
  first.engine.leave();
  kept.browser.disk.fault = () => new AlcoveError('storage_failed', 'not now');
  const late = kept.tab('late');
  await kept.world.quiet();
  late.mutate('addList', { id: 'l0', name: 'known' });
  await kept.world.quiet();
  kept.browser.disk.fault = () => null;
  await kept.saved(late);
  late.engine.start(false);
  late.mutate('addList', { id: 'l1', name: 'pending' });
  late.mutate('addList', { id: 'l2', name: 'pending, too' });
  await kept.saved(late);
  late.engine.close();
}

describe('a tab that is of another client group than its place', () => {
  it('[TB-8] what it left is taken over by the next page, which speaks as its group, and takes effect once', async () => {
    await lateTab();
    const next = kept.tab('next');
    await kept.world.until(() => kept.ids(next).length === 3, 'it shows what was left');
    expect(othersOf(next)).toContain('late');
    next.engine.adoptStored('late');
    await kept.world.until(() => next.of('settled').length === 2, 'it is decided');
    expect(next.settled).toEqual(['2:applied', '3:applied']);
    expect(next.of('clientStopped')).toEqual([]);
    expect(onTheServer()).toEqual(['l0', 'l1', 'l2']);
  });

  it('[TB-8] is left alone by tabs of the place’s group, which show what it left; nothing of it is refused or lost', async () => {
    const own = kept.tab('own');
    await kept.world.quiet();
    await kept.saved(own);
    await lateTab();
    await kept.world.time.advanceAsync(70_000);
    expect(kept.ids(own)).toEqual(['l0', 'l1', 'l2']);
    expect(othersOf(own)).not.toContain('late');
    own.engine.adoptStored('late');
    await kept.world.time.advanceAsync(5_000);
    expect([own.of('adopted'), onTheServer(), kept.browser.disk.rows(kept.place, 'mutations').length]).toEqual([[], ['l0'], 2]);
    const next = kept.tab('next');
    await kept.world.until(() => othersOf(next).includes('late'), 'the next page is of its group');
    next.engine.adoptStored('late');
    await kept.world.until(() => next.of('settled').length === 2, 'it is decided');
    await kept.world.until(() => kept.browser.disk.rows(kept.place, 'mutations').length === 0, 'it is gone from the disk');
    await kept.world.time.advanceAsync(10_000);
    expect([onTheServer(), kept.ids(own), kept.ids(next)]).toEqual([
      ['l0', 'l1', 'l2'],
      ['l0', 'l1', 'l2'],
      ['l0', 'l1', 'l2'],
    ]);
  });

  it('[TB-8] a page goes on as the group that spoke last where the place does not tell it any more', async () => {
    const first = kept.tab('first');
    await kept.world.quiet();
    first.mutate('addList', { id: 'l0', name: 'known' });
    await kept.world.quiet();
    first.engine.start(false);
    first.mutate('addList', { id: 'l1', name: 'pending' });
    await kept.saved(first);
    first.engine.close();
    kept.browser.disk.damage(kept.place, 'header', () => undefined);
    const next = kept.tab('next');
    await kept.world.until(() => othersOf(next).includes('first'), 'it hears of it');
    next.engine.adoptStored('first');
    await kept.world.until(() => next.of('settled').length === 1, 'it is decided');
    expect([next.settled, onTheServer()]).toEqual([['2:applied'], ['l0', 'l1']]);
  });
});
