import { AlcoveError } from '@alcove/core/error';
import { expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

/** What its page was told to list, without what it was told to take off. */
function listed(page: EnginePage): string[] {
  const keys = new Set<string>();
  for (const notice of page.notices) {
    if (notice.type === 'restored') for (const { key } of notice.rejections) keys.add(key);
    if (notice.type === 'dismissed') for (const key of notice.keys) keys.delete(key);
  }
  return [...keys];
}

const onDisk = (): number => kept.browser.disk.rows(kept.place, 'rejections').length;

/** A tab whose mutations `names` were rejected, a tab beside it, and all of it on the disk. */
async function rejecting(...names: string[]): Promise<[EnginePage, EnginePage]> {
  const [caller, beside] = [kept.tab('a'), kept.tab('b')];
  const elsewhere = kept.world.tab('elsewhere');
  await kept.world.quiet();
  for (const name of names) elsewhere.mutate('addList', { id: `taken ${name}`, name });
  for (const name of names) caller.mutate('addList', { id: name, name });
  await kept.world.until(() => onDisk() === names.length, 'they are put aside');
  return [caller, beside];
}

it('[TB-12] a rejection is told to the other tabs when it is on the disk, and its dismissal to all of them at once', async () => {
  const [caller, beside] = await rejecting('x', 'y');
  await kept.world.until(() => listed(beside).length === 2, 'the other tab lists them', 1_000);
  expect(beside.of('restored').at(-1)?.rejections[0]).toMatchObject({
    mutation: { name: 'addList' },
    error: { code: 'constraint_failed' },
  });
  beside.engine.dismiss(['a 1']);
  await kept.world.until(() => caller.of('dismissed').length === 1, 'the tab that called it is told', 100);
  expect(caller.of('dismissed')[0]?.keys).toEqual(['a 1']);
  await kept.world.until(() => onDisk() === 1, 'it leaves the disk');
  const later = kept.tab('c');
  await kept.world.until(() => listed(later).length === 1, 'a new tab lists the other one');
  expect(listed(later)).toEqual(['a 2']);
});

it('[TB-12] where no post arrives the next look at the disk tells both', async () => {
  kept.browser.deliver = () => false;
  const [caller, beside] = await rejecting('x');
  await kept.world.until(() => listed(beside).length === 1, 'the other tab finds it', 70_000);
  beside.engine.dismiss(['a 1']);
  await kept.world.until(() => caller.of('restored').length === 2, 'the caller finds that it is gone', 70_000);
  expect(caller.of('restored').map(({ onDisk: found }) => found)).toMatchObject([{ keys: [] }, { keys: [], isAnew: false }]);
  expect(caller.of('dismissed')).toEqual([]);
});

it('[TB-12] a page that is loaded while another one has not yet written what it dismissed drops that as soon as it is written', async () => {
  const [caller] = await rejecting('x', 'y');
  kept.browser.disk.fault = (doing) => (doing === 'dismiss' ? new AlcoveError('storage_failed', 'not now') : null);
  caller.engine.dismiss(['a 1']);
  await kept.world.until(() => caller.status.storage?.status === 'failing', 'it cannot be written');
  const later = kept.tab('c');
  await kept.world.until(() => listed(later).length === 2, 'it finds both');
  kept.browser.disk.fault = () => null;
  await kept.world.until(() => onDisk() === 1, 'it leaves the disk');
  await kept.world.until(() => later.of('restored').length === 2, 'it is told', 100);
  expect(later.of('restored').map(({ onDisk: found }) => found)).toMatchObject([
    { keys: ['a 1', 'a 2'] },
    { keys: ['a 2'], isAnew: false },
  ]);
});

it('[TB-12] a disk that was emptied under the tabs dismisses nothing', async () => {
  const [caller, beside] = await rejecting('x');
  await kept.world.until(() => listed(beside).length === 1, 'the other tab lists it');
  kept.browser.disk.clear(kept.place);
  await kept.world.until(() => caller.of('restored').at(-1)?.onDisk?.isAnew === true, 'it is begun anew');
  await kept.world.time.advanceAsync(130_000);
  // From then on it is known that there is none.
  expect(beside.of('restored').at(-1)?.onDisk).toEqual({ keys: [], isAnew: true });
  expect(beside.of('dismissed')).toEqual([]);
});
