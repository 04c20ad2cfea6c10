import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import type { BenchChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, interleave, median, pairsBy, quantile } from './measure.ts';
import { latenciesMs, Writer } from './paced-writers.ts';
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

interface Measured {
  readonly p99Ms: number;
  readonly p50Ms: number;
  /** Of the process that writes, a mutation. */
  readonly cpuMs: number;
}

/** What who writes notices of reads that keep every reader process busy. */
export const writerUnderReadsBench: Bench = {
  name: 'writer-under-reads',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), items: ITEMS, hasTokens: true });
    const writers: Writer[] = [];
    try {
      for (let index = 0; index < WRITERS; index += 1) writers.push(await Writer.join(server.url, index));
      const reads = await startReads({ url: server.url, room: 'team', kind: 'analysis', users: READERS_USERS, inFlight: IN_FLIGHT });
      await reads.turn();
      const perSecond: number[] = [];
      const told = (side: string, { p50Ms, p99Ms, cpuMs }: Measured): void =>
        say(`${side}: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ${cpuMs.toFixed(3)} ms CPU`);
      const pairs = await interleave<Measured>(
        ROUNDS_PER_RUN * runs,
        async () => {
          await reads.turn();
          await pass(SETTLE_MS);
          await reads.count();
          const startMs = performance.now();
          const figures = await measured(server, writers);
          perSecond.push(((await reads.count()) / (performance.now() - startMs)) * 1_000);
          await reads.turn();
          told('under reads', figures);
          return figures;
        },
        async () => {
          await pass(SETTLE_MS);
          const figures = await measured(server, writers);
          told('idle', figures);
          return figures;
        },
      );
      await reads.stop();
      const what = `${WRITERS} sessions with ${PACE.perSecond} mutations/s together, while all reader processes are busy with window functions over ${ITEMS} rows (${median(perSecond).toFixed(0)} reads/s); floor: without reads`;
      const of = (name: string, unit: string, kind: string, value: (one: Measured) => number) =>
        figureOf({ name, unit, what: `${kind}, ${what}` }, pairsBy(pairs, value));
      return [
        of('writer-under-reads', 'ms', 'p99 from a push to its result', ({ p99Ms }) => p99Ms),
        of('writer-under-reads-p50', 'ms', 'median from a push to its result', ({ p50Ms }) => p50Ms),
        of('writer-under-reads-cpu', 'ms CPU/mutation', 'CPU of the process that writes a mutation', ({ cpuMs }) => cpuMs),
      ];
    } finally {
      for (const { socket } of writers) socket.raw.terminate();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

async function measured(server: BenchChild, writers: readonly Writer[]): Promise<Measured> {
  await server.cpuMs();
  const latencies = await withDeadline('commits', DEADLINE_MS, latenciesMs(writers, PACE));
  return { p99Ms: quantile(latencies, 0.99), p50Ms: quantile(latencies, 0.5), cpuMs: (await server.cpuMs()) / PACE.mutations };
}
