import { expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const LIMITS = { limits: { outboxMutationsMax: 5 } };

/** Of as many calls as there are names, how many are taken. */
function taken(page: EnginePage, ...names: string[]): number {
  return names.filter((name) => {
    try {
      page.mutate('addList', { id: name, name });
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'outbox_full' });
      return false;
    }
  }).length;
}

it('[TB-14] the bound of the outbox holds for the device: of several tabs, of one that died, and until the room has them', async () => {
  const a = kept.tab('a', { ...OFFLINE, ...LIMITS });
  const b = kept.tab('b', { ...OFFLINE, ...LIMITS });
  await kept.world.time.advanceAsync(100);
  expect(taken(a, 'l1', 'l2', 'l3')).toBe(3);
  await kept.world.until(() => b.of('elsewhere').at(-1)?.count === 3, 'the other tab knows');
  expect(taken(b, 'l4', 'l5', 'l6')).toBe(2);
  await kept.world.until(() => a.of('elsewhere').at(-1)?.count === 2, 'and the first one');
  expect(taken(a, 'l7')).toBe(0);
  for (const page of [a, b]) await kept.saved(page);
  for (const page of [a, b]) kept.crash(page);
  // A bound that is lower by now refuses calls, and nothing that is there.
  const c = kept.tab('c', { limits: { outboxMutationsMax: 3 } });
  await kept.world.until(() => c.of('elsewhere').at(-1)?.count === 5, 'the next load finds them');
  expect(taken(c, 'l8')).toBe(0);
  for (const clientId of ['a', 'b']) c.engine.adoptStored(clientId);
  await kept.world.until(() => c.of('settled').length === 5, 'all are taken over, and decided');
  await kept.world.quiet();
  expect(taken(c, 'l9', 'l10', 'l11', 'l12')).toBe(3);
  await kept.world.quiet();
  await kept.shows(c, 'l1', 'l10', 'l11', 'l2', 'l3', 'l4', 'l5', 'l9');
});
