import { type Browser, chromium, type Page } from '@playwright/test';
import { browserFlags } from '../../scripts/browser-flags.mjs';
import { readSetupRecord } from '../../scripts/setup-record.mjs';
import { condition } from './notebook/condition.ts';
import { expect, type Notebook, shown, test, until, untilShows, wake } from './notebook/notebook-test.ts';

declare global {
  /** Set by the test: a page that was put aside still has it, one that was loaded again has not. */
  var mark: { readonly hidden: boolean[]; readonly shown: boolean[] } | undefined;
}

const QUIET = { pending: [], result: 'current', connection: 'connected', storage: 'saved' } as const;

/** Playwright turns the cache off, and a page of its own function is never taken into it: no `told` here. */
async function withCache(run: (browser: Browser) => Promise<void>): Promise<void> {
  const { browser: path } = readSetupRecord();
  const browser = await chromium.launch({
    ...(path === null ? {} : { executablePath: path }),
    args: browserFlags(),
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  try {
    await run(browser);
  } finally {
    await browser.close();
  }
}

/** A page of the room that notes when it is put aside and shown again. */
async function openMarked(notebook: Notebook, page: Page, room: string): Promise<void> {
  await page.goto(notebook.url(room));
  await until(page, QUIET);
  await page.evaluate(() => {
    const mark = { hidden: [] as boolean[], shown: [] as boolean[] };
    addEventListener('pagehide', ({ persisted }) => mark.hidden.push(persisted));
    addEventListener('pageshow', ({ persisted }) => mark.shown.push(persisted));
    globalThis.mark = mark;
  });
}

const add = (page: Page, ids: readonly string[]): Promise<void> => page.evaluate((added) => globalThis.notebook.add(added), ids);
const markOf = (page: Page) => page.evaluate(() => globalThis.mark ?? null);

/** Pages of this browser that hold or wait for a lock. */
const pagesWithLocks = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    return new Set([...held, ...pending].map(({ clientId }) => clientId)).size;
  });

/** Times that the browser may throw a page away for reasons of its own, memory for one. */
const ATTEMPTS_MAX = 6;

/** What stood against keeping the page that was gone back to: empty where it was kept. Named so by the browser; reasons of the page's own making fail the test. */
async function goBackTo(page: Page): Promise<readonly string[]> {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Page.enable');
  const reasons: string[] = [];
  browser.on('Page.backForwardCacheNotUsed', ({ notRestoredExplanations }) => {
    for (const { type, reason } of notRestoredExplanations) reasons.push(`${type} ${reason}`);
  });
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForFunction(() => 'notebook' in globalThis);
  await browser.detach();
  expect(reasons.filter((reason) => !reason.startsWith('Circumstantial'))).toEqual([]);
  return reasons;
}

/** @returns why the browser threw the page away; empty where it did not. */
async function comesBack(notebook: Notebook, page: Page, other: Page, room: string): Promise<readonly string[]> {
  await other.goto(notebook.url(room));
  await until(other, QUIET);
  await openMarked(notebook, page, room);
  await add(page, ['a']);
  await until(page, QUIET);
  await page.goto(`${notebook.files.url}/blank.html`);
  await condition(async () => (await pagesWithLocks(other)) === 1);
  await add(other, ['b']);
  await notebook.roomHas(room, ['a', 'b']);

  const first = await goBackTo(page);
  if (first.length > 0) return first;
  expect(await markOf(page)).toEqual({ hidden: [true], shown: [true] });
  await untilShows(page, ['a', 'b']);
  await until(page, QUIET);
  await add(page, ['c']);
  await untilShows(other, ['a', 'b', 'c']);
  await until(page, { ...QUIET, rejected: {}, errors: [], unsaved: 0 });
  // And once more.
  await page.goForward({ waitUntil: 'commit' });
  const second = await goBackTo(page);
  if (second.length > 0) return second;
  expect(await markOf(page)).toEqual({ hidden: [true, true], shown: [true, true] });
  await add(page, ['d']);
  await notebook.roomHas(room, ['a', 'b', 'c', 'd']);
  await until(page, { ...QUIET, rejected: {}, errors: [], unsaved: 0 });
  return [];
}

test('[WK-34] a page in the browser’s back/forward cache has no lock, comes back as it was, fetches what it missed and writes on', async ({
  notebook,
}) => {
  await withCache(async (browser) => {
    const context = await browser.newContext();
    const [page, other] = [await context.newPage(), await context.newPage()];
    const thrownAway: string[] = [];
    for (;;) {
      const reasons = await comesBack(notebook, page, other, `aside-${thrownAway.length}`);
      if (reasons.length === 0) return;
      thrownAway.push(reasons.join(', '));
      expect(thrownAway.length, `the browser kept no page: ${thrownAway.join('; ')}`).toBeLessThan(ATTEMPTS_MAX);
    }
  });
});

test('[WK-34] a page that is put aside with something undecided stays as it is, and sends it when it is back', async ({ notebook }) => {
  await withCache(async (browser) => {
    const page = await (await browser.newContext()).newPage();
    await openMarked(notebook, page, 'undecided');
    notebook.wire.cut();
    await add(page, ['a']);
    await until(page, { pending: ['a'], storage: 'saved', unsaved: 0 });
    await page.goto(`${notebook.files.url}/blank.html`);
    notebook.wire.mend();
    await page.goBack({ waitUntil: 'commit' });
    // A browser may have thrown it away instead.
    await page.waitForFunction(() => 'notebook' in globalThis);
    await notebook.roomHas('undecided', ['a']);
    await until(page, { ...QUIET, rejected: {}, errors: [], unsaved: 0 });
  });
});

test('[WK-34] [TB-3] beside another tab it is that one which sends it, once the browser has thrown the page away: nobody goes back to it', async ({
  notebook,
}) => {
  test.setTimeout(120_000);
  await withCache(async (browser) => {
    const context = await browser.newContext();
    const [page, other] = [await context.newPage(), await context.newPage()];
    await other.goto(notebook.url('thrown'));
    await until(other, QUIET);
    await openMarked(notebook, page, 'thrown');
    notebook.wire.cut();
    await add(page, ['a', 'b']);
    await until(page, { pending: ['a', 'b'], storage: 'saved', unsaved: 0 });
    await until(other, { elsewhere: ['a', 'b'] });
    await page.goto(`${notebook.files.url}/blank.html`);
    notebook.wire.mend();
    await wake(other);
    await expect.poll(async () => (await shown(other)).connection).toBe('connected');
    // The browser decides when: a page with a lock that another waits for is not kept for long.
    await expect.poll(async () => (await notebook.notes('thrown')).length, { timeout: 90_000 }).toBe(2);
    await notebook.roomHas('thrown', ['a', 'b']);
    await untilShows(other, ['a', 'b']);
    await until(other, { ...QUIET, rejected: {}, elsewhere: [] });

    await page.goBack({ waitUntil: 'commit' });
    await page.waitForFunction(() => 'notebook' in globalThis);
    expect(await markOf(page)).toBeNull();
    await untilShows(page, ['a', 'b']);
    await add(page, ['c']);
    await notebook.roomHas('thrown', ['a', 'b', 'c']);
    for (const each of [page, other]) await until(each, { ...QUIET, rejected: {}, errors: [], unsaved: 0, lostOutbox: null });
  });
});
