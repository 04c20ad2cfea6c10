import type { Page } from 'playwright';
import { BoardPages, ITEMS } from './board-pages.ts';
import { closePage } from './browser.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, type Figure, figureOf, interleave } from './measure.ts';

/** Each turn is an edit in one page that the other one shows; even, so that the page that serves sees the last one. */
const TURNS = 60;
const DEADLINE_MS = 60_000;

/** An edit on its way from one browser context into another. */
export const tabToTabBench: Bench = {
  name: 'tab-to-tab',
  async run({ runs, say }) {
    say('building the pages');
    const pages = await BoardPages.open();
    try {
      const figures: Figure[] = [];
      for (const storage of ['memory', 'device'] as const) {
        const room = `tab-to-tab-${storage}`;
        const ours = [await pages.ours(room, { storage }), await pages.ours(room, { storage })] as const;
        // As new as ours: code that has run for long is faster.
        const floor = [await pages.floor('server'), await pages.floor('server')] as const;
        const pairs = await interleave(
          runs,
          () => play(...ours),
          () => play(...floor),
        );
        for (const page of [...ours, ...floor]) await closePage(page);
        figures.push(
          figureOf(
            storage === 'memory' ? WHAT : { ...WHAT, name: 'tab-to-tab-kept', what: 'as tab-to-tab, the room kept on both devices' },
            pairs,
          ),
        );
      }
      return figures;
    } finally {
      await pages.close();
    }
  },
};

const WHAT = {
  name: 'tab-to-tab',
  unit: 'ms',
  what: `from an edit in one browser context until it stands in the document of another, over loopback: two pages with a list of 50 out of ${ITEMS} rows answer each other ${TURNS} times, so one clock measures; floor: bare ws, one better-sqlite3 commit a message, raw sql.js in a worker, the same tree`,
};

let lastGame = 0;

async function play(first: Page, second: Page): Promise<number> {
  lastGame += 1;
  const game = { number: lastGame, turns: TURNS };
  // Answered when the other page has shown what it has to see; it listens from the moment it is asked.
  const over = second.evaluate(({ number, turns }) => bench.play(number, turns), game);
  await second.evaluate(() => null);
  const served = first.evaluate(({ number, turns }) => bench.serve(number, turns), game);
  const tookMs = await withDeadline(`${TURNS} turns`, DEADLINE_MS, served);
  await over;
  return tookMs / TURNS;
}
