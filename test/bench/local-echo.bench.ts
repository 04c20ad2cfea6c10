import type { Page } from 'playwright';
import { BoardPages, ITEMS } from './board-pages.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, interleave, median } from './measure.ts';

/** Changes of which one run is the median. */
const CHANGES = 30;
const DEADLINE_MS = 60_000;

/** A page changes what it shows itself. */
export const localEchoBench: Bench = {
  name: 'local-echo',
  async run({ runs, say }) {
    say('building the pages');
    const pages = await BoardPages.open();
    try {
      const ours = await pages.ours('local-echo');
      const floor = await pages.floor('worker');
      const pairs = await interleave(
        runs,
        () => echo(ours),
        () => echo(floor),
      );
      return [
        figureOf(
          {
            name: 'local-echo',
            unit: 'ms',
            what: `from mutate() until React has put the new title into a list of 50 out of ${ITEMS} rows, in Chromium, connected, median of ${CHANGES}; floor: postMessage to a worker with raw sql.js, the UPDATE and the SELECT prepared, the rows back, the same tree`,
          },
          pairs,
        ),
      ];
    } finally {
      await pages.close();
    }
  },
};

async function echo(page: Page): Promise<number> {
  const shown = page.evaluate((count) => bench.echo(count), CHANGES);
  return median(await withDeadline(`${CHANGES} changes`, DEADLINE_MS, shown));
}
