import { expect } from '@playwright/test';
import { test } from './trip-test.ts';

test('cities are found and added by keys alone, one after the other', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const { keyboard } = ada.page;
  const options = ada.page.getByRole('option');
  await ada.search.focus();
  await keyboard.type('nara');
  await expect(options.first()).toContainText('Nara');
  await keyboard.press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  // Told to those who cannot see it: the field has the keyboard, the option is the active one.
  await expect(ada.search).toHaveAttribute('aria-activedescendant', (await options.nth(1).getAttribute('id')) ?? 'none');
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await expect(options.last()).toHaveAttribute('aria-selected', 'true');
  await keyboard.press('ArrowDown');
  const chosen = await options.first().locator('strong').innerText();
  await keyboard.press('Enter');
  const card = ada.page.getByRole('region', { name: chosen });
  await expect(card.getByRole('button', { name: 'Add to the route' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(ada.stops.last()).toHaveText(chosen);
  await expect(card).toHaveCount(0);
  await expect(ada.search).toBeFocused();
  await expect(ada.search).toHaveValue('');

  // Enter in the same breath as the text: what is chosen is of this text, not of an earlier one.
  await keyboard.type('timbuktu');
  await keyboard.press('Enter');
  await expect(ada.page.getByRole('region', { name: 'Timbuktu' }).getByRole('button', { name: 'Add to the route' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(ada.page.getByRole('region', { name: 'Timbuktu' })).toHaveCount(0);
  await expect(ada.search).toBeFocused();
  await expect(ada.stops).toHaveCount(9);
  ada.hasNoComplaints();
});

test('the map is moved, zoomed and asked by keys', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const { keyboard } = ada.page;
  const map = ada.page.getByRole('application');
  await ada.stop('Tokyo').locator('.stop-name').click();
  await map.focus();
  await keyboard.press('+');
  await keyboard.press('-');
  // The selected stop is in the middle, and its region is full of cities: one of the steps around it ends on one.
  const card = ada.page.locator('.place');
  const around = ['Right', 'Down', 'Left', 'Left', 'Up', 'Up', 'Right', 'Right'];
  let step = 0;
  await expect(async () => {
    await keyboard.press(`Arrow${around[step % around.length]}`);
    step += 1;
    await keyboard.press('Enter');
    await expect(card).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(card.getByRole('button', { name: /^Add / })).toBeFocused();
  await keyboard.press('Escape');
  await expect(card).toHaveCount(0);
  await expect(map).toBeFocused();
  ada.hasNoComplaints();
});

test('a card that a hand opened on the map closes by Escape', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.search.fill('nagoya');
  await ada.page.getByRole('option').first().click();
  const card = ada.page.locator('.place');
  await expect(card).toBeVisible();
  await ada.page.getByRole('button', { name: 'Share' }).focus();
  await ada.page.keyboard.press('Escape');
  await expect(card).toHaveCount(0);
  ada.hasNoComplaints();
});

test('on a phone the card leaves the chosen city in sight', async ({ visit }) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
  // Without motion the map is where it goes as soon as the card is there.
  const ada = await visit({ name: 'Ada', ...phone, reducedMotion: 'reduce' });
  await ada.search.fill('nagoya');
  await ada.page.getByRole('option').first().tap();
  const card = ada.page.getByRole('region', { name: 'Nagoya-shi' });
  await expect(card).toBeVisible();
  const [place, map] = [await card.boundingBox(), await ada.page.getByRole('application').boundingBox()];
  if (place === null || map === null) throw new Error('the card or the map has no box');
  // The city stands in the middle of what the card leaves: where the card was closed, a press there opens it again.
  await card.getByRole('button', { name: 'Close Nagoya-shi' }).tap();
  await expect(card).toHaveCount(0);
  await ada.page.touchscreen.tap(map.x + map.width / 2, (map.y + place.y) / 2);
  await expect(card).toBeVisible();
  ada.hasNoComplaints();
});

test('night that was chosen by hand is there before anything is drawn', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', colorScheme: 'light' });
  await ada.page.getByRole('button', { name: 'Night', exact: true }).click();
  // The middle of the map, as each frame of the reload has it.
  await ada.page.addInitScript(() => {
    const papers: string[] = [];
    Object.assign(window, { papers });
    const look = () => {
      const canvas = document.querySelector<HTMLCanvasElement>('.map canvas');
      const [red = 0, , , alpha = 0] = canvas?.getContext('2d')?.getImageData(0, 0, 1, 1).data ?? [];
      if (alpha > 0) papers.push(red > 128 ? 'day' : 'night');
      if (document.body !== null) papers.push(getComputedStyle(document.body).backgroundColor === 'rgb(16, 24, 29)' ? 'night' : 'day');
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await ada.page.reload();
  await ada.isLoaded();
  const papers = await ada.page.evaluate(() => (window as unknown as { papers: string[] }).papers);
  expect(papers.length).toBeGreaterThan(2);
  expect(papers).not.toContain('day');
  // What this test itself does to the canvas.
  ada.hasNoComplaints(/willReadFrequently/);
});
