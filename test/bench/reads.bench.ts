import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { DataDir } from '../../packages/server/src/host/node/data-dir.ts';
import { startChild } from './child.ts';
import { type Bench, type Figure, figureOf, interleave, type Pair, pairsBy, type Skipped } from './measure.ts';
import { ITEMS, type ReadKind } from './read-kinds.ts';
import { makeBoard, startReads } from './read-side.ts';
import { startServer } from './start-server.ts';
import { treeCpuMs } from './tree-cpu.ts';

const MEASURED_MS = 2_000;
/** Below it there is no core for a second reader process beside the server and its users. */
const CORES_FOR_SCALING = 4;
const USERS = 4;
const IN_FLIGHT = 2;
const ROOM = 'reads';

const WHAT: Readonly<Record<ReadKind, string>> = {
  analysis: 'window functions over all rows',
  lookup: 'a row by its key',
  list: 'a page of 50 rows',
  report: `figures over all ${ITEMS} rows`,
};

interface Measured {
  readonly perSecond: number;
  /** A read; of the server and its reader processes. NaN where the system does not tell. */
  readonly cpuMs: number;
}

/** How many reads a second a server answers, and what they cost it. */
export const readsBench: Bench = {
  name: 'reads',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const figures: (Figure | Skipped)[] = [];
    try {
      for (const kind of ['lookup', 'list', 'report', 'analysis'] as const) {
        say(`${WHAT[kind]}, one reader process`);
        figures.push(...(await costOf(kind, folder, runs)));
      }
      const cores = availableParallelism();
      if (cores < CORES_FOR_SCALING)
        figures.push({ name: 'reads-scaling', skipped: `${CORES_FOR_SCALING} cores are needed, and there are ${cores}` });
      else for (let readers = 2; readers < cores; readers += 1) figures.push(await scaling(readers, folder, runs, say));
      return figures;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function costOf(kind: ReadKind, folder: string, runs: number): Promise<(Figure | Skipped)[]> {
  const dataDir = join(folder, kind);
  const server = await startServer({ dataDir, items: ITEMS, hasTokens: true, readers: 1 });
  try {
    await makeBoard(server.url, ROOM);
    const path = new DataDir(dataDir).roomFiles({ name: 'board', id: ROOM }).database;
    const pairs = await interleave<Measured>(
      runs,
      () => measured(server, kind),
      () => bare(path, kind),
    );
    const floor = 'floor: better-sqlite3 on the same file in one thread, prepared once, rows to JSON';
    const what = `${WHAT[kind]}, ${USERS} users with ${IN_FLIGHT} each under way, over sockets and one reader process; ${floor}`;
    const perSecond = figureOf(
      { name: `reads-${kind}`, unit: 'reads/s', throughput: true, what },
      pairsBy(pairs, (one) => one.perSecond),
    );
    if (pairs.some(({ ours }) => Number.isNaN(ours.cpuMs)))
      return [perSecond, { name: `reads-${kind}-cpu`, skipped: 'this system does not tell the CPU time of processes' }];
    const ofCpu = `CPU of server and reader process a read; ${what}`;
    return [
      perSecond,
      figureOf(
        { name: `reads-${kind}-cpu`, unit: 'ms CPU/read', what: ofCpu },
        pairsBy(pairs, (one) => one.cpuMs),
      ),
    ];
  } finally {
    await server.stop();
  }
}

/** What so many reader processes answer beside one of them. */
async function scaling(readers: number, folder: string, runs: number, say: (line: string) => void): Promise<Figure> {
  say(`${readers} reader processes`);
  const serve = async (count: number, name: string) => {
    const server = await startServer({ dataDir: join(folder, `${readers}-${name}`), items: ITEMS, hasTokens: true, readers: count });
    await makeBoard(server.url, ROOM);
    return server;
  };
  const [many, one] = [await serve(readers, 'many'), await serve(1, 'one')];
  try {
    const pairs: Pair[] = await interleave(
      runs,
      async () => (await measured(many, 'report')).perSecond,
      async () => readers * (await measured(one, 'report')).perSecond,
    );
    const what = `${WHAT.report}, ${readers} reader processes; floor: ${readers} times what one answers`;
    return figureOf({ name: `reads-scaling-${readers}`, unit: 'reads/s', throughput: true, what }, pairs);
  } finally {
    await many.stop();
    await one.stop();
  }
}

async function measured({ url, pid }: { readonly url: string; readonly pid: number }, kind: ReadKind): Promise<Measured> {
  const client = await startReads({ url, room: ROOM, kind, users: USERS, inFlight: IN_FLIGHT });
  await client.count();
  const [startMs, startCpuMs] = [performance.now(), treeCpuMs(pid) ?? Number.NaN];
  await pass(MEASURED_MS);
  const reads = await client.count();
  const spentMs = (treeCpuMs(pid) ?? Number.NaN) - startCpuMs;
  const perSecond = (reads / (performance.now() - startMs)) * 1_000;
  await client.stop();
  return { perSecond, cpuMs: spentMs / reads };
}

async function bare(path: string, kind: ReadKind): Promise<Measured> {
  const child = await startChild('bare-reader.ts', path, kind, String(MEASURED_MS));
  const answer = JSON.parse(child.url) as Measured; // it says what it measured
  await child.stop();
  return answer;
}
