import { expect, shown, test, until, untilShows } from './notebook/notebook-test.ts';

/** As many as somebody has who opens each link in a tab of its own. */
const TABS = 20;

test('[TB-20] twenty tabs of one room, opened at once: each is whole, connected and kept, hears each of the others, and needs none of them', async ({
  notebook,
}) => {
  const first = await notebook.openCurrent('twenty');
  await notebook.add(first, ['a', 'b']);
  await until(first, { pending: [], storage: 'saved' });
  const pages = [first, ...(await Promise.all(Array.from({ length: TABS - 1 }, () => notebook.open('twenty'))))];
  await Promise.all(pages.map((page) => until(page, { connection: 'connected', result: 'current', storage: 'saved' })));
  await Promise.all(pages.map((page) => untilShows(page, ['a', 'b'])));

  // One calls, then all at once.
  await notebook.add(first, ['c']);
  await Promise.all(pages.map((page) => untilShows(page, ['a', 'b', 'c'])));
  const own = pages.map((_, index) => `own-${index}`);
  await Promise.all(pages.map((page, index) => notebook.add(page, own.slice(index, index + 1))));
  const all = ['a', 'b', 'c', ...own];
  await Promise.all(pages.map((page) => untilShows(page, all)));
  const quiet = { pending: [], rejected: {}, connection: 'connected', result: 'current', storage: 'saved', unsaved: 0 } as const;
  await Promise.all(pages.map((page) => until(page, quiet)));
  await notebook.roomHas('twenty', all);
  for (const page of pages) expect((await shown(page)).errors).toEqual([]);

  const [last, ...others] = pages.toReversed();
  if (last === undefined) throw new Error('no page is left');
  await Promise.all(others.map((page) => page.close()));
  await notebook.add(last, ['z']);
  await notebook.roomHas('twenty', [...all, 'z']);
  await until(last, quiet);
  // What they kept together is whole.
  notebook.wire.cut();
  await last.reload();
  await untilShows(last, [...all, 'z']);
  expect(await shown(last)).toMatchObject({ result: 'cached', errors: [] });
});
