import { createFollower } from '@alcove/server/node';
import { expect, type Locator, type Page } from '@playwright/test';
import { trip } from '../../examples/trip-planner/room.ts';
import { PgCluster } from '../integration/postgres/pg-cluster.ts';
import { DemoServer, TemporaryFolder } from './demo-server.ts';
import { test } from './trip-test.ts';

const token = 'an-admin-token-of-this-test';
const followerToken = 'a-follower-token-of-this-test';

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
    // What goes on in it, by keyboard.
    await page.getByRole('button', { name: 'trip/seen' }).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'trip/seen' })).toBeFocused();
    await expect(page.locator('#room-charts canvas')).toHaveCount(2);
    await expect(page.locator('#room-facts')).toContainText(/Present\s*1 · \d+ B/);
    await page.getByRole('button', { name: 'Close' }).press('Enter');
    await expect(page.getByRole('button', { name: 'trip/seen' })).toBeFocused();
    await expect(page.locator('#state-facts')).toContainText('Debounced values');
    await page.getByLabel('Find').fill('no such trip');
    await expect(page.getByText('No open room is called so.')).toBeVisible();

    await isMarkedOldWhileNobodyAnswers(page, server);

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

test('who answers reads is seen and told what to do', async ({ browser, visit }) => {
  test.setTimeout(240_000);
  const folder = new TemporaryFolder();
  const copies = new TemporaryFolder();
  const server = await DemoServer.start({
    dataDir: folder.path,
    env: { ALCOVE_ADMIN_TOKEN: token, ALCOVE_FOLLOWER_TOKEN: followerToken, ALCOVE_READS_CHECK_INTERVAL_MS: '500' },
  });
  await visit({ name: 'Ada' }, `${server.url}trip/read`);
  const follower = await followerOf(server.url, copies.path);
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  try {
    await asAdmin(server.url, 'replicas', { do: 'add', replica: { id: 'far', url: follower.url }, followerToken });
    const page = await context.newPage();
    await page.goto(new URL('/sync/dashboard', server.url).href);
    await page.getByLabel('Admin token').fill(token);
    await page.keyboard.press('Enter');
    const far = page.getByRole('article', { name: 'far' });
    await expect(far).toContainText('1 of 1 rooms healthy');
    // Ada is a session; the follower is none.
    await expect(page.locator('.tile', { hasText: 'Sessions' })).toContainText('1');
    await expect(page.locator('.tile', { hasText: 'At followers' })).toContainText('0');
    await expect(page.locator('.tile', { hasText: 'Follower links' })).toContainText('1');
    await isLookedAt(page, far, server.url);
    await isNoErrorOfTheReplica(far, server.url);
    await isDisabledOnlyWhenConfirmed(page, far, server.url);
    await isTakenAnew(page, far);

    // Where it is gone the page says so, and why.
    await follower.close();
    await far.getByRole('button', { name: 'Check far' }).click();
    await expect(far.locator('.badge')).toHaveText('down');
    await expect(far).toContainText('replica_unavailable');
    await expect(far).toContainText('1 of 1 rooms healthy when it was last reached');
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  } finally {
    await context.close();
    await follower.close();
    await server.stop();
    folder.remove();
    copies.remove();
  }
});

test('[HO-49] a mirror has a card of its own beside the PostgreSQL that answers reads', async ({ browser, visit }) => {
  const folder = new TemporaryFolder();
  const cluster = await PgCluster.start();
  const server = await DemoServer.start({
    dataDir: folder.path,
    env: { ALCOVE_ADMIN_TOKEN: token, ALCOVE_MIRROR_URL: cluster.primary.url },
  });
  const context = await browser.newContext();
  try {
    await visit({ name: 'Ada' }, `${server.url}trip/mirrored`);
    const page = await context.newPage();
    await page.goto(new URL('/sync/dashboard', server.url).href);
    await page.getByLabel('Admin token').fill(token);
    await page.keyboard.press('Enter');
    const mirror = page.getByRole('article', { name: 'PostgreSQL mirror' });
    await expect(mirror.locator('.badge')).toHaveText('running');
    await expect(mirror).toContainText('1 of 1 rooms healthy');
    await expect(mirror.getByRole('button')).toHaveText(['Check…', 'Resync…']);
    const answers = page.getByRole('article', { name: 'mirror · PostgreSQL' });
    await expect(answers).toContainText(/Running\s*0 of \d+/);
    await expect(answers.getByRole('button')).toHaveText(['Check', 'Drain', 'Disable']);
    const ask = async (sql: string): Promise<unknown> =>
      (await asAdmin(server.url, 'sql', { room: 'trip/mirrored', sql, dialect: 'postgres', waitMs: 20_000 })).json();
    expect(await ask('SELECT count(*) AS n FROM cities')).toMatchObject({ replica: 'mirror' });
    expect(await ask('SELECT cost FROM cities')).toMatchObject({ error: { code: 'sql_failed' } });
    await expect(factOf(answers, 'Reads')).toContainText(/^1 · /);
    await expect(factOf(answers, 'p50 · p99, last minute')).toHaveText(/^[\d.]+ m?s · [\d.]+ m?s$/);
    await expect(factOf(answers, 'Errors of statements')).toHaveText('1');
    await expect(factOf(answers, 'Errors')).toHaveText('0');
    await answers.getByRole('button', { name: 'Check' }).click();
    await expect(page.locator('#told')).toHaveText('Looked at: mirror.');
    await mirror.getByRole('button', { name: 'Check… PostgreSQL mirror' }).click();
    await page.getByRole('dialog', { name: 'Compare a room of the mirror' }).getByRole('button', { name: 'Compare' }).click();
    await expect(page.locator('#told')).toHaveText('Looked at: trip/mirrored of mirror.');
  } finally {
    await context.close();
    await server.stop();
    await cluster.close();
    folder.remove();
  }
});

