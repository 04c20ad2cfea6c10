import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { openBrowser, openPage } from './browser.ts';
import { buildBenchPages } from './build-pages.ts';
import { type BenchChild, startChild } from './child.ts';
import type { BoardStart } from './pages/board-start.ts';
import type { RawStart } from './pages/raw-board.ts';
import { startServer } from './start-server.ts';

/** Items of a board in whose pages one list of 50 is shown. */
export const ITEMS = 10_000;

/** What the benches of a shown list have in common: a server of ours with its pages, a bare one, and a browser. */
export class BoardPages {
  readonly #folder: string;
  readonly #server: BenchChild;
  readonly #bare: BenchChild;
  readonly browser: Browser;

  private constructor(folder: string, server: BenchChild, bare: BenchChild, browser: Browser) {
    this.#folder = folder;
    this.#server = server;
    this.#bare = bare;
    this.browser = browser;
  }

  static async open(...flags: readonly string[]): Promise<BoardPages> {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const pages = await buildBenchPages(join(folder, 'pages'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), items: ITEMS, pages });
    const bare = await startChild('bare-server.ts', join(folder, 'bare', 'floor.sqlite'));
    return new BoardPages(folder, server, bare, await openBrowser(...flags));
  }

  /** A page of ours in a context of its own, its list shown; rooms are kept on the device, as they are by default. */
  ours(room: string, { storage = 'device', pending = 0 }: Partial<Pick<BoardStart, 'storage' | 'pending'>> = {}): Promise<Page> {
    const start: BoardStart = { room, storage, rows: ITEMS, pending };
    return this.#shown(`board-ours.html#${encodeURIComponent(JSON.stringify(start))}`);
  }

  /** A page of the floor, whose changes take effect in its own worker, or through the bare server. */
  floor(through: 'worker' | 'server'): Promise<Page> {
    const start: RawStart = { url: through === 'server' ? this.#bare.url : null, items: ITEMS };
    return this.#shown(`board-floor.html#${encodeURIComponent(JSON.stringify(start))}`);
  }

  async #shown(path: string): Promise<Page> {
    const page = await this.open(path);
    await page.evaluate(() => bench.ready());
    return page;
  }

  /** Any of the pages, in a context of its own. */
  async open(path: string): Promise<Page> {
    const page = await openPage(this.browser, this.address(path));
    await page.waitForFunction(() => globalThis.bench !== undefined);
    return page;
  }

  address(path: string): string {
    return `${this.#server.url}/${path}`;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.#server.stop();
    await this.#bare.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
