import { crash } from './notebook/kept-browser.ts';
import { expect, idsOf, shown, test, until, untilShows } from './notebook/notebook-test.ts';

test('a reload without the room server shows rows and pending calls at once; they arrive once when it is back', async ({ notebook }) => {
  const page = await notebook.openCurrent('reload');
  await notebook.add(page, ['a', 'b']);
  await until(page, { pending: [], storage: 'saved' });
  await notebook.server.kill();
  await notebook.add(page, ['c', 'd']);
  await page.reload();
  // Before any attempt to connect can have come to anything.
  await untilShows(page, ['a', 'b', 'c', 'd']);
  const { result, connection } = await shown(page);
  expect([result, connection === 'connected']).toEqual(['cached', false]);
  await until(page, { pending: ['c', 'd'], storage: 'saved', unsaved: 0 });
  await notebook.killBrowser();
  await notebook.launch();
  const later = await notebook.open('reload');
  await untilShows(later, ['a', 'b', 'c', 'd']);
  expect(await shown(later)).toMatchObject({ result: 'cached' });
  await notebook.server.start();
  await notebook.roomHas('reload', ['a', 'b', 'c', 'd']);
  await until(later, { pending: [], result: 'current', rejected: {} });
});

test('three tabs edit offline, see each other at once, and converge; one that died meanwhile is spoken for', async ({ notebook }) => {
  const [first, second, third] = [
    await notebook.openCurrent('three'),
    await notebook.openCurrent('three'),
    await notebook.openCurrent('three'),
  ];
  const pages = [first, second, third];
  notebook.wire.cut();
  for (const [index, page] of pages.entries()) await notebook.add(page, [`${index}a`, `${index}b`]);
  const all = ['0a', '0b', '1a', '1b', '2a', '2b'];
  for (const page of pages) await untilShows(page, all);
  await crash(second);
  // Its lock is free and one of the others has it: its calls are on that one's list.
  await expect.poll(async () => [...(await shown(first)).pending, ...(await shown(third)).pending].sort()).toEqual(all);
  await notebook.add(third, ['2c']);
  notebook.wire.mend();
  await notebook.roomHas('three', [...all, '2c']);
  for (const page of [first, third]) {
    await until(page, { pending: [], result: 'current', rejected: {} });
    expect(idsOf((await shown(page)).notes)).toEqual([...all, '2c']);
  }
  // Nothing is left of it for a later load to take over.
  await first.reload();
  await until(first, { result: 'current', pending: [], storage: 'saved' });
  await notebook.roomHas('three', [...all, '2c']);
});
