import type { Page } from 'playwright';
import { closePage } from './browser.ts';
import { CityPages } from './city-pages.ts';
import { type Bench, figureOf, interleave } from './measure.ts';

/** A page that nobody has been to, until a query over 138,398 cities has its rows. */
export const coldOpenBench: Bench = {
  name: 'cold-open',
  async run({ runs, say }) {
    say('building the pages, and once the cities');
    const pages = await CityPages.open();
    const visit = async (opening: Promise<Page>): Promise<number> => {
      const page = await opening;
      const ms = await pages.openedMs(page);
      await closePage(page);
      return ms;
    };
    try {
      const pairs = await interleave(
        runs,
        () => visit(pages.ours()),
        () => visit(pages.floor('cold-open-floor')),
      );
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
      await pages.close();
    }
  },
};
