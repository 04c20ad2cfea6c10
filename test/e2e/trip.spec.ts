import { expect } from '@playwright/test';
import { TripPage, CITIES } from './trip-page.ts';
import { test } from './trip-test.ts';

test('the first load shows how far it is, and brings all 138,398 cities', async ({ browser, tripUrl }) => {
  const context = await browser.newContext();
  const ada = new TripPage(await context.newPage());
  // Everything that the card of the load ever said.
  await ada.page.addInitScript(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const look = () => {
      const bar = document.querySelector('.loading [role=progressbar]')?.getAttribute('aria-valuenow');
      const step = document.querySelector('.loading [aria-current=step]')?.textContent;
      const line = `${step ?? ''} ${bar ?? ''}`.trim();
      if (line !== '' && said.at(-1) !== line) said.push(line);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await ada.open(tripUrl);
  const said = await ada.page.evaluate(() => (window as unknown as { said: string[] }).said);
  // Bytes of the whole, and their share on the ruler.
  expect(said).toContainEqual(expect.stringMatching(/^Fetching its database[\d.]+ (KB|MB) of [\d.]+ MB \d+$/));
  expect(said[0]).toMatch(/^Reaching the room/);

  await ada.openSql();
  await ada.runSql("select printf('%,d', count(*)) as n from cities");
  await expect(ada.onlyCell).toHaveText(CITIES.toLocaleString('en'));
  ada.hasNoComplaints();
  await context.close();
});

test('a search follows every key', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const first = ada.page.getByRole('option').first();
  await ada.search.pressSequentially('lo');
  await expect(first).toContainText('London');
  await ada.search.pressSequentially('s an');
  await expect(first).toContainText('Los Angeles');
  await ada.search.fill('sao paulo');
  await expect(first).toContainText('São Paulo');
  await ada.search.fill('qqqq');
  await expect(ada.page.getByText('No city is called “qqqq”.')).toBeVisible();
  ada.hasNoComplaints();
});

test('a write that the room refuses is taken back and says why', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  // The row is shown before the room has spoken: remember whether it ever was.
  await ada.page.evaluate(() => {
    const seen = { row: false };
    Object.assign(window, { seen });
    const look = () => {
      seen.row ||= [...document.querySelectorAll('.stop-name strong')].some((name) => name.textContent === 'McMurdo Station');
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await ada.addCity('mcmurdo', 'McMurdo Station');
  const slip = ada.page.locator('.correction');
  await expect(slip).toContainText('Add McMurdo Station: not accepted');
  await expect(slip).toContainText('Antarctica needs a permit under its treaty');
  await expect(ada.stops).toHaveCount(8);
  expect(await ada.page.evaluate(() => (window as unknown as { seen: { row: boolean } }).seen.row)).toBe(true);
  await ada.isSettled();

  // What comes behind a refused write goes through.
  await ada.addCity('osaka', 'Osaka');
  await expect(bo.stops).toHaveCount(9);
  await expect(bo.stop('McMurdo Station')).toHaveCount(0);
  await slip.getByRole('button', { name: 'Understood' }).click();
  await expect(slip).toHaveCount(0);
  ada.hasNoComplaints();
  bo.hasNoComplaints();
});

test('a stop is moved by the arrow keys, and the handle keeps the keyboard', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  await expect(ada.stops.nth(1)).toHaveText('Nikkō');
  await ada.handle('Nikkō').focus();
  await ada.page.keyboard.press('ArrowUp');
  await expect(ada.stops.first()).toHaveText('Nikkō');
  await expect(ada.handle('Nikkō')).toBeFocused();
  await expect(bo.stops.first()).toHaveText('Nikkō');
  for (const position of [1, 2]) {
    await ada.page.keyboard.press('ArrowDown');
    await expect(ada.stops.nth(position)).toHaveText('Nikkō');
  }
  await expect(bo.stops.nth(2)).toHaveText('Nikkō');
  ada.hasNoComplaints();
});

test('a reload finds everything as it was', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.addCity('osaka', 'Osaka');
  await ada.isSettled();
  const before = await ada.stops.allInnerTexts();
  await ada.page.reload();
  await ada.isLoaded();
  await expect(ada.stops).toHaveText(before);
  ada.hasNoComplaints();
});

test('on a phone one part at a time, and nothing sticks out', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 3 });
  const isAsWideAsThePhone = () => ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  await expect(ada.stops.first()).toBeVisible();
  expect(await isAsWideAsThePhone()).toBe(true);

  await ada.show('Packing');
  await expect(ada.stops.first()).toBeHidden();
  await ada.addItem('Binoculars');
  await ada.item('Binoculars').tap();
  await ada.isSettled();
  await expect(ada.item('Binoculars')).toBeChecked();
  expect(await isAsWideAsThePhone()).toBe(true);

  await ada.show('Budget');
  await expect(ada.budget).toBeVisible();
  expect(await isAsWideAsThePhone()).toBe(true);

  await ada.show('SQL');
  await ada.runSql("select printf('%d', count(*)) as n from stops");
  await expect(ada.onlyCell).toHaveText('8');
  expect(await isAsWideAsThePhone()).toBe(true);
  ada.hasNoComplaints();
});

test('a city that is called just what was typed is found first', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.search.fill('Porto');
  const found = ada.page.getByRole('option');
  await expect(found.first()).toContainText('Portugal');
  await expect(found.filter({ hasText: 'Porto Alegre' })).toBeVisible();
  await ada.search.press('Enter');
  await expect(ada.page.getByRole('region', { name: 'Porto', exact: true })).toBeVisible();
  ada.hasNoComplaints();
});
