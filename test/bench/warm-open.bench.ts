import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { closePage, openBrowser, openPage } from './browser.ts';
import { buildPages } from './build-pages.ts';
import { withDeadline } from './deadline.ts';
import { imageOffer, waitForImage } from './image-offer.ts';
import { type Bench, figureOf, interleave } from './measure.ts';
import { startServer } from './start-server.ts';
import { tripSeedFile } from './trip-seed-file.ts';

const ROOM = 'japan';
const DEADLINE_MS = 60_000;

/** A page that somebody comes back to, until a query over 138,398 cities has its rows from the device. */
export const warmOpenBench: Bench = {
  name: 'warm-open',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    say('building the pages, and once the cities');
    const pages = await buildPages(join(folder, 'pages'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), pages, tripSeed: await tripSeedFile() });
    const browser = await openBrowser();
    try {
      await waitForImage(server.url, ROOM);
      const offer = JSON.stringify(await imageOffer(server.url, ROOM));
      const ours = await openPage(browser, `${server.url}/cold-open-ours.html#${ROOM}`);
      const floor = await openPage(browser, `${server.url}/warm-open-floor.html#${encodeURIComponent(offer)}`);
      say('a first visit');
      const wanted = await rowsOf(ours);
      for (const page of [ours, floor])
        await withDeadline(
          'what is kept',
          DEADLINE_MS,
          page.evaluate(() => bench.saved()),
        );
      const pairs = await interleave(
        runs,
        () => comeBack(ours, wanted),
        () => comeBack(floor, wanted),
      );
      for (const page of [ours, floor]) await closePage(page);
      return [
        figureOf(
          {
            name: 'warm-open',
            unit: 'ms',
            what: 'a page that is loaded again, from its navigation to the first rows of a query by index over 138,398 cities; floor: such a page whose worker reads the same image out of IndexedDB as one value, unchecked, starts sql.js meanwhile, opens it and runs the query; loopback, built for production',
          },
          pairs,
        ),
      ];
    } finally {
      await browser.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

async function comeBack(page: Page, wanted: string): Promise<number> {
  await page.reload({ waitUntil: 'commit' });
  await page.waitForFunction(() => globalThis.bench !== undefined);
  const { ms, rows } = await withDeadline(
    page.url(),
    DEADLINE_MS,
    page.evaluate(() => bench.opened()),
  );
  if (JSON.stringify(rows) !== wanted) throw new TypeError(`the rows are not what they should be: ${JSON.stringify(rows).slice(0, 300)}`);
  return ms;
}

async function rowsOf(page: Page): Promise<string> {
  await page.waitForFunction(() => globalThis.bench !== undefined);
  const { rows } = await withDeadline(
    page.url(),
    DEADLINE_MS,
    page.evaluate(() => bench.opened()),
  );
  const text = JSON.stringify(rows);
  if (!text.includes('Kyoto')) throw new TypeError(`the rows are not what they should be: ${text.slice(0, 300)}`);
  return text;
}
