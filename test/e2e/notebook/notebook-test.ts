import { join } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import { TemporaryFolder } from '../demo-server.ts';
import { buildNotebook } from './build-notebook.ts';
import { condition } from './condition.ts';
import { KeptBrowser } from './kept-browser.ts';
import type { Note, Shown } from './notebook-page.ts';
import { type Build, NotebookServer } from './notebook-server.ts';
import { PageFiles } from './page-files.ts';
import { Wire } from './wire.ts';

export interface OpenOptions {
  readonly build?: Build;
  /** How long the page's worker may be silent, in ms. */
  readonly budgetMs?: number;
  /** Who is signed in; nobody by default. */
  readonly user?: string;
}

/** One user's browser, a room server and what lies between; each part can fail by itself. */
export class Notebook {
  readonly folder: TemporaryFolder;
  readonly server: NotebookServer;
  readonly profile: string;
  readonly wire: Wire;
  readonly files: PageFiles;
  /** What pages said of their calls, by note. */
  readonly told = new Map<string, 'stored' | 'failed'>();
  #browser: KeptBrowser | null = null;

  private constructor(wire: Wire, files: PageFiles, server: NotebookServer, folder: TemporaryFolder) {
    this.wire = wire;
    this.files = files;
    this.server = server;
    this.folder = folder;
    this.profile = join(folder.path, 'profile');
  }

  static async start(pages: string): Promise<Notebook> {
    const folder = new TemporaryFolder();
    const server = new NotebookServer(join(folder.path, 'rooms'));
    const [files] = await Promise.all([PageFiles.serve(pages), server.start()]);
    const notebook = new Notebook(await Wire.open(() => server.port), files, server, folder);
    await notebook.launch();
    return notebook;
  }

  get browser(): KeptBrowser {
    if (this.#browser === null) throw new Error('the browser is not running');
    return this.#browser;
  }

  /** Starts the browser; after its end again, over the same profile. */
  async launch(): Promise<void> {
    this.#browser = await KeptBrowser.launch(this.profile);
    await this.browser.context.exposeFunction('told', (id: string, what: 'stored' | 'failed') => {
      this.told.set(id, what);
    });
  }

  async killBrowser(): Promise<void> {
    await this.browser.kill();
    this.#browser = null;
  }

  async closeBrowser(): Promise<void> {
    await this.browser.close();
    this.#browser = null;
  }

  url(roomId: string, { build = 'older', budgetMs, user }: OpenOptions = {}): string {
    const query = new URLSearchParams({
      server: this.wire.url,
      room: roomId,
      ...(budgetMs === undefined ? {} : { budget: String(budgetMs) }),
      ...(user === undefined ? {} : { user }),
    });
    return `${this.files.url}/${build === 'older' ? 'index' : 'newer'}.html?${query.toString()}`;
  }

  async open(roomId: string, options?: OpenOptions): Promise<Page> {
    const page = await this.browser.context.newPage();
    await page.goto(this.url(roomId, options));
    return page;
  }

  /** A page that shows the room as it is and whose storage has all of it. */
  async openCurrent(roomId: string, options?: OpenOptions): Promise<Page> {
    const page = await this.open(roomId, options);
    await until(page, { result: 'current', storage: 'saved' });
    return page;
  }

  isStored(ids: readonly string[]): boolean {
    return ids.every((id) => this.told.get(id) === 'stored');
  }

  /** Calls a mutator for each id; resolves when the device has them all. */
  async add(page: Page, ids: readonly string[]): Promise<void> {
    await page.evaluate((added) => globalThis.notebook.add(added), ids);
    await condition(() => this.isStored(ids), `stored: ${ids.join(' ')}`);
  }

  notes(roomId: string): Promise<readonly Note[]> {
    return this.server.notes(roomId);
  }

  /** The room holds these and nothing else, each by one run. */
  async roomHas(roomId: string, ids: readonly string[]): Promise<void> {
    await expect.poll(async () => idsOf(await this.notes(roomId))).toEqual([...ids].sort());
    expect((await this.notes(roomId)).filter(({ runs }) => runs !== 1)).toEqual([]);
  }

  async end(): Promise<void> {
    await this.#browser?.close();
    await this.wire.close();
    await this.files.close();
    await this.server.kill();
    this.folder.remove();
  }
}

export const idsOf = (notes: readonly Note[]): string[] => notes.map(({ id }) => id);
export const shown = (page: Page): Promise<Shown> => page.evaluate(() => globalThis.notebook.shown());

/** The platform's hint that the network is back: no page waits for its next attempt to connect. */
export const wake = (page: Page): Promise<boolean> => page.evaluate(() => globalThis.dispatchEvent(new Event('online')));

/** The page's state comes to hold all of this. */
export const until = (page: Page, state: Partial<Shown>): Promise<void> =>
  expect.poll(() => shown(page), { intervals: [20, 50, 100] }).toMatchObject(state);

/** The page shows these notes and nothing of its own is pending. */
export async function untilShows(page: Page, ids: readonly string[]): Promise<void> {
  const sorted = [...ids].sort();
  await expect.poll(async () => idsOf((await shown(page)).notes), { intervals: [20, 50, 100] }).toEqual(sorted);
}

export const test = base.extend<{ readonly notebook: Notebook }, { readonly pages: string }>({
  pages: [
    // Playwright finds out what a fixture needs by its first parameter, which has to be a pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const folder = new TemporaryFolder();
      await buildNotebook(folder.path);
      await use(folder.path);
      folder.remove();
    },
    { scope: 'worker' },
  ],
  notebook: async ({ pages }, use) => {
    const notebook = await Notebook.start(pages);
    await use(notebook);
    await notebook.end();
  },
});
export { expect };
