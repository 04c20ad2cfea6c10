import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBrowser, openPage } from './browser.ts';
import { buildBenchPages } from './build-pages.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, median, type Pair } from './measure.ts';
import { pagesIn } from './serve-pages.ts';

const SMALL_MB = 1;
const LARGE_MB = 50;
/** Commits of which one run is the median. */
const COMMITS = 30;
const DEADLINE_MS = 120_000;

/** A tab keeps a commit that somebody else made. */
export const persistBench: Bench = {
  name: 'persist',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    say('building the pages');
    const server = createServer(pagesIn(await buildBenchPages(join(folder, 'pages'))));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const browser = await openBrowser();
    try {
      const { port } = server.address() as AddressInfo; // it listens on a port
      const page = await openPage(browser, `http://127.0.0.1:${port}/persist.html`);
      await page.waitForFunction(() => globalThis.bench !== undefined);
      const request = { megabytes: [SMALL_MB, LARGE_MB], count: COMMITS };
      const medians: { small: number; large: number; floor: number }[] = [];
      // The first one writes the images, too, and is not counted.
      for (let run = 0; run <= runs; run += 1) {
        const persisting = page.evaluate((asked) => bench.persist(asked), request);
        const { rooms, floor } = await withDeadline(`${COMMITS} commits`, DEADLINE_MS, persisting);
        const [small = [], large = []] = rooms;
        if (run > 0) medians.push({ small: median(small), large: median(large), floor: median(floor) });
      }
      return figuresOf(medians);
    } finally {
      await browser.close();
      server.close();
      rmSync(folder, { recursive: true });
    }
  },
};

function figuresOf(medians: readonly { readonly small: number; readonly large: number; readonly floor: number }[]) {
  const over = (size: number): string =>
    `a commit of one row onto a kept database of ${size} MB, through the product's storage in IndexedDB in a worker, until its transaction is complete, median of ${COMMITS}; floor: one put of the same bytes in a transaction of its own, as durable`;
  const pairs = (of: (one: (typeof medians)[number]) => Pair): Pair[] => medians.map(of);
  return [
    figureOf(
      { name: 'persist', unit: 'ms', what: over(SMALL_MB) },
      pairs(({ small, floor }) => ({ ours: small, floor })),
    ),
    figureOf(
      { name: 'persist-large', unit: 'ms', what: over(LARGE_MB) },
      pairs(({ large, floor }) => ({ ours: large, floor })),
    ),
    figureOf(
      { name: 'persist-growth', unit: 'ms', what: `what persist takes with ${LARGE_MB} MB; floor: what it takes with ${SMALL_MB} MB` },
      pairs(({ small, large }) => ({ ours: large, floor: small })),
    ),
  ];
}
