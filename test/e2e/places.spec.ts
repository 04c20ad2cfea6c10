import { expect } from '@playwright/test';
import { linkTo } from './demo-server.ts';
import { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

test('a trip is named on the start page, begins empty, is called so by everybody, and is found again', async ({ browser, demo, visit }) => {
  const context = await browser.newContext();
  const ada = new TripPage(await context.newPage());
  await ada.page.goto(demo.url);
  await ada.page.getByRole('textbox', { name: 'Name of the new trip' }).fill('Vårtur på Åland');
  await ada.page.keyboard.press('Enter');
  await ada.isLoaded();
  expect(new URL(ada.page.url()).pathname).toMatch(/^\/trip\/vartur-pa-aland-[0-9a-z]{10}$/);
  await expect(ada.page.getByRole('heading', { level: 1 })).toHaveText('Vårtur på Åland');
  await expect(ada.page).toHaveTitle('Vårtur på Åland');
  await expect(ada.page.getByText('No stops yet.')).toBeVisible();
  await ada.isSettled();

  const bo = await visit({ name: 'Bo' }, ada.page.url());
  await expect(bo.page.getByRole('heading', { level: 1 })).toHaveText('Vårtur på Åland');
  await expect(bo.stops).toHaveCount(0);
  await bo.addCity('mariehamn', 'Mariehamn');
  await expect(ada.stops).toHaveText(['Mariehamn']);

  const url = ada.page.url();
  await ada.page.goto(demo.url);
  await ada.page.getByRole('link', { name: 'Vårtur på Åland' }).click();
  await ada.isLoaded();
  expect(ada.page.url()).toBe(url);
  await expect(ada.stops).toHaveText(['Mariehamn']);
  ada.hasNoComplaints();
  bo.hasNoComplaints();
  await context.close();
});

test('the example is one press away', async ({ browser, demo }) => {
  const context = await browser.newContext();
  const ada = new TripPage(await context.newPage());
  await ada.page.goto(demo.url);
  await ada.page.getByRole('button', { name: 'look at the example' }).click();
  await ada.isLoaded();
  expect(new URL(ada.page.url()).pathname).toMatch(/^\/trip\/japan-[0-9a-z]{10}$/);
  await expect(ada.stops).toHaveCount(8);
  ada.hasNoComplaints();
  await context.close();
});

test('an address with a slip of the pen makes no trip, and a trip’s address alone opens none', async ({
  browser,
  demo,
  visit,
  tripUrl,
}) => {
  const context = await browser.newContext();
  const ada = new TripPage(await context.newPage());
  await ada.page.goto(`${demo.url}nonsense/here`);
  await expect(ada.page.getByRole('heading', { name: 'There is no such place' })).toBeVisible();

  // In the same words, whether there is such a trip or not.
  const bo = await visit({ name: 'Bo' });
  for (const url of [`${demo.url}trip/never-heard-of`, tripUrl]) {
    await ada.page.goto(url);
    await expect(ada.page.getByText('This trip is private.')).toBeVisible();
    await expect(ada.page.getByText('this address alone is only a part of one')).toBeVisible();
  }
  ada.hasNoComplaints();
  bo.hasNoComplaints();
  await context.close();
});

test('a trip is shared by a link to edit or one to look, on a phone by the phone’s own way', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', permissions: ['clipboard-read', 'clipboard-write'] });
  await ada.page.getByRole('button', { name: 'Share this trip' }).click();
  const links = ada.page.getByRole('region', { name: 'Links to this trip' });
  for (const [role, word] of [
    ['edit', 'edit'],
    ['look', 'view'],
  ] as const) {
    await links.getByRole('button', { name: `Copy ${word} link` }).click();
    await expect(links.getByRole('region', { name: `${word} link` }).getByText('Link copied.')).toBeVisible();
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(linkTo(ada.page.url(), role));
  }
  await ada.page.keyboard.press('Escape');
  await expect(links).toHaveCount(0);
  ada.hasNoComplaints();

  const bo = await visit({ name: 'Bo', viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await bo.page.evaluate(() => {
    const shared: ShareData[] = [];
    Object.assign(window, { shared });
    Object.assign(navigator, { share: async (what: ShareData) => void shared.push(what) });
  });
  await bo.page.getByRole('button', { name: 'Share this trip' }).tap();
  await bo.page.getByRole('button', { name: 'Send view link' }).tap();
  const shared = () => bo.page.evaluate(() => (window as unknown as { shared: ShareData[] }).shared);
  await expect.poll(shared).toEqual([{ title: await bo.page.title(), url: linkTo(bo.page.url(), 'look') }]);
  bo.hasNoComplaints();
});

test('what lies on the map stays inside its frame, however wide the window is', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  for (const [width, height] of [
    [600, 900],
    [700, 1000],
    [820, 1180],
    [821, 700],
    [900, 700],
    [1024, 500],
    [1100, 800],
  ] as const) {
    await ada.page.setViewportSize({ width, height });
    await expect.poll(() => ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const chart = await ada.page.locator('.chartroom').boundingBox();
    if (chart === null) throw new Error('there is no map');
    for (const name of ['.credit', '.controls']) {
      const box = await ada.page.locator(name).boundingBox();
      if (box === null) throw new Error(`there is no ${name}`);
      const gaps = [
        box.x - chart.x,
        box.y - chart.y,
        chart.x + chart.width - box.x - box.width,
        chart.y + chart.height - box.y - box.height,
      ];
      for (const gap of gaps) expect(gap, `${name} at ${width} × ${height}`).toBeGreaterThan(6);
    }
    await expect(ada.stops.first()).toBeInViewport();
  }
  ada.hasNoComplaints();
});
