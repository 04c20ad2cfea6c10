import { expect, type Page } from '@playwright/test';
import { linkTo } from './demo-server.ts';
import { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

const NO_NETWORK = /net::ERR_|WebSocket connection to .* failed/;

const saved = (person: TripPage) => person.page.locator('.saved > button');
const isSaved = (person: TripPage) => expect(saved(person)).toContainText('Saved');
const parting = (page: Page) => page.getByRole('status', { name: 'Removed from this device' });
const workOffline = (person: TripPage) => person.page.locator('.status-switch button').click();
const hasServiceWorker = (person: TripPage) => person.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));

test('a reload without a network shows the trip with what was written, which goes out when it is back', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await hasServiceWorker(ada);
  await isSaved(ada);
  await ada.context.setOffline(true);
  await ada.show('Packing');
  await ada.addItem('a torch');
  await isSaved(ada);
  await ada.page.reload();
  await expect(ada.stops).toHaveCount(8);
  await ada.show('Packing');
  await expect(ada.item('a torch')).toBeVisible();
  await ada.context.setOffline(false);
  await ada.isConnected();
  await ada.isSettled();
  await expect(ada.item('a torch')).toBeVisible();
  ada.hasNoComplaints(NO_NETWORK);
});

test('work offline: no connection until it is switched back, a reload between them changes nothing', async ({ visit, tripUrl }) => {
  const ada = await visit({ name: 'Ada' }, tripUrl);
  const ben = await visit({ name: 'Ben' }, tripUrl);
  await isSaved(ada);
  await workOffline(ada);
  await expect(ada.connection).toHaveText('Offline');
  await ada.show('Packing');
  await ada.addItem('a map');
  await isSaved(ada);
  await ada.page.reload();
  await expect(ada.connection).toHaveText('Offline');
  await ada.show('Packing');
  await expect(ada.item('a map')).toBeVisible();
  await ben.show('Packing');
  await expect(ben.item('a map')).toHaveCount(0);
  await workOffline(ada);
  await ada.isConnected();
  await expect(ben.item('a map')).toBeVisible();
  ada.hasNoComplaints();
  ben.hasNoComplaints();
});

test('a trip is forgotten on this device only after it was said what is lost, in every tab', async ({ visit, tripUrl }) => {
  const ada = await visit({ name: 'Ada' }, tripUrl);
  await isSaved(ada);
  const other = await ada.context.newPage();
  await other.goto(tripUrl);
  await expect(other.locator('.status [role=status]')).toHaveText('Connected');
  await workOffline(ada);
  await ada.show('Packing');
  await ada.addItem('a secret');
  await isSaved(ada);
  await saved(ada).click();
  const slip = ada.page.getByRole('region', { name: 'What is kept on this device' });
  await slip.getByRole('button', { name: 'Forget this trip on this device' }).click();
  await expect(slip.getByRole('alert')).toContainText('would be lost');
  await slip.getByRole('button', { name: 'Forget it all the same' }).click();
  const start = new URL('/', tripUrl).href;
  for (const page of [ada.page, other]) {
    await expect(page).toHaveURL(start);
    await expect(page.getByRole('heading', { name: 'Lately in this browser' })).toHaveCount(0);
  }
  // Where it was done it needs no saying.
  await expect(parting(other)).toContainText('was removed from this device in another tab.');
  await expect(parting(other)).not.toContainText('may not have reached the server');
  await expect(ada.page.getByRole('button', { name: 'Start' })).toBeVisible();
  await expect(parting(ada.page)).toHaveCount(0);
  const names = await ada.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(names.filter((name) => name?.includes('"trip"'))).toEqual([]);
  ada.hasNoComplaints();
});

test('who is thrown out of a trip by another tab has what they wrote last, and finds the trip again', async ({ visit, tripUrl }) => {
  const ada = await visit({ name: 'Ada' }, tripUrl);
  await isSaved(ada);
  const other = new TripPage(await ada.context.newPage());
  await other.page.goto(tripUrl);
  await other.isLoaded();
  await other.openStop('Kyoto');
  await workOffline(other);
  await other.noteField('Kyoto').fill('Tea at four');
  await other.noteField('Kyoto').press('Enter');
  await expect(other.pending).toHaveText('1 pending');
  await isSaved(other);
  await expect(ada.page.locator('.elsewhere-count')).toHaveText(', 1 in another tab');

  await saved(ada).click();
  const slip = ada.page.getByRole('region', { name: 'What is kept on this device' });
  await slip.getByRole('button', { name: 'Forget this trip on this device' }).click();
  await slip.getByRole('button', { name: 'Forget it all the same' }).click();
  const word = parting(other.page);
  await expect(word).toContainText('was removed from this device in another tab.');
  await expect(word).toContainText('1 change of this tab may not have reached the server.');
  await expect(word).toContainText('Tea at four');
  await word.getByRole('link', { name: 'Open it again' }).click();
  // Still offline by its switch, and nothing is on the device, the key neither: the link has it until the server has taken it.
  await expect(other.page).toHaveURL(linkTo(tripUrl));
  await workOffline(other);
  await expect(other.stops).toHaveCount(8);
  await expect(other.page).toHaveURL(tripUrl);
  // It was said once.
  await other.page.goto(new URL('/', tripUrl).href);
  await expect(other.page.getByRole('button', { name: 'Start' })).toBeVisible();
  await expect(word).toHaveCount(0);
  for (const person of [ada, other]) person.hasNoComplaints();
});

test('what another tab of the browser has pending is counted and listed, and gone when that is back', async ({ visit, tripUrl }) => {
  const ada = await visit({ name: 'Ada' }, tripUrl);
  await isSaved(ada);
  const other = await ada.context.newPage();
  await other.goto(tripUrl);
  await expect(other.locator('.status [role=status]')).toHaveText('Connected');
  const elsewhere = other.locator('.elsewhere-count');
  await expect(elsewhere).toHaveCount(0);
  await workOffline(ada);
  await ada.show('Packing');
  await ada.addItem('a kettle');
  await ada.addItem('a teapot');
  await expect(elsewhere).toHaveText(', 2 in another tab');
  await elsewhere.click();
  const changes = other.getByRole('region', { name: 'Your changes' });
  await expect(changes).toContainText('Nothing of this tab waits');
  await expect(changes).toContainText('2 changes of another tab wait');
  const waiting = changes.getByRole('list', { name: 'Waiting in another tab' }).getByRole('listitem');
  await expect(waiting).toContainText(['Pack a kettle', 'Pack a teapot']);
  await workOffline(ada);
  await expect(elsewhere).toHaveCount(0);
  await expect(waiting).toHaveCount(0);
  ada.hasNoComplaints();
});
