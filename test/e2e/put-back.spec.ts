import { expect } from '@playwright/test';
import type { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

const NOBODY_THERE = /net::ERR_CONNECTION_REFUSED|WebSocket connection to .* failed/;

const putBack = (person: TripPage) => person.page.getByRole('status', { name: 'Put back' });

test('after the server was put back from a copy everybody is told, and who lost a change can do it once more', async ({
  visit,
  ownServer,
}) => {
  const url = ownServer.tripUrl('put-back');
  const ada = await visit({ name: 'Ada' }, url);
  const bo = await visit({ name: 'Bo' }, url);
  for (const person of [ada, bo]) await person.show('Packing');
  await ada.addItem('a torch');
  await ada.isSettled();
  await ownServer.copyTrips();
  await ada.isConnected();
  await expect(putBack(ada)).toHaveCount(0);

  await ada.addItem('a kettle');
  await expect(bo.item('a kettle')).toBeVisible();
  await ada.isSettled();
  const seen = await bo.version();
  await ownServer.putBackTrips();

  for (const person of [ada, bo]) {
    await person.isConnected();
    await expect(person.item('a torch')).toBeVisible();
    await expect(person.item('a kettle')).toHaveCount(0);
    await expect(putBack(person)).toContainText('what was changed after that is gone, whoever changed it');
    await expect(putBack(person)).toContainText(`This page showed version ${seen} until`);
  }
  // Bo called nothing: there is nothing else to tell.
  await expect(bo.page.locator('.correction')).toHaveCount(0);
  const slip = ada.page.locator('.correction');
  await expect(slip).toHaveCount(1);
  await expect(slip).toContainText('Pack a kettle: gone again');
  await expect(slip).toContainText('The server was put back to an earlier state, and this change, which it had, is gone with it.');
  await expect(slip).not.toContainText('not accepted');
  await expect(ada.page.locator('.mark-refused')).toHaveCount(0);

  await putBack(bo).getByRole('button', { name: 'Close' }).click();
  await expect(putBack(bo)).toHaveCount(0);
  await slip.getByRole('button', { name: 'Try again' }).click();
  await expect(slip).toHaveCount(0);
  for (const person of [ada, bo]) {
    await expect(person.item('a kettle')).toBeVisible();
    person.hasNoComplaints(NOBODY_THERE);
  }
  await expect(putBack(bo)).toHaveCount(0);
});
