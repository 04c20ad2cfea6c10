import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { openBrowser, openPage } from './browser.ts';
import { buildBenchPages } from './build-pages.ts';
import type { BenchChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { imageOffer, waitForImage } from './image-offer.ts';
import { startServer } from './start-server.ts';
import { tripSeedFile } from './trip-seed-file.ts';

const ROOM = 'japan';
const DEADLINE_MS = 60_000;

/** What the benches of a page's opening have in common: a server with a room of 138,398 cities, its pages, and a browser. */
export class CityPages {
  readonly #folder: string;
  readonly #server: BenchChild;
  readonly #browser: Browser;
  #rows: string | null = null;

  private constructor(folder: string, server: BenchChild, browser: Browser) {
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
  }

  /** The room's image is built when this resolves. */
  static async open(): Promise<CityPages> {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const pages = await buildBenchPages(join(folder, 'pages'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), pages, tripSeed: await tripSeedFile() });
    const city = new CityPages(folder, server, await openBrowser());
    await waitForImage(server.url, ROOM);
    return city;
  }

  /** A page of ours in a context of its own, on its way. */
  ours(): Promise<Page> {
    return openPage(this.#browser, `${this.#server.url}/cold-open-ours.html#${ROOM}`);
  }

  /** A page of a floor, likewise; it is told where the room's image is. */
  async floor(name: 'cold-open-floor' | 'warm-open-floor'): Promise<Page> {
    const offer = await imageOffer(this.#server.url, ROOM);
    if (offer === null) throw new TypeError('the room offers no image');
    return openPage(this.#browser, `${this.#server.url}/${name}.html#${encodeURIComponent(JSON.stringify(offer))}`);
  }

  /** How long the page took since its navigation began until it had the rows, in ms. @throws TypeError where they are not those of the first page asked. */
  async openedMs(page: Page): Promise<number> {
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const opened = page.evaluate(() => bench.opened());
    const { ms, rows } = await withDeadline(page.url(), DEADLINE_MS, opened);
    const text = JSON.stringify(rows);
    this.#rows ??= text;
    if (text !== this.#rows || !text.includes('Kyoto')) throw new TypeError(`the rows are not what they should be: ${text.slice(0, 300)}`);
    return ms;
  }

  /** What the page keeps on the device is kept. */
  async saved(page: Page): Promise<void> {
    const saved = page.evaluate(() => bench.saved());
    await withDeadline('what is kept', DEADLINE_MS, saved);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
