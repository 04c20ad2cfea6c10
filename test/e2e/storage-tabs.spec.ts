import type { Page } from '@playwright/test';
import { condition } from './notebook/condition.ts';
import { crash } from './notebook/kept-browser.ts';
import { type Notebook, expect, idsOf, shown, test, until, untilShows } from './notebook/notebook-test.ts';

/** What a frozen page holds, as a page of the same origin sees it. */
const locksHeld = (page: Page, ending: string): Promise<number> =>
  page.evaluate(async (end) => ((await navigator.locks.query()).held ?? []).filter(({ name }) => name?.endsWith(end)).length, ending);

/** Stops the page's process at once when it images: the lock of the imager is held then. */
async function freezeImaging(notebook: Notebook, page: Page, room: string): Promise<number> {
  const witness = await notebook.browser.context.newPage();
  await witness.goto(`${notebook.files.url}/blank.html`);
  const renderer = await notebook.browser.rendererOf(page);
  const imaging = witness.evaluate(async () => {
    for (;;) if (((await navigator.locks.query()).held ?? []).some(({ name }) => name?.endsWith(' imager'))) return;
  });
  // More than the megabyte that a tail may have.
  await page.evaluate((id) => {
    for (let index = 10; index < 40; index += 1) void globalThis.notebook.keep(`${id}${index}`, 60_000);
  }, room);
  await imaging;
  process.kill(renderer, 'SIGSTOP');
  return renderer;
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
  const renderer = await freezeImaging(notebook, frozen, 'n');
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
    expect(ids).toHaveLength(32);
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
