import type { Page } from '@playwright/test';
import { condition } from './notebook/condition.ts';
import { crash } from './notebook/kept-browser.ts';
import { type Notebook, expect, idsOf, shown, test, until, untilShows, wake } from './notebook/notebook-test.ts';

/** What a frozen page holds, as a page of the same origin sees it. */
const locksHeld = (page: Page, ending: string): Promise<number> =>
  page.evaluate(async (end) => ((await navigator.locks.query()).held ?? []).filter(({ name }) => name?.endsWith(end)).length, ending);

/** Notes whose calls came to nothing, in the order of the list. */
const untilRejected = (page: Page, ids: readonly string[]): Promise<void> =>
  expect.poll(async () => Object.keys((await shown(page)).rejected), { intervals: [20, 50, 100] }).toEqual(ids);

/** Notes of one attempt: more than the megabyte that a tail may have. */
const IMAGED_NOTES = 30;
const ATTEMPTS_MAX = 8;

interface FrozenImager {
  readonly renderer: number;
  /** Notes that were written until it stood. */
  readonly notes: number;
}

/** Stops the page's process while it images: the lock of the imager is held then. Where it was done before it stood, it has more to image. */
async function freezeImaging(notebook: Notebook, page: Page): Promise<FrozenImager> {
  const witness = await notebook.browser.context.newPage();
  await witness.goto(`${notebook.files.url}/blank.html`);
  const renderer = await notebook.browser.rendererOf(page);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const imaging = witness.evaluate(async () => {
      for (;;) if (((await navigator.locks.query()).held ?? []).some(({ name }) => name?.endsWith(' imager'))) return;
    });
    await page.evaluate(
      ({ prefix, count }) => {
        for (let index = 10; index < 10 + count; index += 1) void globalThis.notebook.keep(`${prefix}${index}`, 60_000);
      },
      { prefix: `n${attempt}-`, count: IMAGED_NOTES },
    );
    await imaging;
    process.kill(renderer, 'SIGSTOP');
    if ((await locksHeld(witness, ' imager')) === 1) return { renderer, notes: attempt * IMAGED_NOTES };
    thaw(renderer);
  }
  throw new Error(`no image of ${ATTEMPTS_MAX} took long enough to be met`);
}

function thaw(renderer: number): void {
  try {
    process.kill(renderer, 'SIGCONT');
  } catch {
    // It is gone.
  }
}

test('a tab frozen while it images holds nobody up, and writes nothing stale when it wakes', async ({ notebook }) => {
  const frozen = await notebook.openCurrent('frozen');
  const { renderer, notes } = await freezeImaging(notebook, frozen);
  try {
    const page = await notebook.open('frozen');
    await until(page, { result: 'current' });
    await page.evaluate(() => globalThis.notebook.add(['a', 'b']));
    await condition(async () => idsOf(await notebook.notes('frozen')).includes('b'));
    await until(page, { pending: [] });
    // Where it was frozen inside a transaction, the disk lets nobody in; the room does.
    await page.reload();
    await until(page, { result: 'current' });
    expect(idsOf((await shown(page)).notes)).toEqual(expect.arrayContaining(['a', 'b']));
    // Still frozen, still the imager.
    expect(await locksHeld(page, ' imager')).toBe(1);
    process.kill(renderer, 'SIGCONT');
    await condition(async () => (await locksHeld(page, ' imager')) === 0);
    await until(frozen, { pending: [], result: 'current', storage: 'saved' });
    const ids = idsOf(await notebook.notes('frozen'));
    expect(ids).toHaveLength(notes + 2);
    await untilShows(frozen, ids);
    await until(page, { storage: 'saved', unsaved: 0 });
    // What lies on the disk is all of it.
    await page.close();
    await crash(frozen);
    notebook.wire.cut();
    const later = await notebook.open('frozen');
    await untilShows(later, ids);
    expect(await shown(later)).toMatchObject({ result: 'cached' });
  } finally {
    thaw(renderer);
  }
});

