import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { type Bench, type BenchOptions, type Figure, figureOf, interleave, median, type PairOf, pairsBy } from './measure.ts';
import { Writer, type WriterFigures, writerFigures } from './paced-writers.ts';
import { ITEMS } from './read-kinds.ts';
import { startReads } from './read-side.ts';
import { startServer } from './start-server.ts';

const WRITERS = 10;
/** Short, and many: whatever else the machine does falls on single rounds. */
const PACE = { mutations: 400, perSecond: 200 };
const ROUNDS_PER_RUN = 3;
/** Reads under way end meanwhile, or have all begun. */
const SETTLE_MS = 300;
const READERS_USERS = 4;
const IN_FLIGHT = 2;
const DEADLINE_MS = 120_000;

/** What who writes notices of reads that keep every reader process busy: as many as leave one core to who writes, and one on each core. */
export const writerUnderReadsBench: Bench = {
  name: 'writer-under-reads',
  async run(options) {
    const cores = availableParallelism();
    const figures = await underReads('writer-under-reads', Math.max(1, cores - 1), options);
    return [...figures, ...(await underReads('writer-under-reads-all-cores', Math.max(2, cores), options))];
  },
};

async function underReads(name: string, readers: number, { runs, say }: BenchOptions): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
  const server = await startServer({ dataDir: join(folder, 'rooms'), items: ITEMS, hasTokens: true, readers });
  const writers: Writer[] = [];
  try {
    for (let index = 0; index < WRITERS; index += 1) writers.push(await Writer.join(server.url, index));
    const reads = await startReads({ url: server.url, room: 'team', kind: 'analysis', users: READERS_USERS, inFlight: IN_FLIGHT });
    await reads.turn();
    const perSecond: number[] = [];
    const told = (side: string, { p50Ms, p99Ms, cpuMs }: WriterFigures): void =>
      say(`${side}: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ${cpuMs.toFixed(3)} ms CPU`);
    const pairs = await interleave<WriterFigures>(
      ROUNDS_PER_RUN * runs,
      async () => {
        await reads.turn();
        await pass(SETTLE_MS);
        await reads.count();
        const startMs = performance.now();
        const figures = await writerFigures(server, writers, PACE, DEADLINE_MS);
        perSecond.push(((await reads.count()) / (performance.now() - startMs)) * 1_000);
        await reads.turn();
        told(`${readers} readers busy`, figures);
        return figures;
      },
      async () => {
        await pass(SETTLE_MS);
        const figures = await writerFigures(server, writers, PACE, DEADLINE_MS);
        told('idle', figures);
        return figures;
      },
    );
    await reads.stop();
    return figuresOf(
      name,
      `${readers} reader processes are busy with window functions over ${ITEMS} rows (${median(perSecond).toFixed(0)} reads/s)`,
      pairs,
    );
  } finally {
    for (const { socket } of writers) socket.raw.terminate();
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

function figuresOf(name: string, reads: string, pairs: readonly PairOf<WriterFigures>[]): Figure[] {
  const what = `${WRITERS} sessions with ${PACE.perSecond} mutations/s together, while ${reads} on ${availableParallelism()} cores; floor: without reads`;
  const of = (ending: string, unit: string, kind: string, value: (one: WriterFigures) => number): Figure =>
    figureOf({ name: `${name}${ending}`, unit, what: `${kind}, ${what}` }, pairsBy(pairs, value));
  return [
    of('', 'ms', 'p99 from a push to its result', ({ p99Ms }) => p99Ms),
    of('-p50', 'ms', 'median from a push to its result', ({ p50Ms }) => p50Ms),
    of('-cpu', 'ms CPU/mutation', 'CPU of the process that writes a mutation', ({ cpuMs }) => cpuMs),
  ];
}
