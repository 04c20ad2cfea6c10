import { expect } from '@playwright/test';
import { test } from './trip-test.ts';

const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';
/** What Chromium itself prints about a server that is not there. */
const NOBODY_THERE = /net::ERR_CONNECTION_REFUSED|WebSocket connection to .* failed/;

test('a killed server loses nothing that it acknowledged, and what was done meanwhile arrives once', async ({ visit, ownServer }) => {
  const url = ownServer.tripUrl('killed');
  const ada = await visit({ name: 'Ada' }, url);
  const bo = await visit({ name: 'Bo' }, url);
  for (const person of [ada, bo]) await person.show('Packing');
  const before = await ada.items.allInnerTexts();
  for (const label of ['one', 'two', 'three']) await ada.addItem(label);
  await ada.isSettled();

  await ownServer.now.kill();
  for (const person of [ada, bo]) await expect(person.connection).toHaveText(/^(Reconnecting|Connecting)$/);
  await ada.addItem('from Ada, alone');
  await bo.addItem('from Bo, alone');
  await expect(ada.pending).toHaveText('1 pending');
  await expect(ada.items).toHaveText([...before, 'one', 'two', 'three', 'from Ada, alone']);

  await ownServer.start();
  for (const person of [ada, bo]) {
    await person.isConnected();
    await person.isSettled();
    const labels = expect.arrayContaining([...before, 'one', 'two', 'three', 'from Ada, alone', 'from Bo, alone']);
    await expect.poll(() => person.items.allInnerTexts()).toEqual(labels);
    await expect(person.items).toHaveCount(before.length + 5);
    person.hasNoComplaints(NOBODY_THERE);
  }
  // And so the room has it.
  const cleo = await visit({ name: 'Cleo' }, url);
  await cleo.show('Packing');
  await expect(cleo.items).toHaveCount(before.length + 5);
});

test('a kill in the middle of many writes: each takes effect once', async ({ visit, ownServer }) => {
  const url = ownServer.tripUrl('burst');
  const ada = await visit({ name: 'Ada' }, url);
  const bo = await visit({ name: 'Bo' }, url);
  for (const person of [ada, bo]) await person.show('Packing');
  const before = await ada.items.count();
  const labels = Array.from({ length: 12 }, (_, i) => `thing ${i + 1}`);
  for (const [i, label] of labels.entries()) {
    await ada.addItem(label);
    // Some are answered by then, some are on their way, some are not sent.
    if (i === 7) await Promise.all([ownServer.now.kill(), ada.addItem('as it died')]);
  }
  await ownServer.start();
  for (const person of [ada, bo]) {
    await person.isConnected();
    await person.isSettled();
    await expect(person.items).toHaveCount(before + labels.length + 1);
    const found = (await person.items.allInnerTexts()).slice(before).sort();
    expect(found).toEqual([...labels, 'as it died'].sort());
    person.hasNoComplaints(NOBODY_THERE);
  }
});

test('a server that is stopped comes back, and its pages with it', async ({ visit, ownServer }) => {
  const ada = await visit({ name: 'Ada' }, ownServer.tripUrl('stopped'));
  await ownServer.now.stop();
  await expect(ada.connection).toHaveText(/^(Reconnecting|Connecting)$/);
  await ada.addCity('osaka', 'Osaka');
  await expect(ada.stops).toHaveCount(9);
  await ownServer.start();
  await ada.isConnected();
  await ada.isSettled();
  await expect(ada.stops).toHaveCount(9);
  ada.hasNoComplaints(NOBODY_THERE);
});

test('a query without an end is cut, says so, and everything else goes on', async ({ visit, ownServer }) => {
  const url = ownServer.tripUrl('endless');
  const ada = await visit({ name: 'Ada' }, url);
  const bo = await visit({ name: 'Bo' }, url);
  for (const person of [ada, bo]) await person.show('Packing');
  await ada.openSql();
  // A version behind the image that the next worker begins with.
  await bo.addItem('from Bo');
  await expect(ada.items.filter({ hasText: 'from Bo' })).toHaveCount(1);
  const before = await ada.items.count();
  await ada.page.evaluate(() => {
    const seen = { itemsMin: Number.MAX_SAFE_INTEGER };
    Object.assign(window, { seen });
    const look = () => {
      seen.itemsMin = Math.min(seen.itemsMin, document.querySelectorAll('.items li').length);
      requestAnimationFrame(look);
    };
    look();
  });

  // Not confirmed by anybody when its worker dies.
  ownServer.now.freeze();
  await ada.addItem('before the cut');
  await expect(ada.pending).toHaveText('1 pending');
  await ada.runSql(ENDLESS);
  await ada.addItem('during the query');
  // The worker that would write it is held: it is on no disk yet.
  await expect(ada.pending).toHaveText('2 pending');
  await expect(ada.page.locator('.saved > button')).toHaveText('Saving');
  await expect(ada.page.getByRole('alert').filter({ hasText: 'was ended' })).toBeVisible();
  ownServer.now.thaw();

  await ada.isConnected();
  await ada.isSettled();
  for (const person of [ada, bo]) {
    await expect(person.items.filter({ hasText: 'before the cut' })).toHaveCount(1);
    await expect(person.items.filter({ hasText: 'during the query' })).toHaveCount(1);
  }
  // Nothing that was shown was gone for a moment.
  expect(await ada.page.evaluate(() => (window as unknown as { seen: { itemsMin: number } }).seen.itemsMin)).toBe(before);
  await ada.runSql("select printf('%,d', count(*)) as n from cities");
  await expect(ada.onlyCell).toHaveText('138,398');
  await bo.addItem('after the cut');
  await expect(ada.items.filter({ hasText: 'after the cut' })).toHaveCount(1);
  ada.hasNoComplaints(NOBODY_THERE);
  bo.hasNoComplaints(NOBODY_THERE);
});

test('a query that is wrong says what is wrong', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const failed = ada.page.locator('.sql-failed');
  await ada.runSql('select nothing from nowhere');
  await expect(failed).toContainText('nowhere');
  await ada.runSql('delete from stops');
  await expect(failed).toContainText('only reads');
  await ada.runSql('select 1; select 2');
  await expect(failed).toBeVisible();
  await ada.runSql("select 'one' as word");
  await expect(ada.onlyCell).toHaveText('one');
  ada.hasNoComplaints();
});
