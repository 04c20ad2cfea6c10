import { expect } from '@playwright/test';
import { DemoServer, TemporaryFolder } from './demo-server.ts';
import { test } from './trip-test.ts';

const token = 'an-admin-token-of-this-test';

test('whoever runs the server sees its rooms, live', async ({ browser, visit }) => {
  const folder = new TemporaryFolder();
  const server = await DemoServer.start({ dataDir: folder.path, env: { ALCOVE_ADMIN_TOKEN: token } });
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(new URL('/sync/dashboard', server.url).href);
    await page.getByLabel('Admin token').fill('another-token-than-that');
    await page.keyboard.press('Enter');
    await expect(page.getByText('The server does not take this token.')).toBeVisible();
    await page.getByLabel('Admin token').fill(token);
    await page.keyboard.press('Enter');
    await expect(page.getByText(/^Up for .* · Node/)).toBeVisible();
    await expect(page.locator('.chart canvas').first()).toBeVisible();
    await expect(page.getByText('No room is open.')).toBeVisible();

    // Somebody opens a trip.
    await visit({ name: 'Ada' }, `${server.url}trip/seen`);
    await expect(page.getByRole('row', { name: /^trip\/seen / })).toBeVisible();
    await expect(page.locator('.tile', { hasText: 'Sessions' })).toContainText('1');
    await page.getByLabel('Find').fill('no such trip');
    await expect(page.getByText('No open room is called so.')).toBeVisible();

    // It stays signed in in this tab alone, until it is signed out.
    await page.reload();
    await expect(page.getByText(/^Up for/)).toBeVisible();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByLabel('Admin token')).toBeFocused();
  } finally {
    await context.close();
    await server.stop();
    folder.remove();
  }
});
