import { expect } from '@playwright/test';
import { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

test('an edit in one window is in the other', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  await expect(bo.stops).toHaveCount(8);

  await ada.addCity('osaka', 'Osaka');
  await expect(bo.stops.last()).toHaveText(/^Osaka/);

  await bo.openStop('Kyoto');
  await bo.page.getByRole('button', { name: 'One night more in Kyoto' }).click();
  await expect(ada.stop('Kyoto')).toContainText('6 nights');

  await bo.show('Packing');
  await ada.show('Packing');
  await ada.addItem('Binoculars');
  await bo.item('Binoculars').click();
  await expect(ada.item('Binoculars')).toBeChecked();

  await ada.isSettled();
  await bo.isSettled();
  await expect.poll(() => bo.version()).toBe(await ada.version());
  ada.hasNoComplaints();
  bo.hasNoComplaints();
});

test('two tabs of one browser are two windows of one person', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const second = new TripPage(await ada.context.newPage());
  await second.open(ada.page.url());
  await expect(ada.other('Ada')).toBeVisible();
  await second.addCity('osaka', 'Osaka');
  await expect(ada.stops).toHaveCount(9);
  await ada.handle('Nikkō').focus();
  await ada.page.keyboard.press('ArrowUp');
  await expect(second.stops.first()).toHaveText('Nikkō');
  await second.page.close();
  await expect(ada.other('Ada')).toHaveCount(0);
  ada.hasNoComplaints();
  second.hasNoComplaints();
});

test('who is here is shown, and who has left is not', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', color: 'teal' });
  const bo = await visit({ name: 'Bo', color: 'rust' });
  await expect(ada.other('Bo')).toBeVisible();
  await expect(bo.other('Ada')).toBeVisible();

  const name = bo.page.getByLabel('Your name');
  await name.fill('Bodil');
  await name.press('Enter');
  await expect(ada.other('Bodil')).toBeVisible();

  await bo.page.reload();
  await bo.isLoaded();
  await expect(name).toHaveValue('Bodil');

  await bo.context.close();
  await expect(ada.other('Bodil')).toHaveCount(0);
  ada.hasNoComplaints();
});

test('two who come with one ink have two, and a page that is loaded again swaps none', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', color: 'teal' });
  const bo = await visit({ name: 'Bo', color: 'teal' });
  const inkOf = ({ page }: TripPage) => page.locator('.people-me .mark').evaluate((mark) => getComputedStyle(mark).backgroundColor);
  const ofAda = await inkOf(ada);
  await expect.poll(() => inkOf(bo)).not.toBe(ofAda);
  const ofBo = await inkOf(bo);
  await ada.page.reload();
  await ada.isLoaded();
  await expect(bo.other('Ada')).toBeVisible();
  await expect.poll(() => inkOf(ada)).toBe(ofAda);
  expect(await inkOf(bo)).toBe(ofBo);
});

test('a pointer on the map is on the other map, in its owner’s ink', async ({ visit }) => {
  const ada = await visit({ name: 'Ada', color: 'teal' });
  const bo = await visit({ name: 'Bo', color: 'rust' });
  const map = bo.page.getByRole('application');
  /** Dots of the ink that Bo is drawn in, on the canvas where people are. */
  const inkOfBo = () =>
    ada.page.evaluate(() => {
      const canvas = document.querySelectorAll('canvas')[1];
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const ink = Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue('--person-rust').trim().slice(1), 16);
      const near = (value: number | undefined, wanted: number) => Math.abs((value ?? 0) - wanted) <= 8;
      let found = 0;
      for (let i = 0; i < pixels.length; i += 4) {
        const isInk = near(pixels[i], ink >> 16) && near(pixels[i + 1], (ink >> 8) & 255) && near(pixels[i + 2], ink & 255);
        if (isInk && pixels[i + 3] === 255) found += 1;
      }
      return found;
    });
  await expect(ada.other('Bo')).toBeDisabled();
  expect(await inkOfBo()).toBe(0);

  await map.hover({ position: { x: 300, y: 300 } });
  await expect(ada.other('Bo')).toBeEnabled();
  await expect.poll(inkOfBo).toBeGreaterThan(20);

  // Off the map: the pointer goes, the person stays.
  await bo.search.hover();
  await expect(ada.other('Bo')).toBeDisabled();
  await expect.poll(inkOfBo).toBe(0);
  ada.hasNoComplaints(/getImageData/);
  bo.hasNoComplaints();
});

