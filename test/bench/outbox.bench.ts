import type { Page } from 'playwright';
import { BoardPages, ITEMS } from './board-pages.ts';
import { closePage } from './browser.ts';
import { withDeadline } from './deadline.ts';
import { longestTaskMs } from './longest-task.ts';
import { type Bench, type Figure, figureOf, type Pair, reportOf } from './measure.ts';
import type { OutboxStart } from './pages/outbox-start.ts';

const CALLS = 10_000;
/** Each run is some seconds long. */
const RUNS_MAX = 5;
const DEADLINE_MS = 120_000;
const MB = 1024 * 1024;

/** Days without a server: many mutations are kept, found again after a reload, and pushed. */
export const outboxBench: Bench = {
  name: 'outbox-10000',
  async run({ runs, say }) {
    say('building the pages');
    const pages = await BoardPages.open('--enable-blink-features=ForceEagerMeasureMemory');
    try {
      const both: { ours: OurRun; floor: Kept }[] = [];
      let taskMs = 0;
      // The first one is not timed, so it can be traced.
      for (let run = 0; run <= Math.min(runs, RUNS_MAX); run += 1) {
        say(`run ${run}`);
        const start = { room: `outbox-${run}`, rows: ITEMS, calls: CALLS };
        if (run === 0) {
          taskMs = await ourLongestTaskMs(pages, start);
          await runFloor(pages, start);
          continue;
        }
        const oursFirst = run % 2 === 0;
        const first = oursFirst ? null : await runFloor(pages, start);
        const ours = await runOurs(pages, start);
        const floor = first ?? (await runFloor(pages, start));
        both.push({ ours, floor });
      }
      return figuresOf(both, taskMs);
    } finally {
      await pages.close();
    }
  },
};

interface Kept {
  readonly fillMs: number;
  readonly restoredMs: number;
}

interface OurRun extends Kept {
  readonly pushMs: number;
  /** The longest of all phases. */
  readonly stallMs: number;
  /** What all of them pending add, in bytes. */
  readonly memoryBytes: number;
}

type Start = Omit<OutboxStart, 'isAway'>;

const pathOf = (side: 'ours' | 'floor', visit: number, start: Start, isAway: boolean): string =>
  `outbox-${side}.html?visit=${visit}#${encodeURIComponent(JSON.stringify({ ...start, isAway } satisfies OutboxStart))}`;

/** Without what opening and closing a page costs the browser, and without measuring its memory, which collects its garbage. */
async function ourLongestTaskMs(pages: BoardPages, start: Start): Promise<number> {
  const page = await pages.open(pathOf('ours', 1, start, false));
  const taskMs = await longestTaskMs(pages.browser, () => runOn(page, pages, start, () => Promise.resolve(0)));
  await closePage(page);
  return taskMs;
}

async function runOurs(pages: BoardPages, start: Start): Promise<OurRun> {
  const page = await pages.open(pathOf('ours', 1, start, false));
  const run = await runOn(page, pages, start, () => page.evaluate(() => bench.memoryBytes()));
  await closePage(page);
  return run;
}

async function runOn(page: Page, pages: BoardPages, start: Start, heldBytes: () => Promise<number>): Promise<OurRun> {
  await timely(
    'a first visit',
    page.evaluate(() => bench.ready()),
  );
  const before = await heldBytes();
  const fillMs = await timely(
    'keeping',
    page.evaluate(() => bench.fill()),
  );
  const fillStallMs = await page.evaluate(() => bench.longestStallMs());
  const restoredMs = await comeBack(page, pages.address(pathOf('ours', 2, start, true)));
  const held = await heldBytes();
  const pushMs = await timely(
    'pushing',
    page.evaluate(() => bench.push()),
  );
  const stallMs = Math.max(fillStallMs, await page.evaluate(() => bench.longestStallMs()));
  return { fillMs, restoredMs, pushMs, stallMs, memoryBytes: held - before };
}

async function runFloor(pages: BoardPages, start: Start): Promise<Kept> {
  const page = await pages.open(pathOf('floor', 1, start, false));
  await timely(
    'a first visit',
    page.evaluate(() => bench.ready()),
  );
  const fillMs = await timely(
    'keeping',
    page.evaluate(() => bench.fill()),
  );
  const restoredMs = await comeBack(page, pages.address(pathOf('floor', 2, start, true)));
  await closePage(page);
  return { fillMs, restoredMs };
}

async function comeBack(page: Page, address: string): Promise<number> {
  await page.goto(address, { waitUntil: 'commit' });
  await page.waitForFunction(() => globalThis.bench !== undefined);
  return timely(
    'coming back',
    page.evaluate(() => bench.restored()),
  );
}

const timely = <Value>(what: string, value: Promise<Value>): Promise<Value> => withDeadline(what, DEADLINE_MS, value);

function figuresOf(both: readonly { readonly ours: OurRun; readonly floor: Kept }[], taskMs: number): Figure[] {
  const pairs = (ours: (run: OurRun) => number, floor: (kept: Kept) => number): Pair[] =>
    both.map((pair) => ({ ours: ours(pair.ours), floor: floor(pair.floor) }));
  const each = `${CALLS} calls, each of its own row among ${ITEMS}, half of them inserts`;
  return [
    figureOf(
      {
        name: 'outbox-10000',
        unit: 'ms',
        what: `${each}: made without a connection until all are on the disk, shown again after a reload, pushed until the room has decided all; floor: the same calls as one row each written to IndexedDB, read by a page that is loaded again and run on sql.js by hand, pushed nowhere`,
      },
      pairs(
        ({ fillMs, restoredMs, pushMs }) => fillMs + restoredMs + pushMs,
        ({ fillMs, restoredMs }) => fillMs + restoredMs,
      ),
    ),
    figureOf(
      { name: 'outbox-10000-kept', unit: 'ms', what: `of these until all are on the disk; floor: its writing, a hundred a transaction` },
      pairs(
        ({ fillMs }) => fillMs,
        ({ fillMs }) => fillMs,
      ),
    ),
    figureOf(
      {
        name: 'outbox-10000-shown',
        unit: 'ms',
        what: 'of these from the navigation until all are shown again; floor: its page, until they are run',
      },
      pairs(
        ({ restoredMs }) => restoredMs,
        ({ restoredMs }) => restoredMs,
      ),
    ),
    reportOf(
      { name: 'outbox-10000-pushed', unit: 'ms', what: 'of these until the room has decided all, each on its disk' },
      both.map(({ ours }) => ours.pushMs),
    ),
    reportOf(
      {
        name: 'outbox-10000-task',
        unit: 'ms',
        what: "CPU time of the longest task of the page's own thread in all of these, in one traced run; to stay under 50",
      },
      [taskMs],
    ),
    reportOf(
      {
        name: 'outbox-10000-stall',
        unit: 'ms',
        what: "the longest a timer of the page's own thread was late in all of these: with waiting for a processor where others are at work",
      },
      both.map(({ ours }) => ours.stallMs),
    ),
    reportOf(
      { name: 'outbox-10000-memory', unit: 'MB', what: 'what the page and its worker hold more with all of them pending than with none' },
      both.map(({ ours }) => ours.memoryBytes / MB),
    ),
  ];
}
