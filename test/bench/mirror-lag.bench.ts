import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type BenchChild, startChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, type Figure, figureOf, interleave, type Pair, type PairOf, pairsBy, quantile, reportOf } from './measure.ts';
import { type PushResult, Writer, type WriterFigures, writerFigures } from './paced-writers.ts';
import type { ClusterUrls } from './pg-cluster-child.ts';
import { startServer } from './start-server.ts';

const WRITERS = 10;
const PACE = { mutations: 600, perSecond: 200 };
const DEADLINE_MS = 60_000;
const BATCH_MS = 100;

/** How far a mirror in PostgreSQL is behind, and what it costs whoever writes. */
export const mirrorLagBench: Bench = {
  name: 'mirror-lag',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    say('PostgreSQL starts');
    const cluster = await startChild('pg-cluster-child.ts', '0');
    const { primary } = JSON.parse(cluster.url) as ClusterUrls; // it says where its servers are
    const mirrored = await Side.open(join(folder, 'mirrored'), primary);
    const plain = await Side.open(join(folder, 'plain'), null);
    const marks = new Watermarks(primary);
    try {
      await marks.open();
      const lags: number[] = [];
      const pairs = await interleave<WriterFigures>(
        runs,
        async () => {
          const { results, ...figures } = await mirrored.round();
          const last = Math.max(...results.map(({ version }) => version));
          await withDeadline(`version ${last} in PostgreSQL`, DEADLINE_MS, marks.reached(last));
          lags.push(
            quantile(
              results.map(({ version, atMs }) => marks.atMs(version) - atMs),
              0.99,
            ),
          );
          say(`p99 ${lags.at(-1)?.toFixed(0)} ms behind the result`);
          return figures;
        },
        () => plain.round(),
      );
      const beside = await together(runs, mirrored, plain);
      return figures(lags.slice(1), beside, pairs);
    } finally {
      await marks.close();
      await mirrored.close();
      await plain.close();
      await cluster.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

function figures(lags: readonly number[], beside: readonly Pair[], turns: readonly PairOf<WriterFigures>[]): Figure[] {
  const what = `${WRITERS} sessions with ${PACE.perSecond} mutations/s together`;
  return [
    reportOf(
      {
        name: 'mirror-lag',
        unit: 'ms',
        what: `p99 from a result until PostgreSQL has its version, batches every ${BATCH_MS} ms, ${what}`,
      },
      lags,
    ),
    figureOf(
      {
        name: 'mirror-cost',
        unit: 'ms CPU/mutation',
        what: `CPU of the process that writes, ${what}, mirrored; floor: another such server, not mirrored, at the same time on the same machine`,
      },
      beside,
    ),
    figureOf(
      {
        name: 'mirror-cost-machine',
        unit: 'ms CPU/mutation',
        what: `the same by turns, so that what PostgreSQL and the mirror’s process take of this machine’s cores and caches counts as well; floor: not mirrored`,
      },
      pairsBy(turns, ({ cpuMs }) => cpuMs),
    ),
    figureOf(
      { name: 'mirror-cost-p99', unit: 'ms', what: `p99 from a push to its result, ${what}, mirrored; floor: not mirrored` },
      pairsBy(turns, ({ p99Ms }) => p99Ms),
    ),
  ];
}

/** CPU of both, a mutation, while both are written to. */
async function together(runs: number, mirrored: Side, plain: Side): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const [ours, floor] = await Promise.all([mirrored.round(), plain.round()]);
    if (run > 0) pairs.push({ ours: ours.cpuMs, floor: floor.cpuMs });
  }
  return pairs;
}

/** A server of its own with people who write. */
class Side {
  readonly #server: BenchChild;
  readonly #writers: readonly Writer[];

  static async open(dataDir: string, mirror: string | null): Promise<Side> {
    const options = mirror === null ? {} : { mirror: { url: mirror, batchMs: BATCH_MS, rooms: ['board'] } };
    const server = await startServer({ dataDir, hasTokens: true, ...options });
    const writers: Writer[] = [];
    for (let index = 0; index < WRITERS; index += 1) writers.push(await Writer.join(server.url, index));
    return new Side(server, writers);
  }

  private constructor(server: BenchChild, writers: readonly Writer[]) {
    this.#server = server;
    this.#writers = writers;
  }

  async round(): Promise<WriterFigures & { readonly results: readonly PushResult[] }> {
    const results: PushResult[] = [];
    for (const writer of this.#writers) writer.onResult = (result) => results.push(result);
    return { results, ...(await writerFigures(this.#server, this.#writers, PACE, DEADLINE_MS)) };
  }

  async close(): Promise<void> {
    for (const { socket } of this.#writers) socket.raw.terminate();
    await this.#server.stop();
  }
}

/** Looks at the room's watermark in PostgreSQL, again and again, and keeps when each version was seen there. */
class Watermarks {
  readonly #client: pg.Client;
  readonly #seen: { readonly version: number; readonly atMs: number }[] = [];
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(url: string) {
    this.#client = new pg.Client({ connectionString: url });
  }

  async open(): Promise<void> {
    await this.#client.connect();
    this.#looking = this.#look();
  }

  async reached(version: number): Promise<void> {
    while ((this.#seen.at(-1)?.version ?? 0) < version) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** In this process's time. */
  atMs(version: number): number {
    return this.#seen.find((seen) => seen.version >= version)?.atMs ?? Number.NaN;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    await this.#client.end();
  }

  async #look(): Promise<void> {
    while (!this.#closed) {
      const { rows } = await this.#client.query<{ version: string }>(
        "SELECT version FROM alcove.watermarks WHERE room = 'board' AND id = 'team'",
      );
      const version = Number(rows[0]?.version ?? 0);
      if (version > (this.#seen.at(-1)?.version ?? 0)) this.#seen.push({ version, atMs: performance.now() });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