test('who is typing is said while they type', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  await ada.openStop('Kyoto');
  await bo.openStop('Kyoto');

  await bo.noteField('Kyoto').pressSequentially('Tea at');
  await expect(ada.page.getByText('Bo is typing')).toBeVisible();
  await bo.noteField('Kyoto').pressSequentially(' four');
  await bo.noteField('Kyoto').press('Enter');
  await expect(ada.stop('Kyoto').locator('.notes')).toContainText('Tea at four');
  await expect(ada.page.getByText('Bo is typing')).toHaveCount(0);
  ada.hasNoComplaints();
  bo.hasNoComplaints();
});

test('the slider moves elsewhere at once and is written at most once a second', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  const box = await ada.budget.boundingBox();
  if (box === null) throw new Error('the slider is not on the page');
  const y = box.y + box.height / 2;
  await bo.page.evaluate(() => {
    const slider = document.querySelector('input[type=range]');
    const seen = new Set<string>();
    Object.assign(window, { seen });
    // React sets the property, which only a frame's look finds.
    const look = () => {
      if (slider instanceof HTMLInputElement) seen.add(slider.value);
      requestAnimationFrame(look);
    };
    look();
  });
  const versionBefore = await ada.version();
  const startedMs = performance.now();

  // A hand that does not let go: a hundred values, none of them flushed.
  await ada.page.mouse.move(box.x + 10, y);
  await ada.page.mouse.down();
  for (let step = 0; step <= 100; step += 1) await ada.page.mouse.move(box.x + 10 + ((box.width - 20) * step) / 100, y);
  const held = await ada.budget.inputValue();
  await expect(bo.budget).toHaveValue(held);
  await expect(bo.page.getByText('Ada is moving it')).toBeVisible();
  const written = (await ada.version()) - versionBefore;
  const elapsedS = (performance.now() - startedMs) / 1000;
  expect(written).toBeLessThanOrEqual(Math.ceil(elapsedS) + 1);
  expect(await bo.page.evaluate(() => (window as unknown as { seen: Set<string> }).seen.size)).toBeGreaterThan(written);

  // Letting go writes it.
  await ada.page.mouse.up();
  await bo.openSql();
  await bo.runSql("select printf('%,d', json_extract(value, '$')) as budget from alcove_values where name = 'budget'");
  await expect(bo.onlyCell).toHaveText(Number(held).toLocaleString('en'));
  ada.hasNoComplaints();
  bo.hasNoComplaints();
});

test('two trips know nothing of each other', async ({ visit, demo }) => {
  const ada = await visit({ name: 'Ada' }, `${demo.url}trip/one`);
  const bo = await visit({ name: 'Bo' }, `${demo.url}trip/another`);
  await ada.addCity('osaka', 'Osaka');
  await ada.isSettled();
  // Whoever has the address is in the same trip.
  const cleo = await visit({ name: 'Cleo' }, ada.page.url());
  await expect(cleo.stops).toHaveCount(9);
  await expect(bo.stops).toHaveCount(8);
  await expect(bo.other('Ada')).toHaveCount(0);
  for (const person of [ada, bo, cleo]) person.hasNoComplaints();
});

test('of two people with the same invented name the second gets another one; who said their name keeps it', async ({ visit }) => {
  const first = await visit({ name: 'Mina', id: 'first', isInvented: true });
  const second = await visit({ name: 'Mina', id: 'second', isInvented: true });
  const name = (person: typeof first) => person.page.getByRole('textbox', { name: 'Your name' });
  await expect(name(second)).not.toHaveValue('Mina');
  await expect(name(first)).toHaveValue('Mina');
  await expect(second.other('Mina')).toBeVisible();
  // It stays theirs.
  const drawn = await name(second).inputValue();
  await second.page.reload();
  await second.isLoaded();
  await expect(name(second)).toHaveValue(drawn);

  const third = await visit({ name: 'Mina', id: 'third' });
  await expect(first.page.locator('.people li')).toHaveCount(2);
  await expect(name(third)).toHaveValue('Mina');
  await expect(name(first)).toHaveValue('Mina');
  for (const person of [first, second, third]) person.hasNoComplaints();
});
