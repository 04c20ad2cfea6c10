import { expect, type Route } from '@playwright/test';
import { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

/** The page as a later build would be: its definition has one index more. */
async function serveNewer(route: Route): Promise<void> {
  const response = await route.fetch();
  const text = await response.text();
  const newer = text.replace(/([\w$]+)\((["'`])notes_by_stop\2\)\.on\(([\w$]+)\.stopId\)/, '$&,$1($2notes_by_author$2).on($3.author)');
  await route.fulfill({ response, body: newer });
}

test('what a newer version of the page left on the device is said in an older one, and how to get at it', async ({ visit, tripUrl }) => {
  // Scripts come from the server, so that this test can hand out others.
  const ada = await visit({ name: 'Ada', serviceWorkers: 'block' });
  const saved = (person: TripPage) => expect(person.page.locator('.saved > button')).toContainText('Saved');
  const notice = ada.page.getByRole('status', { name: 'Newer version' });
  await saved(ada);

  const newer = new TripPage(await ada.context.newPage());
  await newer.page.route('**/assets/*.js', serveNewer);
  await newer.page.goto(tripUrl);
  await expect(newer.connection).toHaveText('Reconnecting');
  await newer.show('Packing');
  await newer.addItem('a lamp');
  await expect(newer.item('a lamp')).toBeVisible();
  await saved(newer);
  await expect(notice).toHaveCount(0);
  await newer.page.close();

  await expect(notice).toContainText('1 change that a newer version of this page left on this device waits for it.');
  await ada.show('Packing');
  await expect(ada.item('a lamp')).toHaveCount(0);
  await notice.getByRole('button', { name: 'Load again' }).click();
  await ada.isLoaded();
  // The server still hands out the older version.
  await expect(notice).toBeVisible();
  await notice.getByRole('button', { name: 'Close' }).click();
  await expect(notice).toHaveCount(0);
  ada.hasNoComplaints(/Service Worker registration blocked/);
});
