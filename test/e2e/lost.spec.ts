import { expect } from '@playwright/test';
import { test } from './trip-test.ts';

test('a removed stop comes back with its notes at one press', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  const before = await ada.stops.allInnerTexts();
  await ada.openStop('Kyoto');
  await ada.noteField('Kyoto').fill('Tea at four');
  await ada.noteField('Kyoto').press('Enter');
  await expect(bo.stop('Kyoto')).toContainText('1 note');
  await ada.page.getByRole('button', { name: 'Remove stop' }).click();
  await expect(bo.stop('Kyoto')).toHaveCount(0);
  const removed = ada.page.getByRole('status', { name: 'Removed' });
  await expect(removed).toContainText('Kyoto is off the route, with 1 note.');
  await removed.getByRole('button', { name: 'Undo' }).click();
  await expect(removed).toHaveCount(0);
  for (const person of [ada, bo]) {
    await expect(person.stops).toHaveText(before);
    await expect(person.stop('Kyoto')).toContainText('5 nights, 1 note');
    person.hasNoComplaints();
  }
});

test('what somebody wrote for a stop that is gone is said in full, and sent again once the stop is back', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  await ada.openStop('Kyoto');
  await ada.page.getByRole('button', { name: 'Work offline' }).click();
  await expect(ada.connection).toHaveText('Offline');
  await ada.noteField('Kyoto').fill('Tea at four');
  await ada.noteField('Kyoto').press('Enter');
  await expect(ada.pending).toHaveText('1 pending');
  await bo.openStop('Kyoto');
  await bo.page.getByRole('button', { name: 'Remove stop' }).click();
  await bo.isSettled();
  await ada.page.getByRole('button', { name: 'Go online' }).click();

  const slip = ada.page.locator('.correction');
  await expect(slip).toContainText('Note on Kyoto: not accepted');
  await expect(slip).toContainText('Tea at four');
  await expect(slip).toContainText('Somebody has taken that stop off the route.');
  await expect(ada.stop('Kyoto')).toHaveCount(0);
  await expect(slip.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  // Another page load knows what it was about, too.
  await ada.page.reload();
  await ada.isLoaded();
  await expect(slip).toContainText('Note on Kyoto: not accepted');

  await bo.page.getByRole('status', { name: 'Removed' }).getByRole('button', { name: 'Undo' }).click();
  await slip.getByRole('button', { name: 'Try again' }).click();
  await expect(bo.stop('Kyoto')).toContainText('1 note');
  await expect(slip).toHaveCount(0);
  for (const person of [ada, bo]) person.hasNoComplaints();
});

test('a trip is renamed by its heading, for everybody', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  const heading = (person: typeof ada) => person.page.getByRole('heading', { level: 1 });
  const field = ada.page.getByRole('textbox', { name: 'Name of this trip' });
  const before = await heading(ada).innerText();
  await heading(ada).getByRole('button').click();
  await field.fill('Somewhere else');
  await field.press('Escape');
  await expect(heading(ada)).toHaveText(before);
  await heading(ada).getByRole('button').click();
  await field.fill('Japan by slow trains');
  await field.press('Enter');
  for (const person of [ada, bo]) {
    await expect(heading(person)).toHaveText('Japan by slow trains');
    await expect(person.page).toHaveTitle('Japan by slow trains');
    person.hasNoComplaints();
  }
});

test('presses of two people at once all count', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  for (const person of [ada, bo]) await person.openStop('Kyoto');
  // As fast as the page takes them.
  const press = (person: typeof ada) =>
    person.page.getByRole('button', { name: 'One night more in Kyoto' }).evaluate((button: HTMLElement) => {
      for (let i = 0; i < 5; i += 1) button.click();
    });
  await Promise.all([press(ada), press(bo)]);
  for (const person of [ada, bo]) {
    await expect(person.stop('Kyoto').locator('.nights output')).toHaveText('15 nights');
    person.hasNoComplaints();
  }
});

test('who moved the budget is said while they move it, and not of what oneself does', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  const said = ada.page.locator('.budget p');
  await bo.budget.press('ArrowRight');
  await expect(said).toHaveText('Bo is moving it');
  await expect(said).toHaveText(/a night over/);
  // Everything the line says from now on.
  await ada.page.evaluate(() => {
    const lines: string[] = [];
    Object.assign(window, { lines });
    const line = document.querySelector('.budget p');
    if (line !== null)
      new MutationObserver(() => lines.push(line.textContent ?? '')).observe(line, { subtree: true, childList: true, characterData: true });
  });
  const before = await said.innerText();
  for (let i = 0; i < 3; i += 1) await ada.budget.press('ArrowRight');
  await expect(bo.page.locator('.budget p')).toHaveText('Ada is moving it');
  await expect(said).toHaveText(/a night over/);
  await expect(said).not.toHaveText(before);
  expect((await ada.page.evaluate(() => (window as unknown as { lines: string[] }).lines)).filter((line) => line.includes('Bo'))).toEqual(
    [],
  );
  for (const person of [ada, bo]) person.hasNoComplaints();
});

test('of two who change a note at once the second is told, and has what they wrote', async ({ visit }) => {
  const ada = await visit({ name: 'Ada' });
  const bo = await visit({ name: 'Bo' });
  for (const person of [ada, bo]) await person.openStop('Kyoto');
  await ada.noteField('Kyoto').fill('Tea');
  await ada.noteField('Kyoto').press('Enter');
  const field = (person: typeof ada) => person.page.getByRole('textbox', { name: 'Change the note' });
  for (const person of [ada, bo]) await person.page.getByRole('button', { name: 'Change', exact: true }).click();
  await field(bo).fill('Tea at four');
  await field(bo).press('Enter');
  await bo.isSettled();
  await expect.poll(() => ada.version()).toBe(await bo.version());
  await field(ada).fill('Coffee, please');
  await field(ada).press('Enter');
  const slip = ada.page.locator('.correction');
  await expect(slip).toContainText('Change of a note on Kyoto: not done');
  await expect(slip).toContainText('Coffee, please');
  await expect(slip.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  for (const person of [ada, bo]) {
    await expect(person.page.locator('.notes')).toContainText('Tea at four');
    person.hasNoComplaints();
  }
});
