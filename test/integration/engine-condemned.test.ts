import { describe, expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const shown = (page: EnginePage) => page.engine.shownMutations().map(({ clientId, mutationId }) => `${clientId} ${mutationId}`);
const poison = [{ clientId: 'dead', mutationId: 1 }];

/** A room on the disk, and what a dead tab left beside it: the first of them is never to be run here. */
async function leave(): Promise<void> {
  const first = kept.tab('first');
  await kept.world.quiet();
  first.mutate('addList', { id: 'l1', name: 'confirmed' });
  await kept.world.quiet();
  await kept.saved(first);
  first.engine.close();
  const dead = kept.tab('dead', OFFLINE);
  await kept.shows(dead, 'l1');
  dead.mutate('addList', { id: 'l2', name: 'poison' });
  dead.mutate('addList', { id: 'l3', name: 'innocent' });
  await kept.saved(dead);
  dead.engine.close();
}

describe('[WK-50] a mutation on the disk that is condemned', () => {
  it('is shown without effect, below what others do, and keeps nobody from writing', async () => {
    await leave();
    const page = kept.tab('b', { ...OFFLINE, condemned: poison });
    await kept.shows(page, 'l1', 'l3');
    page.mutate('addList', { id: 'l4', name: 'own' });
    await kept.shows(page, 'l1', 'l3', 'l4');
    expect(shown(page)).toEqual(['dead 1', 'dead 2', 'b 1']);
    await kept.saved(page);
  });

  it('stays without effect over rebases, is pushed by whoever takes it over, and has the effect that the room gives it', async () => {
    await leave();
    const page = kept.tab('b', { condemned: poison });
    await kept.shows(page, 'l1', 'l3');
    kept.world.tab('elsewhere').mutate('addList', { id: 'l5', name: 'of another browser' });
    await kept.shows(page, 'l1', 'l3', 'l5');
    expect(shown(page)).toEqual(['dead 1', 'dead 2']);
    page.engine.adoptStored('dead');
    await kept.shows(page, 'l1', 'l2', 'l3', 'l5');
    await kept.world.quiet();
    expect(page.settled).toEqual(['1:applied', '2:applied']);
    expect(shown(page)).toEqual([]);
    expect(kept.world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2'], ['l3'], ['l5']]);
  });

  it('is none of its page’s next engine’s to run either: handed over, it waits for the room', async () => {
    await leave();
    const page = kept.world.tab('b', {
      ...OFFLINE,
      storage: kept.storageOf('b'),
      condemned: poison,
      start: false,
    });
    page.watch('lists', 'SELECT id FROM lists ORDER BY id');
    const args = { id: 'l2', name: 'poison' };
    page.engine.adopt(
      [{ clientId: 'dead', lastMutationId: 1, confirmed: 0, welcomed: null }],
      [{ clientId: 'dead', mutationId: 1, name: 'addList', args, seed: 'AAAAAAAAAAAAAAAAAAAAAA', nowMs: 1 }],
    );
    page.engine.start();
    await kept.shows(page, 'l1');
    expect(shown(page)).toEqual(['dead 1']);
  });
});
