import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { WebSocket } from 'ws';
import { BoardSocket } from './board-socket.ts';
import { closePage, openBrowser, openPage } from './browser.ts';
import { buildBenchPages } from './build-pages.ts';
import { type BenchChild, startChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, type Figure, figureOf, interleave, reportOf } from './measure.ts';
import { startServer } from './start-server.ts';
import { tripSeedFile } from './trip-seed-file.ts';

const SOCKETS = 2_000;
/** Each run starts processes anew; memory varies less than time. */
const RUNS_MAX = 3;
const DEADLINE_MS = 60_000;
const KB = 1024;
const MB = 1024 * KB;

/** What an idle session costs the server, and what a replica costs a tab. */
export const memoryBench: Bench = {
  name: 'memory',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const count = Math.min(runs, RUNS_MAX);
    try {
      say(`${SOCKETS} idle sessions`);
      const session = await sessionFigure(folder, count);
      say('a tab with 138,398 cities');
      return [session, ...(await tabFigures(folder, count))];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function sessionFigure(folder: string, runs: number): Promise<Figure> {
  let round = 0;
  const ours = async (): Promise<number> => {
    round += 1;
    const child = await startServer({ dataDir: join(folder, `rooms-${round}`) });
    // A room that is open already: what a session adds is measured, not what a room does.
    const first = await BoardSocket.join(child.url, 'memory', 'first');
    return growthOf(child, (index) => BoardSocket.join(child.url, 'memory', `client-${index}`), first);
  };
  const floor = async (): Promise<number> => {
    round += 1;
    const child = await startChild('bare-server.ts', join(folder, `bare-${round}`, 'floor.sqlite'));
    return growthOf(child, () => bareSocket(child.url), await bareSocket(child.url));
  };
  return figureOf(
    {
      name: 'memory-session',
      unit: 'KB',
      what: `resident memory of the server a further idle session in an open room, after a garbage collection, of ${SOCKETS}; floor: a socket of a bare ws process`,
    },
    await interleave(runs, ours, floor),
  );
}

type Closable = { close(): unknown };

async function growthOf(child: BenchChild, open: (index: number) => Promise<Closable>, first: Closable): Promise<number> {
  const before = await child.rssBytes();
  const sockets: Closable[] = [first];
  for (let index = 0; index < SOCKETS; index += 1) sockets.push(await open(index));
  const after = await child.rssBytes();
  await Promise.all(sockets.map((socket) => socket.close()));
  await child.stop();
  return (after - before) / SOCKETS / KB;
}

function bareSocket(url: string): Promise<Closable> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ close: () => socket.terminate() }));
    socket.once('error', reject);
  });
}

interface TabMemory {
  /** Of everything in the page's process group that JavaScript and WebAssembly hold, workers included, in bytes. */
  readonly held: number;
  /** Highest resident memory of the page's process so far, in bytes; null where the system does not tell. */
  readonly peak: number | null;
}

async function tabFigures(folder: string, runs: number): Promise<Figure[]> {
  const pages = await buildBenchPages(join(folder, 'pages'));
  const full = await startServer({ dataDir: join(folder, 'full'), pages, tripSeed: await tripSeedFile() });
  const empty = await startServer({ dataDir: join(folder, 'empty'), pages });
  try {
    const pairs: { full: TabMemory; empty: TabMemory }[] = [];
    // The first one makes the image.
    await tabMemory(full.url, 'Kyoto');
    for (let run = 0; run < runs; run += 1)
      pairs.push({ full: await tabMemory(full.url, 'Kyoto'), empty: await tabMemory(empty.url, '[]') });
    const held = pairs.map((pair) => (pair.full.held - pair.empty.held) / MB);
    const peaks = pairs.flatMap((pair) =>
      pair.full.peak === null || pair.empty.peak === null ? [] : [(pair.full.peak - pair.empty.peak) / MB],
    );
    const of = 'a tab whose room holds 138,398 cities above one whose room is empty';
    return [
      reportOf(
        { name: 'memory-worker', unit: 'MB', what: `what JavaScript and WebAssembly hold once the query has its rows: ${of}` },
        held,
      ),
      ...(peaks.length === 0
        ? []
        : [
            reportOf(
              { name: 'memory-peak', unit: 'MB', what: `highest resident memory of the page's process while it loads: ${of}` },
              peaks,
            ),
          ]),
    ];
  } finally {
    await full.stop();
    await empty.stop();
  }
}

/** Of a page in a browser of its own, so that its process is its own too. */
async function tabMemory(url: string, expected: string): Promise<TabMemory> {
  const browser = await openBrowser('--enable-blink-features=ForceEagerMeasureMemory');
  try {
    const page = await openPage(browser, `${url}/cold-open-ours.html#memory`);
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const { rows } = await withDeadline(
      url,
      DEADLINE_MS,
      page.evaluate(() => bench.opened()),
    );
    if (!JSON.stringify(rows).includes(expected))
      throw new TypeError(`the rows are not what they should be: ${JSON.stringify(rows).slice(0, 300)}`);
    const peak = await highestResident(browser);
    const held = await withDeadline(
      'measuring memory',
      DEADLINE_MS,
      page.evaluate(() => bench.memoryBytes()),
    );
    await closePage(page);
    return { held, peak };
  } finally {
    await browser.close();
  }
}

/** Of the renderer that used most. */
async function highestResident(browser: Browser): Promise<number | null> {
  if (process.platform !== 'linux') return null;
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0));
  return Math.max(...peaks) * KB;
}
