import { crash } from './notebook/kept-browser.ts';
import { expect, shown, test, until, untilShows } from './notebook/notebook-test.ts';

test('a full device is named, calls go on in memory, and all is kept when there is space again', async ({ notebook }) => {
  // Before the room is opened: for half a minute a browser goes on with the space that it once found.
  const blank = await notebook.browser.context.newPage();
  const cdp = await notebook.browser.context.newCDPSession(blank);
  const { url: origin } = notebook.files;
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 600_000 });
  const page = await notebook.openCurrent('full');
  await notebook.add(page, ['a']);
  await until(page, { pending: [], storage: 'saved' });
  notebook.wire.cut();
  const big = ['b', 'c', 'd', 'e'];
  await page.evaluate((ids) => {
    for (const id of ids) void globalThis.notebook.keep(id, 300_000);
  }, big);
  await until(page, { storage: 'failing', storageError: 'storage_full' });
  expect((await shown(page)).unsaved).toBeGreaterThan(0);
  await untilShows(page, ['a', ...big]);
  // The room is the other place that can keep them.
  notebook.wire.mend();
  await notebook.roomHas('full', ['a', ...big]);
  await until(page, { pending: [], rejected: {}, unsaved: 0 });
  notebook.wire.cut();
  await page.evaluate(() => void globalThis.notebook.keep('f', 800_000));
  await until(page, { storage: 'failing', storageError: 'storage_full', pending: ['f'], unsaved: 1 });
  await cdp.send('Storage.overrideQuotaForOrigin', { origin });
  await until(page, { storage: 'saved', storageError: null, unsaved: 0, pending: ['f'] });
  await crash(page);
  notebook.wire.mend();
  const later = await notebook.open('full');
  await notebook.roomHas('full', ['a', ...big, 'f']);
  await until(later, { pending: [], result: 'current', storage: 'saved' });
});

test('storage that is deleted under a running tab is noticed, and kept again from what the tab knows', async ({ notebook }) => {
  const page = await notebook.openCurrent('deleted');
  await notebook.add(page, ['a']);
  await until(page, { pending: [], storage: 'saved' });
  notebook.wire.cut();
  await notebook.add(page, ['b', 'c']);
  const states = await page.evaluateHandle(() => {
    const seen = new Set<string>();
    const look = (): void => {
      seen.add(globalThis.notebook.shown().storage);
      requestAnimationFrame(look);
    };
    look();
    return seen;
  });
  const cdp = await notebook.browser.context.newCDPSession(page);
  await cdp.send('Storage.clearDataForOrigin', { origin: notebook.files.url, storageTypes: 'indexeddb' });
  await expect.poll(() => states.evaluate((seen) => [...seen].includes('failing'))).toBe(true);
  // Nothing is lost: the tab had all of it, and hands it over again.
  await until(page, { storage: 'saved', storageError: null, unsaved: 0, pending: ['b', 'c'], lostOutbox: null });
  await notebook.add(page, ['d']);
  // Only the disk tells the next page of them.
  await crash(page);
  notebook.wire.mend();
  const later = await notebook.open('deleted');
  await notebook.roomHas('deleted', ['a', 'b', 'c', 'd']);
  await until(later, { pending: [], result: 'current', storage: 'saved', lostOutbox: null });
  // What was deleted of the rows is there again, too.
  notebook.wire.cut();
  await later.reload();
  await untilShows(later, ['a', 'b', 'c', 'd']);
});

test('[ST-50] storage that was deleted while no tab had the room open, with calls that no room has: the next page says so, once', async ({
  notebook,
}) => {
  const page = await notebook.openCurrent('emptied');
  notebook.wire.cut();
  await notebook.add(page, ['a']);
  await until(page, { storage: 'saved', pending: ['a'] });
  await crash(page);
  const blank = await notebook.browser.context.newPage();
  await blank.goto(`${notebook.files.url}/blank.html`);
  const cdp = await notebook.browser.context.newCDPSession(blank);
  await cdp.send('Storage.clearDataForOrigin', { origin: notebook.files.url, storageTypes: 'indexeddb' });
  notebook.wire.mend();
  const later = await notebook.openCurrent('emptied');
  await until(later, { lostOutbox: 'emptied', notes: [] });
  // Work goes on.
  await notebook.add(later, ['b']);
  await notebook.roomHas('emptied', ['b']);
  await until(later, { pending: [], storage: 'saved' });
  await later.reload();
  await until(later, { result: 'current', storage: 'saved', lostOutbox: null });
});

test('two builds side by side: the older one goes on with what it knows, and its update starts from what it kept', async ({ notebook }) => {
  const older = await notebook.openCurrent('builds');
  await notebook.add(older, ['a']);
  await until(older, { pending: [], storage: 'saved' });
  await notebook.server.kill();
  await notebook.add(older, ['b']);
  await notebook.server.start('newer');
  const newer = await notebook.openCurrent('builds', { build: 'newer' });
  await notebook.add(newer, ['c']);
  await notebook.add(older, ['d']);
  await notebook.roomHas('builds', ['a', 'b', 'c', 'd']);
  for (const page of [older, newer]) {
    await untilShows(page, ['a', 'b', 'c', 'd']);
    await until(page, { pending: [], result: 'current', rejected: {}, connectionError: null });
  }
  await until(older, { storage: 'saved' });
  // Called without the room, by the older build; sent by the newer one.
  notebook.wire.cut();
  await notebook.add(older, ['e']);
  await until(older, { storage: 'saved', pending: ['e'] });
  notebook.wire.mend();
  await older.goto(notebook.url('builds', { build: 'newer' }));
  await notebook.roomHas('builds', ['a', 'b', 'c', 'd', 'e']);
  for (const page of [older, newer]) {
    await untilShows(page, ['a', 'b', 'c', 'd', 'e']);
    await until(page, { pending: [], result: 'current', rejected: {} });
  }
});

test('[TB-21] a newer build beside a server that is not updated yet: what it leaves waits for a page of that build, an older one leaves it alone and says so', async ({
  notebook,
}) => {
  const older = await notebook.openCurrent('early');
  await notebook.add(older, ['a']);
  const newer = await notebook.open('early', { build: 'newer' });
  await until(newer, { connectionError: 'room_outdated' });
  await notebook.add(newer, ['n1', 'n2']);
  await newer.close();
  await until(older, { waitsForUpdate: 2 });
  // The next load of the older build finds it at once, and goes on without it.
  await older.reload();
  await until(older, { waitsForUpdate: 2, result: 'current' });
  await notebook.add(older, ['b']);
  await notebook.roomHas('early', ['a', 'b']);
  await untilShows(older, ['a', 'b']);
  await until(older, { pending: [], rejected: {}, waitsForUpdate: 2 });

  await notebook.server.kill();
  await notebook.server.start('newer');
  const updated = await notebook.openCurrent('early', { build: 'newer' });
  await notebook.roomHas('early', ['a', 'b', 'n1', 'n2']);
  for (const page of [older, updated]) {
    await untilShows(page, ['a', 'b', 'n1', 'n2']);
    await until(page, { pending: [], rejected: {} });
  }
});