/** A server that stands still keeps its sockets open: what was read of it before is not shown as what is. */
async function isMarkedOldWhileNobodyAnswers(page: Page, server: DemoServer): Promise<void> {
  const figures = page.locator('#figures');
  server.freeze();
  await expect(page.getByText(/^The server does not answer; trying again\. These figures are of \S/)).toBeVisible();
  await expect(figures).toHaveClass('old');
  server.thaw();
  await expect(page.getByText(/^Up for/)).toBeVisible();
  await expect(figures).not.toHaveClass('old');
}

const followerOf = (url: string, dataDir: string) =>
  createFollower({
    rooms: [trip],
    dataDir,
    from: new URL('/sync', url.replace(/^http/, 'ws')).href,
    token: followerToken,
    follow: ['trip/read'],
    port: 0,
    host: '127.0.0.1',
    log: { error: () => undefined, info: () => undefined, debug: () => undefined },
  });

const asAdmin = (url: string, path: string, body: object): Promise<Response> =>
  fetch(new URL(`/sync/${path}`, url), { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) });

async function statusOf(url: string): Promise<{ reads: { replicas: readonly { id: string }[] } }> {
  const answer = await fetch(new URL('/sync/status', url), { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()) as { reads: { replicas: readonly { id: string }[] } }; // as `server.status()` has it
}

/** Who answered a read just now. */
async function answererOf(url: string): Promise<unknown> {
  const answer = await asAdmin(url, 'sql', { room: 'trip/read', sql: 'SELECT count(*) AS n FROM cities' });
  return ((await answer.json()) as { replica: unknown }).replica;
}

async function isLookedAt(page: Page, far: Locator, url: string): Promise<void> {
  await far.getByRole('button', { name: 'Check far' }).press('Enter');
  await expect(page.locator('#told')).toHaveText('Looked at: far.');
  await expect(far.locator('.badge')).toHaveText('ready');
  await expect.poll(() => answererOf(url)).toBe('far');
  await expect(page.locator('.tile', { hasText: 'By replicas' })).toContainText(/\d+(?:\.\d)? %/);
}

/** What is misspelt is the statement's fault. */
async function isNoErrorOfTheReplica(far: Locator, url: string): Promise<void> {
  const answer = await asAdmin(url, 'sql', { room: 'trip/read', sql: 'SELECT cost FROM cities' });
  expect(await answer.json()).toMatchObject({ error: { code: 'sql_failed' } });
  await expect(factOf(far, 'Errors of statements')).toHaveText('1');
  // A starved machine may have failed a look of its own.
  await expect(factOf(far, 'Errors')).toHaveText(/^\d+$/);
  const { reads } = await statusOf(url);
  expect(reads.replicas.find(({ id }) => id === 'far')).toMatchObject({
    statementErrors: { sql_failed: 1 },
    errors: expect.not.objectContaining({ sql_failed: expect.anything() }),
  });
}

const factOf = (card: Locator, name: string): Locator =>
  card
    .locator('.facts > div')
    .filter({ has: card.page().locator('dt').getByText(name, { exact: true }) })
    .locator('dd');

/** What takes something away is asked for once more. */
async function isDisabledOnlyWhenConfirmed(page: Page, far: Locator, url: string): Promise<void> {
  await far.getByRole('button', { name: 'Disable far' }).click();
  const dialog = page.getByRole('dialog', { name: 'Disable far?' });
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(far.locator('.badge')).toHaveText('ready');
  await far.getByRole('button', { name: 'Disable far' }).click();
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await expect(far.locator('.badge')).toHaveText('off');
  await expect.poll(() => answererOf(url)).toBe('readers');
  await far.getByRole('button', { name: 'Enable far' }).click();
  await expect(far.locator('.badge')).toHaveText('ready');
}

/** What is no room is not sent. */
async function isTakenAnew(page: Page, far: Locator): Promise<void> {
  await far.getByRole('button', { name: 'Resync… far' }).click();
  const dialog = page.getByRole('dialog', { name: 'Have far take a room anew?' });
  await dialog.getByLabel('Room').fill('read');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toHaveText('Write the room as name/id.');
  await dialog.getByLabel('Room').fill('trip/read');
  await page.keyboard.press('Enter');
  // An image is built behind everything else that a machine has to do.
  await expect(page.locator('#told')).toHaveText('Taken anew: trip/read of far.', { timeout: 120_000 });
  await expect(far).toContainText(/Compared\s*\d+, 0 wrong/);
  await far.locator('summary').click();
  await expect(far.getByRole('row', { name: /^trip\/read live / })).toBeVisible();
}
