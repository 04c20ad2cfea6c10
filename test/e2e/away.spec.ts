import { readFile } from 'node:fs/promises';
import { expect } from '@playwright/test';
import type { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

/** What Chromium itself prints about a server that is not there. */
const NOBODY_THERE = /net::ERR_CONNECTION_REFUSED|WebSocket connection to .* failed/;
const WAITS = 'waits for the server';

const row = (person: TripPage, label: string) => person.page.locator('.items li', { hasText: label });

test('without its server a page says so, what waits, who was here, and tries again at a press', async ({ visit, ownServer }) => {
  const url = ownServer.tripUrl('away');
  const ada = await visit({ name: 'Ada' }, url);
  const bo = await visit({ name: 'Bo' }, url);
  await ada.show('Packing');
  await expect(ada.other('Bo')).toBeVisible();
  const slip = ada.page.getByRole('region', { name: 'Connection' });
  await expect(slip).toHaveCount(0);

  await ownServer.now.kill();
  await expect(ada.connection).toHaveText('Reconnecting');
  await expect(slip.getByRole('heading')).toHaveText(/^Not connected since \d\d:\d\d$/);
  await ada.addItem('Kayak');
  await ada.item('Rain jackets').click();
  await expect(slip).toContainText('Everything here still works. 2 changes wait on this device and are sent');
  for (const label of ['Kayak', 'Rain jackets']) await expect(row(ada, label).getByRole('img', { name: WAITS })).toBeVisible();
  await expect(row(ada, 'Passports').getByRole('img', { name: WAITS })).toHaveCount(0);
  await ada.page.getByRole('button', { name: '2 pending' }).click();
  const changes = ada.page.getByRole('region', { name: 'Your changes' });
  await expect(changes.getByRole('list', { name: 'Waiting for the server' }).getByRole('listitem')).toHaveText([
    /^Pack Kayak (just now|\d+ s ago)$/,
    /^Tick Rain jackets (just now|\d+ s ago)$/,
  ]);
  // Who was here is still known, and that nobody knows whether they still are.
  await expect(ada.other('Bo')).toHaveAttribute('title', /^Bo, last seen \d\d:\d\d$/);

  await ownServer.start();
  // A press, unless the page's own attempt is first: then the button is gone.
  await slip.getByRole('button', { name: 'Try now' }).evaluateAll((buttons) => {
    for (const button of buttons) button.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  });
  await ada.isConnected();
  await ada.isSettled();
  // It goes at a press anywhere else.
  await ada.page.getByRole('heading', { level: 1 }).click();
  await expect(changes).toHaveCount(0);
  await ada.pending.click();
  await expect(changes.getByRole('list', { name: 'Done lately' }).getByRole('listitem')).toHaveText([
    /^Tick Rain jackets \d\d:\d\d:\d\d$/,
    /^Pack Kayak \d\d:\d\d:\d\d$/,
  ]);
  await expect(slip).toHaveCount(0);
  await expect(ada.page.getByRole('img', { name: WAITS })).toHaveCount(0);
  await bo.isConnected();
  await expect(ada.other('Bo')).toHaveAttribute('title', 'Bo');
  await bo.show('Packing');
  await expect(row(bo, 'Kayak')).toHaveCount(1);
  ada.hasNoComplaints(NOBODY_THERE);
});

test('a row that waits is marked in the route, its note too, and after a while the page wonders what is the matter', async ({
  visit,
  ownServer,
}) => {
  const ada = await visit({ name: 'Ada' }, ownServer.tripUrl('wonder'));
  await ada.openStop('Kyoto');
  await ownServer.now.kill();
  await expect(ada.connection).toHaveText('Reconnecting');
  await ada.noteField('Kyoto').fill('Tea at four');
  await ada.noteField('Kyoto').press('Enter');
  await expect(ada.stop('Kyoto').locator('.stop-head').getByRole('img', { name: WAITS })).toBeVisible();
  await expect(ada.stop('Kyoto').locator('.notes').getByRole('img', { name: WAITS })).toBeVisible();
  await expect(ada.stop('Tokyo').getByRole('img', { name: WAITS })).toHaveCount(0);
  await expect(ada.page.getByText('“npm start” starts it again')).toBeVisible();
  ada.hasNoComplaints(NOBODY_THERE);
});

test('what was not accepted stays marked where it would be, until somebody has read why', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.addCity('mcmurdo', 'McMurdo Station');
  const refused = ada.page.locator('.stop-refused');
  await expect(refused).toContainText('McMurdo Station');
  await expect(refused).toContainText('not accepted');
  await expect(ada.stops).toHaveCount(8);
  // The words for it are people's; no code of ours among them.
  await expect(ada.page.locator('.correction')).not.toContainText('forbidden');
  await ada.page.getByRole('button', { name: 'Dismiss McMurdo Station, which was not accepted' }).click();
  await expect(refused).toHaveCount(0);
  await expect(ada.page.locator('.correction')).toHaveCount(0);
  ada.hasNoComplaints();
});

