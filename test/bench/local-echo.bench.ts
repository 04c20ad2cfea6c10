import type { Page } from 'playwright';
import { BoardPages, ITEMS } from './board-pages.ts';
import { closePage } from './browser.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, type Figure, figureOf, interleave, type Pair, quantile } from './measure.ts';

/** Changes of which one run is the median. */
const CHANGES = 30;
/** Pending mutations of the figures with many of them, which have so many changes that there is a 99th of a hundred. */
const PENDING = 1_000;
const CHANGES_WITH_PENDING = 100;
/** Each run of theirs opens a page of its own. */
const RUNS_WITH_PENDING_MAX = 5;
const DEADLINE_MS = 60_000;

const UNTIL_SHOWN = `from mutate() until React has put the new title into a list of 50 out of ${ITEMS} rows, in Chromium`;
const FLOOR = 'floor: postMessage to a worker with raw sql.js, the UPDATE and the SELECT prepared, the rows back, the same tree';

/** A page changes what it shows itself. */
export const localEchoBench: Bench = {
  name: 'local-echo',
  async run({ runs, say }) {
    say('building the pages');
    const pages = await BoardPages.open();
    try {
      const floor = await pages.floor('worker');
      const figures: Figure[] = [];
      for (const storage of ['memory', 'device'] as const) {
        const ours = await pages.ours(`local-echo-${storage}`, { storage });
        const pairs = await interleave(
          runs,
          () => medianEcho(ours),
          () => medianEcho(floor),
        );
        await closePage(ours);
        figures.push(
          figureOf(
            storage === 'memory'
              ? { name: 'local-echo', unit: 'ms', what: `${UNTIL_SHOWN}, connected, median of ${CHANGES}; ${FLOOR}` }
              : {
                  name: 'local-echo-kept',
                  unit: 'ms',
                  what: `as local-echo, the room kept on the device; ${FLOOR}`,
                },
            pairs,
          ),
        );
      }
      say(`with ${PENDING} pending`);
      return [...figures, ...(await withPending(pages, floor, Math.min(runs, RUNS_WITH_PENDING_MAX)))];
    } finally {
      await pages.close();
    }
  },
};

async function withPending(pages: BoardPages, floor: Page, runs: number): Promise<Figure[]> {
  const p50: Pair[] = [];
  const p99: Pair[] = [];
  // The first one is not counted.
  for (let run = 0; run <= runs; run += 1) {
    const page = await pages.ours(`local-echo-pending-${run}`, { storage: 'device', pending: PENDING });
    const ours = await echo(page, CHANGES_WITH_PENDING);
    await closePage(page);
    const raw = await echo(floor, CHANGES_WITH_PENDING);
    if (run === 0) continue;
    p50.push({ ours: quantile(ours, 0.5), floor: quantile(raw, 0.5) });
    p99.push({ ours: quantile(ours, 0.99), floor: quantile(raw, 0.99) });
  }
  const what = `${UNTIL_SHOWN}, the room kept on the device, without a connection, with ${PENDING} and more mutations pending`;
  return [
    figureOf({ name: 'local-echo-pending', unit: 'ms', what: `${what}, median of ${CHANGES_WITH_PENDING}; ${FLOOR}` }, p50),
    figureOf({ name: 'local-echo-pending-p99', unit: 'ms', what: `${what}, 99th of ${CHANGES_WITH_PENDING}; ${FLOOR}` }, p99),
  ];
}

const medianEcho = async (page: Page): Promise<number> => quantile(await echo(page, CHANGES), 0.5);

function echo(page: Page, changes: number): Promise<number[]> {
  const shown = page.evaluate((count) => bench.echo(count), changes);
  return withDeadline(`${changes} changes`, DEADLINE_MS, shown);
}
