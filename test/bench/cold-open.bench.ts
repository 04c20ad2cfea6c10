import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { closePage, openBrowser, openPage } from './browser.ts';
import { buildPages } from './build-pages.ts';
import { withDeadline } from './deadline.ts';
import { imageOffer, waitForImage } from './image-offer.ts';
import { type Bench, figureOf, interleave } from './measure.ts';
import { startServer } from './start-server.ts';
import { tripSeedFile } from './trip-seed-file.ts';

const ROOM = 'japan';
const DEADLINE_MS = 60_000;

/** A page that nobody has been to, until a query over 138,398 cities has its rows. */
export const coldOpenBench: Bench = {
  name: 'cold-open',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    say('building the pages, and once the cities');
    const pages = await buildPages(join(folder, 'pages'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), pages, tripSeed: await tripSeedFile() });
    const browser = await openBrowser();
    try {
      await waitForImage(server.url, ROOM);
      let wanted = '';
      const check = (rows: string): void => {
        if (wanted === '') wanted = rows;
        if (rows !== wanted || !rows.includes('Kyoto')) throw new TypeError(`the rows are not what they should be: ${rows.slice(0, 300)}`);
      };
      const ours = (): Promise<number> => open(browser, `${server.url}/cold-open-ours.html#${ROOM}`, check);
      const floor = async (): Promise<number> => {
        const offer = await imageOffer(server.url, ROOM);
        if (offer === null) throw new TypeError('the room offers no image');
        return open(browser, `${server.url}/cold-open-floor.html#${encodeURIComponent(JSON.stringify(offer))}`, check);
      };
      const pairs = await interleave(runs, ours, floor);
      return [
        figureOf(
          {
            name: 'cold-open',
            unit: 'ms',
            what: 'a new page in a new browser context, from its navigation to the first rows of a query by index over 138,398 cities; floor: such a page whose worker fetches the same image, starts sql.js meanwhile, opens it and runs the query; loopback, built for production',
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

async function open(browser: Browser, url: string, check: (rows: string) => void): Promise<number> {
  const page = await openPage(browser, url);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  const { ms, rows } = await withDeadline(
    url,
    DEADLINE_MS,
    page.evaluate(() => bench.opened()),
  );
  await closePage(page);
  check(JSON.stringify(rows));
  return ms;
}
