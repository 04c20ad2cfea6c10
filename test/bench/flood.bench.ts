import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchChild, startChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, type Pair, figureOf, interleave, quantile } from './measure.ts';
import { latenciesMs, Writer } from './paced-writers.ts';
import { startServer } from './start-server.ts';

const SESSIONS = 20;
const PACE = { mutations: 500, perSecond: 100 };
/** `sessionMutationsPerSecondMax` where nothing is set. */
const LIMIT_PER_SECOND = 1_000;
const TIMES_THE_LIMIT = 100;
const DEADLINE_MS = 120_000;

/** What the others in a room notice of a session that sends a hundred times as much as it may. */
export const floodBench: Bench = {
  name: 'flood',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), hasTokens: true, items: 1 });
    const others: Writer[] = [];
    try {
      for (let index = 0; index < SESSIONS; index += 1) others.push(await Writer.join(server.url, index));
      const quantiles: Record<'p99' | 'p50', Pair[]> = { p99: [], p50: [] };
      const measured = { ours: [] as number[][], floor: [] as number[][] };
      await interleave(
        runs,
        async () => {
          const flood = await withDeadline('the flood', DEADLINE_MS, startFlood(server.url));
          measured.ours.push(await withDeadline('commits under a flood', DEADLINE_MS, latenciesMs(others, PACE)));
          await flood.stop();
          say(`with: p50 ${lastOf(measured.ours, 0.5)} ms, p99 ${lastOf(measured.ours, 0.99)} ms`);
          return 0;
        },
        async () => {
          measured.floor.push(await withDeadline('commits', DEADLINE_MS, latenciesMs(others, PACE)));
          say(`without: p50 ${lastOf(measured.floor, 0.5)} ms, p99 ${lastOf(measured.floor, 0.99)} ms`);
          return 0;
        },
      );
      // The first pair is not counted.
      for (let run = 1; run <= runs; run += 1) {
        const [ours, floor] = [measured.ours[run] ?? [], measured.floor[run] ?? []];
        quantiles.p99.push({ ours: quantile(ours, 0.99), floor: quantile(floor, 0.99) });
        quantiles.p50.push({ ours: quantile(ours, 0.5), floor: quantile(floor, 0.5) });
      }
      const what = `from a push to its result, ${SESSIONS} sessions with ${PACE.perSecond} mutations/s together, while another user sends ${TIMES_THE_LIMIT} times its limit (${LIMIT_PER_SECOND}/s); floor: without that one`;
      return [
        figureOf({ name: 'flood', unit: 'ms', what: `p99 ${what}` }, quantiles.p99),
        figureOf({ name: 'flood-p50', unit: 'ms', what: `median ${what}` }, quantiles.p50),
      ];
    } finally {
      for (const other of others) other.socket.raw.terminate();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

const lastOf = (runs: readonly (readonly number[])[], share: number): string => quantile(runs.at(-1) ?? [], share).toFixed(1);

/** Resolves once it has had what it may send at once, and is refused. */
const startFlood = (url: string): Promise<BenchChild> =>
  startChild('flood-client.ts', url, JSON.stringify({ sub: 'flood' }), String(LIMIT_PER_SECOND * TIMES_THE_LIMIT));