test('a tab frozen inside a transaction keeps no other tab from its room', async ({ notebook }) => {
  const frozen = await notebook.openCurrent('held');
  await frozen.evaluate(async () => {
    const [{ name = '' } = {}] = await indexedDB.databases();
    const opened = indexedDB.open(name);
    await new Promise((resolve) => opened.addEventListener('success', resolve));
    const tables = [...opened.result.objectStoreNames];
    const table = opened.result.transaction(tables, 'readwrite').objectStore('header');
    // It goes on and on.
    const again = (): void => {
      table.get(0).onsuccess = again;
    };
    again();
  });
  const renderer = await notebook.browser.rendererOf(frozen);
  process.kill(renderer, 'SIGSTOP');
  try {
    const page = await notebook.open('held');
    await until(page, { result: 'current' });
    await page.evaluate(() => globalThis.notebook.add(['a']));
    await notebook.roomHas('held', ['a']);
    await until(page, { pending: [], storage: 'failing', storageError: 'storage_failed' });
    process.kill(renderer, 'SIGKILL');
    await until(page, { storage: 'saved', storageError: null });
  } finally {
    thaw(renderer);
  }
});

test('what a tab without a network has pending is listed in its sibling, which is not told that all is in the room', async ({
  notebook,
}) => {
  const away = await notebook.openCurrent('elsewhere');
  notebook.wire.cut();
  await until(away, { result: 'cached' });
  await notebook.add(away, ['a', 'b', 'c']);
  const beside = await notebook.open('elsewhere');
  await until(beside, { pending: [], elsewhere: ['a', 'b', 'c'], elsewhereCount: 3, result: 'cached' });
  await untilShows(beside, ['a', 'b', 'c']);
  notebook.wire.mend();
  await wake(away);
  await wake(beside);
  await until(beside, { elsewhere: [], elsewhereCount: 0, result: 'current' });
  await notebook.roomHas('elsewhere', ['a', 'b', 'c']);
  expect(await shown(away)).toMatchObject({ elsewhere: [], elsewhereCount: 0 });
});

test('[TB-23] a tab that makes no connection lets go of what a reloaded one had called, which sends it', async ({ notebook }) => {
  const away = await notebook.openCurrent('handed');
  const reloaded = await notebook.openCurrent('handed');
  for (const page of [away, reloaded]) await page.evaluate(() => globalThis.notebook.disconnect());
  await notebook.add(reloaded, ['a']);
  await until(away, { elsewhere: ['a'], elsewhereCount: 1 });
  await reloaded.reload();
  await notebook.roomHas('handed', ['a']);
  await until(reloaded, { pending: [], elsewhere: [], result: 'current' });
  await until(away, { pending: [], elsewhere: [] });
  await untilShows(away, ['a']);
});

test('what the room refused one tab is listed in all of them, and leaves all lists at once where one dismisses it or calls it again', async ({
  notebook,
}) => {
  const [first, second] = [await notebook.openCurrent('refused'), await notebook.openCurrent('refused')];
  await first.evaluate(() => globalThis.notebook.add(['a', 'b', 'c'], '', 'addForbidden'));
  const refused = { a: 'forbidden', b: 'forbidden', c: 'forbidden' };
  for (const page of [first, second]) await until(page, { rejected: refused });
  const third = await notebook.openCurrent('refused');
  await until(third, { rejected: refused });
  await second.evaluate(() => globalThis.notebook.read('a', 'dismiss'));
  for (const page of [first, second, third]) await untilRejected(page, ['b', 'c']);
  // Refused again, as another line, which is listed everywhere as well.
  await third.evaluate(() => globalThis.notebook.read('b', 'retry'));
  for (const page of [first, second, third]) await untilRejected(page, ['c', 'b']);
  await first.evaluate(() => globalThis.notebook.read('b', 'dismiss'));
  await first.evaluate(() => globalThis.notebook.read('c', 'dismiss'));
  for (const page of [first, second, third]) await untilRejected(page, []);
  // Whatever of that is on the disk by then.
  await third.reload();
  await until(third, { result: 'current', storage: 'saved' });
  await untilRejected(third, []);
});
