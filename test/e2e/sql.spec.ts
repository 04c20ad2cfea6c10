import { expect } from '@playwright/test';
import { test } from './trip-test.ts';

test('an example is put into the field, and run when the person says so', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const field = ada.page.getByRole('textbox', { name: 'SQL' });
  await expect(field).toBeFocused();
  await ada.page.getByRole('button', { name: 'How far north' }).click();
  await expect(field).toHaveValue(/^with band/);
  await expect(ada.page.getByText('a common table expression.')).toBeVisible();
  const bars = ada.page.locator('.chart');
  await expect(bars).toHaveCount(0);
  await expect(ada.page.getByRole('button', { name: 'Run', exact: true })).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(ada.page.getByRole('figure', { name: 'people by latitude' })).toBeVisible();

  // It stays while the list beside it changes, with what it shows.
  await ada.show('Packing');
  await ada.show('Route');
  await expect(bars).toBeVisible();
  await ada.page.getByRole('button', { name: 'Close SQL' }).click();
  await expect(field).toHaveCount(0);
  await expect(ada.page.locator('.foot-sql')).toBeFocused();
  await ada.openSql();
  await expect(field).toHaveValue(/^with band/);
  await expect(bars).toBeVisible();
  ada.hasNoComplaints();
});

test('a result takes the form that says most, and follows the trip', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const field = ada.page.getByRole('textbox', { name: 'SQL' });
  const summary = ada.page.locator('.sql-form > p');
  await field.fill('select count(*) as stops from stops');
  await field.press('Control+Enter');
  await expect(ada.page.locator('.sql-figures dd')).toHaveText('8');
  await expect(summary).toHaveText(/^1 row in [\d.]+\sm?s, live$/);
  await ada.addCity('osaka', 'Osaka');
  await expect(ada.page.locator('.sql-figures dd')).toHaveText('9');
  await expect(summary).toHaveText(/^1 row in [\d.]+\sm?s, changed at \d\d:\d\d:\d\d$/);

  // Run again, it is a run of its own: nothing has changed since.
  await field.press('Control+Enter');
  await expect(summary).toHaveText(/^1 row in [\d.]+\sm?s, live$/);

  await field.fill('select * from cities limit 20');
  await expect(summary).toContainText('of the last run');
  await field.press('Meta+Enter');
  await expect(ada.page.getByRole('figure', { name: 'population by name' })).toBeVisible();
  await field.fill('select id, lat, lon from cities limit 20');
  await field.press('Control+Enter');
  await expect(ada.page.locator('table.result tbody tr')).toHaveCount(20);
  await expect(ada.page.getByRole('button', { name: 'Bars' })).toHaveCount(0);
  ada.hasNoComplaints();
});

test('what is wrong is said in plain words, at its place, with the names there are', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const field = ada.page.getByRole('textbox', { name: 'SQL' });
  const failed = ada.page.locator('.sql-failed');
  const selected = () => field.evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd));
  await field.fill('select *\nfrom citties');
  await field.press('Control+Enter');
  await expect(failed).toContainText('There is no table “citties”.');
  await expect(failed).toContainText('Is “cities” meant?');
  await expect(failed).not.toContainText('EXPLAIN');
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await failed.getByRole('button', { name: 'Go to line 2' }).click();
  await expect(field).toBeFocused();
  expect(await selected()).toBe('citties');

  // The right name takes the wrong one's place.
  const names = ada.page.getByRole('group', { name: 'Tables and columns' });
  await names.getByRole('button', { name: 'cities', exact: true }).click();
  await expect(field).toHaveValue('select *\nfrom cities');
  await expect(field).toBeFocused();
  await field.press('Control+Enter');
  await expect(ada.page.locator('table.result')).toBeVisible();

  // The names are one stop for the Tab key; arrows go through them.
  await ada.page.getByRole('button', { name: 'Tables', exact: true }).click();
  await names.getByRole('button').first().focus();
  await ada.page.keyboard.press('ArrowRight');
  await expect(names.getByRole('button', { name: 'id', exact: true }).first()).toBeFocused();
  await ada.page.keyboard.press('End');
  await expect(names.getByRole('button').last()).toBeFocused();
  ada.hasNoComplaints();
});

