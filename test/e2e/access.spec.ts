import { type Browser, type BrowserContextOptions, expect, type Page } from '@playwright/test';
import { createServer } from '@alcove/server/node';
import { tripBeforeKeys } from '../fake/trip-before-keys.ts';
import { DemoServer, linkTo, TemporaryFolder } from './demo-server.ts';
import { LinkRelay } from './link-relay.ts';
import { TripPage } from './trip-page.ts';
import { test } from './trip-test.ts';

const NO_NETWORK = /net::ERR_|WebSocket connection to .* failed/;
/** What is told to whoever runs the page, of a key that the server does not take. */
const NOT_LET_IN = /does not let this page in: forbidden/;
const WORDS = { edit: 'edit', look: 'view' } as const;
const SECRET = 'A ring for Noor, size 52';

const isPrivate = (page: Page) => expect(page.getByText('This trip is private.')).toBeVisible();
const looking = (person: TripPage) => person.page.getByRole('note').filter({ hasText: 'View only.' });
const links = (person: TripPage) => person.page.getByRole('region', { name: 'Links to this trip' });
const onlyMe = (person: TripPage) => person.page.getByRole('checkbox', { name: 'Private: only you see it' });
const slip = (person: TripPage) => person.page.locator('.correction');

/** A window of somebody who was never here: a browser of its own, nothing remembered. */
async function stranger(browser: Browser, options: BrowserContextOptions = {}): Promise<TripPage> {
  return new TripPage(await (await browser.newContext(options)).newPage());
}

/** The link as somebody copies it who shares the trip. */
async function copiedLink(person: TripPage, role: 'edit' | 'look'): Promise<string> {
  await person.page.getByRole('button', { name: 'Share this trip' }).click();
  await links(person)
    .getByRole('button', { name: `Copy ${WORDS[role]} link` })
    .click();
  await expect(links(person).getByText('Link copied.')).toBeVisible();
  await person.page.keyboard.press('Escape');
  return person.page.evaluate(() => navigator.clipboard.readText());
}

async function writeNote(person: TripPage, stop: string, text: string, alone = false): Promise<void> {
  if ((await person.stop(stop).locator('.stop-detail').count()) === 0) await person.openStop(stop);
  await onlyMe(person).setChecked(alone);
  await person.noteField(stop).fill(text);
  await person.noteField(stop).press('Enter');
  await expect(person.stop(stop).locator('.notes li', { hasText: text })).toBeVisible();
  await person.isSettled();
}

