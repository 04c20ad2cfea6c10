import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { type Notebook, expect, shown, test, until, untilShows, wake } from './notebook/notebook-test.ts';

interface Restore {
  readonly how: string;
  /** Of the server, which is stopped. */
  putBack(notebook: Notebook, copy: string): void;
  start(notebook: Notebook): Promise<void>;
  /** How the pages, which have no network yet, come to hear of it. */
  hear(notebook: Notebook, stays: Page, reloads: Page): Promise<void>;
}

const atOnce: Restore['hear'] = async ({ wire }, ...pages) => {
  wire.mend();
  await Promise.all(pages.map(wake));
};

const wholeFolder: Restore = {
  how: 'its whole folder',
  putBack: ({ server }, copy) => server.putBack(copy),
  start: ({ server }) => server.start(),
  hear: atOnce,
};

const RESTORES: readonly Restore[] = [
  wholeFolder,
  {
    ...wholeFolder,
    how: 'its whole folder, and one page’s worker begins anew from what the other page has kept since',
    hear: async ({ wire }, stays, reloads) => {
      await reloads.evaluate(() => globalThis.notebook.disconnect());
      wire.mend();
      await wake(stays);
      await until(stays, { pending: [], result: 'current', storage: 'saved' });
      await expect.poll(async () => (await shown(stays)).lostTail).not.toBeNull();
      await reloads.evaluate(() => {
        globalThis.notebook.endWorker();
        globalThis.notebook.reconnect();
      });
    },
  },
  {
    how: 'the file of the room, and the operator accepts that its tail is lost',
    putBack: ({ server }, copy) => server.putBack(copy, (path) => path.endsWith('.sqlite')),
    start: ({ server }) => server.start('older', { acceptLostTail: true }),
    hear: atOnce,
  },
];

for (const { how, putBack, start, hear } of RESTORES) {
  test(`[CN-14] [CN-20] [OB-16] [ST-71] yesterday's copy of the server is put back, ${how}: what is pending arrives once, what is lost is told`, async ({
    notebook,
  }) => {
    const room = 'restored';
    const copy = join(notebook.folder.path, 'copy');
    const [stays, reloads] = [await notebook.openCurrent(room), await notebook.openCurrent(room)];
    await notebook.add(stays, ['a']);
    await notebook.add(reloads, ['b']);
    await notebook.roomHas(room, ['a', 'b']);
    await notebook.server.stop();
    notebook.server.copyTo(copy);
    await notebook.server.start();

    // Today: confirmed, shown and kept by both tabs.
    await notebook.add(stays, ['c', 'd']);
    await notebook.add(reloads, ['e']);
    for (const page of [stays, reloads]) {
      await untilShows(page, ['a', 'b', 'c', 'd', 'e']);
      await until(page, { pending: [], result: 'current', storage: 'saved', lostTail: null });
    }
    notebook.wire.cut();
    await notebook.add(stays, ['f', 'g']);
    await notebook.add(reloads, ['h']);
    await notebook.server.stop();
    putBack(notebook, copy);
    await start(notebook);

    // From its own disk: what the room has lost is still shown, as of then.
    await reloads.reload();
    await untilShows(reloads, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    await until(reloads, { result: 'cached', lostTail: null, rejected: {} });
    await hear(notebook, stays, reloads);
    const now = ['a', 'b', 'f', 'g', 'h'];
    await notebook.roomHas(room, now);
    for (const page of [stays, reloads]) {
      await untilShows(page, now);
      await until(page, { pending: [], result: 'current', storage: 'saved', unsaved: 0, connectionError: null });
      await expect.poll(async () => (await shown(page)).lostTail).not.toBeNull();
    }
    // The page that called them knows which of its own are gone; the other one's were called by a load of the page before.
    await until(stays, { rejected: { c: 'history_lost', d: 'history_lost' }, lostOutbox: null });
    await until(reloads, { rejected: {}, lostOutbox: null });

    await goesOn({ notebook, room, pages: [stays, reloads], now });
  });
}

interface GoingOn {
  readonly notebook: Notebook;
  readonly room: string;
  readonly pages: readonly [Page, Page];
  readonly now: readonly string[];
}

/** Writes of both arrive and are kept, and what the tabs keep is the room as it is. */
async function goesOn({ notebook, room, pages, now }: GoingOn): Promise<void> {
  const [stays, reloads] = pages;
  const all = [...now, 'i', 'j'];
  await notebook.add(stays, ['i']);
  await notebook.add(reloads, ['j']);
  await notebook.roomHas(room, all);
  for (const page of pages) {
    await untilShows(page, all);
    await until(page, { pending: [], storage: 'saved' });
  }
  notebook.wire.cut();
  for (const page of pages) {
    await page.reload();
    await untilShows(page, all);
    await until(page, { result: 'cached', pending: [] });
  }
}