test('Escape stops waiting for a query, and the next one runs', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  await ada.page.getByRole('button', { name: 'Endless' }).click();
  await ada.page.keyboard.press('Enter');
  await expect(ada.page.getByRole('button', { name: 'Stop the query' })).toBeVisible();
  await ada.page.keyboard.press('Escape');
  await expect(ada.page.locator('.sql-answer')).toContainText('Stopped.');
  await ada.runSql('select count(*) as stops from stops');
  await expect(ada.page.locator('.sql-figures dd')).toHaveText('8');
  ada.hasNoComplaints();
});

test('Run without a query says that there is none, and no longer what was wrong before', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const answer = ada.page.locator('.sql-answer');
  await ada.runSql('select nothing from nowhere');
  await expect(answer).toContainText('nowhere');
  await ada.runSql('  ');
  await expect(answer).toContainText('There is nothing to run yet');
  await expect(answer).not.toContainText('nowhere');
  await expect(ada.page.getByRole('textbox', { name: 'SQL' })).toBeFocused();

  // What is shown is of another text than the one beside it: not called live.
  await ada.page.getByRole('button', { name: 'Nights, added up' }).click();
  await ada.page.keyboard.press('Enter');
  const summary = ada.page.locator('.sql-form > p');
  await expect(summary).toHaveText(/, live$/);
  await ada.page.getByRole('textbox', { name: 'SQL' }).fill('select 1');
  await expect(summary).toHaveText(/^8 rows in [\d.]+\sm?s, of the last run$/);
  ada.hasNoComplaints();
});

test('on the server a query is answered by a replica, which is named, with all that this tab shows', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  await ada.openSql();
  const where = ada.page.getByRole('group', { name: 'Where it runs' });
  await where.getByRole('button', { name: 'on the server' }).click();
  await expect(ada.page.locator('.sql-answer')).toContainText('A replica on the server reads the trip');
  await ada.addCity('osaka', 'Osaka');
  await ada.runSql('select count(*) as stops from stops');
  await expect(ada.page.locator('.sql-figures dd')).toHaveText('9');
  await expect(ada.page.locator('.sql-form > p')).toHaveText(
    /^1 row in [\d.]+\sm?s, “readers” took [\d.]+\sm?s, up to date at \d\d:\d\d:\d\d$/,
  );
  await ada.runSql('select * from citties');
  await expect(ada.page.locator('.sql-failed')).toContainText('There is no table of a name that this query reads.');
  await ada.page.getByRole('button', { name: 'Nights, added up' }).click();
  await expect(ada.page.locator('.sql-what')).toHaveText('Adds up the nights from stop to stop: a window function.');
  await ada.page.getByRole('button', { name: 'Endless' }).click();
  await ada.page.keyboard.press('Enter');
  await ada.page.getByRole('button', { name: 'Stop the query' }).click();
  await expect(ada.page.locator('.sql-answer')).toContainText('Stopped: the server has ended it, too.');
  await ada.runSql('select name from cities limit 20000');
  await expect(ada.page.locator('.sql-form > p')).toContainText('10,000 rows in');
  await expect(ada.page.locator('.sql-form > p')).toContainText('the first of more');
  // Off the network by hand it is said at once, and not after a wait for a connection that nobody makes.
  await ada.page.getByRole('button', { name: 'Work offline' }).click();
  await ada.runSql('select count(*) as stops from stops');
  await expect(ada.page.locator('.sql-failed')).toContainText('You work offline, so the server is not asked.', { timeout: 5_000 });
  await ada.page.getByRole('button', { name: 'Go online' }).click();
  await where.getByRole('button', { name: 'in this tab' }).click();
  await ada.runSql('select count(*) as stops from stops');
  await expect(ada.page.locator('.sql-form > p')).toHaveText(/, live$/);
  ada.hasNoComplaints();
});