test('a trip that somebody started opens by its link, in another browser, online and off; without it, it is refused in words', async ({
  browser,
  demo,
}) => {
  const ada = await stranger(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await ada.page.goto(demo.url);
  await ada.page.getByRole('button', { name: 'look at the example' }).click();
  await ada.isLoaded();
  await expect(ada.page).toHaveURL(/\/trip\/japan-[a-z0-9]{10}$/);
  const link = await copiedLink(ada, 'edit');

  const bo = await stranger(browser);
  await bo.page.goto(ada.page.url());
  await isPrivate(bo.page);
  await expect(bo.page.getByText('“Share” gives them the whole link')).toBeVisible();
  // A link that lost its end on the way, and one that somebody made up: the server refuses that one.
  await bo.page.goto(link.slice(0, -3));
  await isPrivate(bo.page);
  await expect(bo.page.getByText('perhaps a part was lost on the way here')).toBeVisible();
  await bo.page.goto(link.replace(/#edit\..{22}/, `#edit.${'A'.repeat(22)}`));
  await isPrivate(bo.page);
  await expect(bo.page.getByText('perhaps a part was lost on the way here')).toBeVisible();
  await expect(bo.page.getByText('Kyoto')).toHaveCount(0);
  await expect(bo.page.getByRole('link', { name: 'All my trips' })).toBeVisible();

  // The whole link, pasted over the address of that very page.
  await bo.page.evaluate((whole) => location.assign(whole), link);
  await bo.isLoaded();
  await expect(bo.page).toHaveURL(ada.page.url());
  await bo.addCity('reykj', 'Reykjavík');
  await expect(ada.stops.last()).toHaveText('Reykjavík');

  // The key stays with the browser.
  await bo.page.reload();
  await bo.isLoaded();
  await bo.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect(bo.page.locator('.saved > button')).toContainText('Saved');
  await bo.context.setOffline(true);
  await bo.page.reload();
  await expect(bo.stops.last()).toHaveText('Reykjavík');
  await bo.show('Packing');
  await bo.addItem('a kite');
  await bo.context.setOffline(false);
  await bo.isConnected();
  await bo.isSettled();
  await ada.show('Packing');
  await expect(ada.item('a kite')).toBeVisible();
  const again = await bo.context.newPage();
  await again.goto(demo.url);
  await again.getByRole('link', { name: /^Japan/ }).click();
  await new TripPage(again).isLoaded();
  ada.hasNoComplaints();
  bo.hasNoComplaints(new RegExp(`${NO_NETWORK.source}|${NOT_LET_IN.source}`));
  for (const { context } of [ada, bo]) await context.close();
});

test('who looks sees what the others do, at once, and is told why they change nothing', async ({ browser, visit }) => {
  const ada = await visit({ name: 'Ada', permissions: ['clipboard-read', 'clipboard-write'] });
  const link = await copiedLink(ada, 'look');
  const cleo = await stranger(browser);
  await cleo.page.goto(link);
  await cleo.isLoaded();
  await expect(looking(cleo)).toContainText('To edit, ask for an edit link.');
  await ada.addCity('reykj', 'Reykjavík');
  await expect(cleo.stops.last()).toHaveText('Reykjavík');
  await expect(ada.page.locator('.people li button')).toHaveCount(1);

  // What changes something is gone, or off with its reason.
  await cleo.openStop('Kyoto');
  await expect(cleo.noteField('Kyoto')).toHaveCount(0);
  await expect(cleo.page.getByRole('button', { name: /night (?:more|fewer)|^Move |^Remove |^Rename/ })).toHaveCount(0);
  await cleo.search.fill('nagoya');
  await cleo.page.getByRole('option').first().click();
  await expect(cleo.page.getByRole('region', { name: 'Nagoya' })).toContainText('changes need an edit link');
  await cleo.page.keyboard.press('Escape');
  await cleo.show('Packing');
  await expect(cleo.item('Passports')).toBeDisabled();
  await expect(cleo.page.getByRole('textbox', { name: 'Add a thing to pack' })).toHaveCount(0);
  await expect(cleo.budget).toBeDisabled();

  // They hand out what they have, and no more.
  await cleo.page.getByRole('button', { name: 'Share this trip' }).click();
  await expect(links(cleo).getByRole('region')).toHaveCount(1);
  await expect(links(cleo).getByRole('region', { name: 'View link' })).toBeVisible();
  await cleo.page.keyboard.press('Escape');

  // As it was after a reload, without a network too.
  await expect(cleo.page).not.toHaveURL(/#/);
  await cleo.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect(cleo.page.locator('.saved > button')).toContainText('Saved');
  await cleo.context.setOffline(true);
  await cleo.page.reload();
  await expect(cleo.stops.last()).toHaveText('Reykjavík');
  await expect(looking(cleo)).toBeVisible();
  await cleo.context.setOffline(false);
  await cleo.isConnected();

  // A link that can edit is taken in the place of the other.
  await cleo.page.goto(await copiedLink(ada, 'edit'));
  await cleo.isLoaded();
  await expect(looking(cleo)).toHaveCount(0);
  await cleo.addCity('ushuaia', 'Ushuaia');
  await expect(ada.stops.last()).toHaveText('Ushuaia');
  ada.hasNoComplaints();
  cleo.hasNoComplaints(NO_NETWORK);
  await cleo.context.close();
});

test('a page that gives its looker every control changes nothing: the room refuses, and the page says why', async ({
  browser,
  visit,
  tripUrl,
}) => {
  const ada = await visit({ name: 'Ada' });
  // As if somebody had changed the page: it takes its visitor for one who may edit.
  const relay = await LinkRelay.open(tripUrl, (text) => text.replace('"role":"look"', '"role":"edit"'));
  const cleo = await stranger(browser);
  await cleo.page.goto(relay.through(linkTo(tripUrl, 'look')));
  await cleo.isLoaded();
  await expect(looking(cleo)).toHaveCount(0);
  await cleo.addCity('reykj', 'Reykjavík');
  await expect(slip(cleo)).toContainText('Add Reykjavík: not accepted');
  await expect(slip(cleo)).toContainText('You may view this trip, not change it: that takes an edit link.');
  await cleo.isSettled();
  await expect(cleo.stops).toHaveCount(8);
  await expect(ada.stops).toHaveCount(8);
  await cleo.budget.fill('9000');
  await expect(cleo.budget).toHaveValue(await ada.budget.inputValue());
  ada.hasNoComplaints();
  await cleo.context.close();
  relay.close();
});

test('a private note comes to its author alone: nobody else’s browser is told a word of it', async ({ browser, visit, tripUrl }) => {
  const ada = await visit({ name: 'Ada' });
  const [boRelay, lateRelay] = [await LinkRelay.open(tripUrl), await LinkRelay.open(tripUrl)];
  const bo = await stranger(browser);
  await bo.page.goto(boRelay.through(linkTo(tripUrl)));
  await bo.isLoaded();
  await bo.openStop('Kyoto');
  await writeNote(ada, 'Kyoto', SECRET, true);
  await writeNote(ada, 'Kyoto', 'Tea at four');
  const notesOf = (person: TripPage) => person.stop('Kyoto').locator('.notes li');
  await expect(notesOf(ada)).toHaveText([/A ring for Noor.*Private/s, /Tea at four/]);
  await expect(notesOf(bo)).toHaveText([/Tea at four/]);

  // Who comes later, with an image of the trip.
  const late = await stranger(browser);
  await late.page.goto(lateRelay.through(linkTo(tripUrl)));
  await late.isLoaded();
  await late.openStop('Kyoto');
  await expect(notesOf(late)).toHaveText([/Tea at four/]);
  await late.openSql();
  await late.runSql("select printf('%d', count(*)) as n from notes where private");
  await expect(late.onlyCell).toHaveText('0');
  for (const relay of [boRelay, lateRelay]) {
    expect(relay.bytes).toBeGreaterThan(1_000_000);
    expect(relay.hasTold('Tea at four')).toBe(true);
    expect(relay.hasTold(SECRET)).toBe(false);
  }

  // Its author finds it again, shares it, and takes it back from them.
  await ada.page.reload();
  await ada.isLoaded();
  await ada.openStop('Kyoto');
  await notesOf(ada).filter({ hasText: SECRET }).getByRole('button', { name: 'Share' }).click();
  await expect(notesOf(bo)).toHaveText([/A ring for Noor/, /Tea at four/]);
  expect(boRelay.hasTold(SECRET)).toBe(true);
  await notesOf(ada).filter({ hasText: SECRET }).getByRole('button', { name: 'Make private' }).click();
  for (const person of [bo, late]) await expect(notesOf(person)).toHaveText([/Tea at four/]);
  await expect(notesOf(ada)).toHaveCount(2);
  for (const person of [ada, bo, late]) person.hasNoComplaints();
  for (const { context } of [bo, late]) await context.close();
  for (const relay of [boRelay, lateRelay]) relay.close();
});

test('a trip from before keys opens by its address, as it always did, and has links from then on', async ({ browser }) => {
  const folder = new TemporaryFolder();
  const silent = { error: () => undefined, info: () => undefined, debug: () => undefined };
  const before = await createServer({ rooms: [tripBeforeKeys], dataDir: folder.path, signals: false, log: silent });
  await before.room(tripBeforeKeys, 'japan-old').mutate.fill({ note: 'Tea at four' });
  await before.close();
  const server = await DemoServer.start({ dataDir: folder.path });
  const url = `${server.url}trip/japan-old`;

  const ada = await stranger(browser);
  await ada.page.goto(url);
  await ada.isConnected();
  await expect(ada.page).toHaveURL(url);
  await ada.openStop('Kyoto');
  await writeNote(ada, 'Kyoto', SECRET, true);
  const bo = await stranger(browser);
  await bo.page.goto(linkTo(url, 'look'));
  await bo.isConnected();
  await bo.openStop('Kyoto');
  await expect(bo.stop('Kyoto').locator('.notes li')).toHaveText([/Tea at four/]);
  // One that is made now has no such way in.
  const cleo = await stranger(browser);
  await cleo.page.goto(`${server.url}trip/japan-new`);
  await isPrivate(cleo.page);
  for (const person of [ada, bo, cleo]) {
    person.hasNoComplaints();
    await person.context.close();
  }
  await server.stop();
  folder.remove();
});
