import type { Page } from 'playwright';
import { closePage } from './browser.ts';
import { CityPages } from './city-pages.ts';
import { type Bench, figureOf, interleave } from './measure.ts';

/** A page that somebody comes back to, until a query over 138,398 cities has its rows from the device. */
export const warmOpenBench: Bench = {
  name: 'warm-open',
  async run({ runs, say }) {
    say('building the pages, and once the cities');
    const pages = await CityPages.open();
    const comeBack = async (page: Page): Promise<number> => {
      await page.reload({ waitUntil: 'commit' });
      return pages.openedMs(page);
    };
    try {
      const ours = await pages.ours();
      const floor = await pages.floor('warm-open-floor');
      say('a first visit');
      for (const page of [ours, floor]) {
        await pages.openedMs(page);
        await pages.saved(page);
      }
      const pairs = await interleave(
        runs,
        () => comeBack(ours),
        () => comeBack(floor),
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
      await pages.close();
    }
  },
};
