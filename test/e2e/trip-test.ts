import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContextOptions, test as base } from '@playwright/test';
import type { Role } from '../../examples/trip-planner/src/trip-key.ts';
import { DemoServer, TemporaryFolder } from './demo-server.ts';
import { TripPage } from './trip-page.ts';

interface Visitor extends BrowserContextOptions {
  /** Whose window it is; remembered by the browser as from an earlier visit. */
  readonly name: string;
  readonly color?: string;
  /** Who it is where two have the same name. */
  readonly id?: string;
  /** The name was drawn for them; they never said one. */
  readonly isInvented?: boolean;
  /** What their link is good for; to edit unless said otherwise. */
  readonly role?: Role;
}

interface TripFixtures {
  /** Address of a trip that nobody has seen yet. */
  readonly tripUrl: string;
  /** A window in a browser of its own: nothing is shared with the others but the server. */
  readonly visit: (visitor: Visitor, url?: string) => Promise<TripPage>;
  /** A server that this test may kill and freeze, and start again at the same place. */
  readonly ownServer: OwnServer;
}

export class OwnServer {
  readonly #folder = new TemporaryFolder();
  readonly #copy = new TemporaryFolder();
  #server: DemoServer | null = null;

  /** The server as it runs now. */
  get now(): DemoServer {
    if (this.#server === null) throw new Error('the server was not started');
    return this.#server;
  }

  /** Starts it; after a kill again, on the same port and with what is left on the disk. */
  async start(): Promise<void> {
    const port = this.#server?.port ?? 0;
    this.#server = await DemoServer.start({ dataDir: this.#dataDir, port });
  }

  /** Stops it, takes a copy of all its trips, and starts it again. */
  async copyTrips(): Promise<void> {
    await this.now.stop();
    cpSync(this.#dataDir, this.#copy.path, { recursive: true });
    await this.start();
  }

  /** Stops it, puts the copy in the place of all its trips, and starts it again. */
  async putBackTrips(): Promise<void> {
    await this.now.stop();
    rmSync(this.#dataDir, { recursive: true });
    cpSync(this.#copy.path, this.#dataDir, { recursive: true });
    await this.start();
  }

  get #dataDir(): string {
    return join(this.#folder.path, 'trips');
  }

  tripUrl(id: string): string {
    return `${this.now.url}trip/${id}`;
  }

  async end(): Promise<void> {
    this.#server?.thaw();
    await this.#server?.kill();
    this.#folder.remove();
    this.#copy.remove();
  }
}

let trips = 0;

/** Tests with a running demo. Its server is one per worker; each test has a trip of its own. */
export const test = base.extend<TripFixtures, { demo: DemoServer }>({
  demo: [
    // Playwright finds out what a fixture needs by its first parameter, which has to be a pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const folder = new TemporaryFolder();
      const server = await DemoServer.start({ dataDir: folder.path });
      await use(server);
      await server.stop();
      folder.remove();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  tripUrl: async ({ demo }, use) => {
    trips += 1;
    await use(`${demo.url}trip/test-${trips}`);
  },
  visit: async ({ browser, tripUrl }, use) => {
    const pages: TripPage[] = [];
    await use(async ({ name, color = 'teal', id = name, isInvented = false, role = 'edit', ...options }, url = tripUrl) => {
      const { origin } = new URL(url);
      const secret = `visitor${id.toLowerCase()}`.padEnd(26, 'x');
      const visitor = JSON.stringify({ id: secret, secret, name, isInvented, color });
      const context = await browser.newContext({
        ...options,
        storageState: { cookies: [], origins: [{ origin, localStorage: [{ name: 'trip-planner.visitor', value: visitor }] }] },
      });
      const page = new TripPage(await context.newPage());
      pages.push(page);
      await page.open(url, role);
      return page;
    });
    for (const { context } of pages) await context.close();
  },
  // oxlint-disable-next-line no-empty-pattern
  ownServer: async ({}, use) => {
    const server = new OwnServer();
    await server.start();
    await use(server);
    await server.end();
  },
});
