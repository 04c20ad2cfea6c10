import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchFollowerOptions, FollowerHeld } from './bench-follower.ts';
import { type BenchChild, startChild } from './child.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, type Pair, quantile, reportOf } from './measure.ts';
import { latenciesMs, type PushResult, Writer } from './paced-writers.ts';
import { startServer } from './start-server.ts';

const TOKEN = 'a-follower-token-of-this-bench';
const WRITERS = 10;
const PACE = { mutations: 1_000, perSecond: 200 };
const DEADLINE_MS = 60_000;

/** How long after the writer's own answer a follower holds what was written. */
export const followerLagBench: Bench = {
  name: 'follower-lag',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: join(folder, 'rooms'), hasTokens: true, token: TOKEN });
    const writers: Writer[] = [];
    try {
      for (let index = 0; index < WRITERS; index += 1) writers.push(await Writer.join(server.url, index));
      const follower = await startFollower({ dataDir: join(folder, 'follower'), from: server.url, token: TOKEN, watched: 'team' });
      const held = new HeldVersions(follower);
      const pairs: Pair[] = [];
      const behind: number[] = [];
      try {
        for (let run = 0; run <= runs; run += 1) {
          const lags = await round(writers, held);
          if (run === 0) continue;
          pairs.push({ ours: p99(lags.map(({ heldMs }) => heldMs)), floor: p99(lags.map(({ resultMs }) => resultMs)) });
          behind.push(p99(lags.map(({ heldMs, resultMs }) => heldMs - resultMs)));
          say(`p99 ${behind.at(-1)?.toFixed(1)} ms behind the result`);
        }
      } finally {
        await follower.stop();
      }
      const what = `${WRITERS} sessions with ${PACE.perSecond} mutations/s together`;
      return [
        figureOf(
          {
            name: 'follower-lag',
            unit: 'ms',
            what: `p99 from a push until a follower in a process of its own holds its version, ${what}; floor: until its result is back`,
          },
          pairs,
        ),
        reportOf(
          { name: 'follower-lag-behind', unit: 'ms', what: `p99 from a result until the follower holds its version, ${what}` },
          behind,
        ),
      ];
    } finally {
      for (const { socket } of writers) socket.raw.terminate();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

export const startFollower = (options: BenchFollowerOptions): Promise<BenchChild> =>
  startChild('bench-follower.ts', JSON.stringify(options));

const p99 = (values: readonly number[]): number => quantile(values, 0.99);

interface Lag {
  /** Both since the push. */
  readonly heldMs: number;
  readonly resultMs: number;
}

async function round(writers: readonly Writer[], held: HeldVersions): Promise<Lag[]> {
  const results: PushResult[] = [];
  for (const writer of writers) writer.onResult = (result) => results.push(result);
  await withDeadline('commits', DEADLINE_MS, latenciesMs(writers, PACE));
  const last = Math.max(...results.map(({ version }) => version));
  await withDeadline(`version ${last} at the follower`, DEADLINE_MS, held.reached(last));
  return results.map(({ version, sentMs, atMs }) => ({ heldMs: held.atMs(version) - sentMs, resultMs: atMs - sentMs }));
}

/** When a follower held which version, in this process's time. */
class HeldVersions {
  readonly #held: { readonly version: number; readonly atMs: number }[] = [];
  #came: () => void = () => undefined;

  constructor(follower: BenchChild) {
    follower.onNews((news) => {
      const { held, atMs } = news as FollowerHeld; // all that it says by itself
      this.#held.push({ version: held, atMs: atMs - performance.timeOrigin });
      this.#came();
    });
  }

  async reached(version: number): Promise<void> {
    while ((this.#held.at(-1)?.version ?? 0) < version) await new Promise<void>((resolve) => (this.#came = resolve));
  }

  atMs(version: number): number {
    let [from, to] = [0, this.#held.length - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#held[middle]?.version ?? 0) >= version) to = middle;
      else from = middle + 1;
    }
    return this.#held[from]?.atMs ?? Number.NaN;
  }
}