test('the list of changes says what came to nothing, saves it, and calls it again', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.addCity('mcmurdo', 'McMurdo Station');
  await expect(ada.page.locator('.correction')).toHaveCount(1);
  await ada.isSettled();
  await ada.pending.click();
  const changes = ada.page.getByRole('region', { name: 'Your changes' });
  const refused = changes.getByRole('list', { name: 'Came to nothing' }).getByRole('listitem');
  await expect(refused).toContainText(['Antarctica needs a permit']);
  const saving = ada.page.waitForEvent('download');
  await changes.getByRole('button', { name: 'Save this list as a file' }).click();
  const saved: unknown = JSON.parse(await readFile(await (await saving).path(), 'utf8'));
  expect(saved).toMatchObject({
    pending: [],
    rejected: [{ name: 'addStop', status: 'rejected', attempts: 0, error: { code: 'forbidden' } }],
  });
  // The same call as a new one: refused again, on a line of its own.
  await refused.getByRole('button', { name: 'Try again' }).click();
  await ada.isSettled();
  await expect(refused).toContainText(['Antarctica needs a permit']);
  await refused.getByRole('button', { name: 'Dismiss' }).click();
  await expect(refused).toHaveCount(0);
  await expect(ada.page.locator('.correction')).toHaveCount(0);
  ada.hasNoComplaints();
});

test('what is added is shown, and each part of the sheet keeps its place', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await ada.stop('Nagasaki-shi').scrollIntoViewIfNeeded();
  await expect(ada.stop('Tokyo')).not.toBeInViewport();
  await ada.show('Packing');
  await expect(ada.items.first()).toBeInViewport();
  for (let i = 1; i <= 8; i += 1) {
    await ada.addItem(`thing ${i}`);
    await expect(row(ada, `thing ${i}`)).toBeInViewport();
  }
  await expect(ada.items.first()).not.toBeInViewport();
  await ada.show('Route');
  await expect(ada.stop('Nagasaki-shi')).toBeInViewport();
  await ada.addCity('naha', 'Naha');
  await expect(ada.stops).toHaveCount(9);
  await expect(ada.stops.last()).toBeInViewport();
  await ada.show('Packing');
  await expect(row(ada, 'thing 8')).toBeInViewport();
  ada.hasNoComplaints();
});

test('the status line fits every window, connected or not, and never leaves out what waits', async ({ visit, ownServer }) => {
  const ada = await visit({ name: 'Ada' }, ownServer.tripUrl('widths'));
  const fits = async () => {
    for (const width of [320, 390, 600, 820, 821, 1024, 1280, 1366, 1482, 1920]) {
      await ada.page.setViewportSize({ width, height: 800 });
      const seen = await ada.page.evaluate(() => {
        const line = document.querySelector('.status')?.getBoundingClientRect();
        const parts = [...document.querySelectorAll('.status > li, .foot > button')].filter((part) => part.checkVisibility());
        const shown = parts.filter((part) => part.getBoundingClientRect().top < (line?.bottom ?? 0));
        const edges = shown.map((part) => ({ text: part.textContent, ...part.getBoundingClientRect().toJSON() }));
        return { edges, innerWidth, scrollWidth: document.documentElement.scrollWidth };
      });
      expect(seen.scrollWidth, `${width}`).toBeLessThanOrEqual(seen.innerWidth);
      for (const { text, left, right } of seen.edges) {
        expect(left, `${text} at ${width}`).toBeGreaterThanOrEqual(0);
        expect(right, `${text} at ${width}`).toBeLessThanOrEqual(seen.innerWidth);
      }
      const words = seen.edges.map(({ text }) => text).join(' ');
      for (const word of [/pending/, /Sav(ed|ing)/, /Night|Day/]) expect(words, `${width}`).toMatch(word);
    }
  };
  await fits();
  await ownServer.now.kill();
  await expect(ada.connection).toHaveText('Reconnecting');
  await ada.openStop('Kyoto');
  await ada.page.getByRole('button', { name: 'One night more in Kyoto' }).click();
  await expect(ada.pending).toHaveText('1 pending');
  await fits();
  ada.hasNoComplaints(NOBODY_THERE);
});
