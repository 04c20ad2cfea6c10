import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { BoardSocket } from './board-socket.ts';
import type { BenchChild } from './child.ts';
import { startFollower } from './follower-lag.bench.ts';
import { type Bench, figureOf, interleave, pairsBy, reportOf } from './measure.ts';
import { Writer } from './paced-writers.ts';
import { ITEMS, READ_KINDS } from './read-kinds.ts';
import { startServer } from './start-server.ts';

const TOKEN = 'a-follower-token-of-this-bench';
const FOLLOWERS = 2;
const USERS = 40;
const READS_PER_SECOND = 100;
const MUTATIONS_PER_SECOND = 20;
/** Of each follower in turn: it stands still, then goes on; it is killed, and started again. */
const ROUND_MS = 24_000;
const STILL_MS = 2_000;
const DEADLINE_MS = 15_000;
const RUNS_MAX = 3;
/** Faults come every six seconds, some hundred times as often as elsewhere: what is a minute there is seconds here. */
const LIMITS = { checkIntervalMs: 1_000, breakerOpenMs: 2_000, rampMs: 2_000 };
/** Refusals for limits, which say nothing of the replicas. */
const LIMIT_CODES: ReadonlySet<string> = new Set(['rate_limited', 'overloaded']);
const REFUSED = 'refused for a limit';
const TICK_MS = 5;
/** A new replica gets its reads by degrees. */
const SETTLED_MS = 8_000;
const LOOK_MS = 200;

interface Answers {
  readonly share: number;
  readonly inTime: number;
}

/** How many of the reads replicas answer, while they fail by turns. */
export const offloadBench: Bench = {
  name: 'offload',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    try {
      const pairs = await interleave<Answers>(
        Math.min(runs, RUNS_MAX),
        async () => round(join(folder, `faults-${(rounds += 1)}`), true, say),
        async () => round(join(folder, `floor-${(rounds += 1)}`), false, say),
      );
      const what = `${READS_PER_SECOND} reads/s of the room's head by ${USERS} users beside ${MUTATIONS_PER_SECOND} mutations/s, while each of ${FOLLOWERS} followers, by turns, stands still for ${STILL_MS} ms and is killed once in ${ROUND_MS} ms (breakers open ${LIMITS.breakerOpenMs} ms)`;
      const percent = pairsBy(pairs, ({ share }) => 100 * share);
      return [
        figureOf(
          {
            name: 'offload',
            unit: '% of reads',
            throughput: true,
            what: `answered by followers and not on the machine that writes: ${what}; floor: without faults`,
          },
          percent,
        ),
        reportOf(
          { name: 'offload-in-time', unit: '% of reads', what: `answered within ${DEADLINE_MS} ms: ${what}` },
          pairs.map(({ ours }) => 100 * ours.inTime),
        ),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

let rounds = 0;

/** On a server and followers that are started for it: what a breaker remembers falls on no other round. */
async function round(folder: string, hasFaults: boolean, say: (line: string) => void): Promise<Answers> {
  const server = await startServer({
    dataDir: join(folder, 'rooms'),
    hasTokens: true,
    token: TOKEN,
    items: ITEMS,
    replicas: { limits: LIMITS },
  });
  const fleet = new Fleet(server, folder);
  const users: ReadingUser[] = [];
  const writer = await Writer.join(server.url, 0);
  try {
    for (let index = 0; index < USERS; index += 1) users.push(await ReadingUser.join(server.url, index));
    await fleet.start();
    const faults = hasFaults ? fleet.failInTurn() : Promise.resolve();
    const answers = await readFor(ROUND_MS, { users, writer });
    await faults;
    const { share, inTime } = answers;
    say(`${hasFaults ? 'with faults' : 'without'}: ${(100 * share).toFixed(1)} % by replicas, ${(100 * inTime).toFixed(2)} % in time`);
    return answers;
  } finally {
    for (const { socket } of [...users, writer]) socket.raw.terminate();
    await fleet.stop();
    await server.stop();
  }
}

interface Load {
  readonly users: readonly ReadingUser[];
  readonly writer: Writer;
}

async function readFor(ms: number, { users, writer }: Load): Promise<Answers> {
  const reads: Promise<string | null>[] = [];
  const startMs = performance.now();
  for (let mutations = 0, nowMs = startMs; nowMs < startMs + ms; nowMs = performance.now()) {
    const dueReads = ((nowMs - startMs) / 1_000) * READS_PER_SECOND;
    while (reads.length < dueReads) reads.push(users[reads.length % users.length]?.read() ?? Promise.resolve(null));
    const dueMutations = ((nowMs - startMs) / 1_000) * MUTATIONS_PER_SECOND;
    for (; mutations < dueMutations; mutations += 1) void writer.push();
    await pass(TICK_MS);
  }
  const replicas = (await Promise.all(reads)).filter((replica) => replica !== REFUSED);
  const answered = replicas.filter((replica) => replica !== null);
  const offloaded = answered.filter((replica) => replica !== 'readers');
  return { share: offloaded.length / answered.length, inTime: answered.length / replicas.length };
}

/** Somebody who reads, and is told by which replica. */
class ReadingUser {
  readonly socket: BoardSocket;
  readonly #waiting = new Map<number, (replica: string) => void>();
  #request = 0;

  static async join(url: string, index: number): Promise<ReadingUser> {
    return new ReadingUser(
      await BoardSocket.join(url, 'team', `reader-${index}`, [], { token: JSON.stringify({ sub: `reader-${index}` }) }),
    );
  }

  private constructor(socket: BoardSocket) {
    this.socket = socket;
    socket.ignoresCommits = true;
    socket.onMessage = (message) => {
      if (message.type === 'readRows') this.#waiting.get(message.request)?.(message.replica);
      // Another failure is no answer: the read then is one that came too late.
      if (message.type === 'readFailed' && LIMIT_CODES.has(message.code)) this.#waiting.get(message.request)?.(REFUSED);
    };
  }

  /** The replica that answered; null: none in time; `REFUSED`. */
  read(): Promise<string | null> {
    this.#request += 1;
    const request = this.#request;
    const { sql, paramOf } = READ_KINDS.lookup;
    this.socket.send({ type: 'read', request, sql, params: [paramOf(request * 7_919)], at: 'latest' });
    return new Promise((resolve) => {
      const settle = (replica: string | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(request);
        resolve(replica);
      };
      const timer = setTimeout(() => settle(null), DEADLINE_MS);
      this.#waiting.set(request, settle);
    });
  }
}

/** Real followers of a server, each of which is killed and started anew under its address. */
class Fleet {
  readonly #server: BenchChild;
  readonly #folder: string;
  readonly #followers: BenchChild[] = [];

  constructor(server: BenchChild, folder: string) {
    this.#server = server;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    for (let index = 0; index < FOLLOWERS; index += 1) {
      const follower = await this.#startOne(index, 0);
      this.#followers.push(follower);
      await this.#order({ do: 'add', replica: { url: follower.url, id: `follower-${index}` }, followerToken: TOKEN });
    }
    await this.areAsked();
  }

  async failInTurn(): Promise<void> {
    const partMs = ROUND_MS / FOLLOWERS;
    for (let index = 0; index < FOLLOWERS; index += 1) {
      const startMs = performance.now();
      const follower = this.#followers[index];
      if (follower === undefined) continue;
      process.kill(follower.pid, 'SIGSTOP');
      await pass(STILL_MS);
      process.kill(follower.pid, 'SIGCONT');
      await pass(partMs / 2 - STILL_MS);
      await follower.kill();
      this.#followers[index] = await this.#startOne(index, Number(new URL(follower.url).port));
      await pass(Math.max(0, startMs + partMs - performance.now()));
    }
  }

  /** Resolves when each has been found well and answers without being spared. */
  async areAsked(): Promise<void> {
    const untilMs = performance.now() + SETTLED_MS;
    for (;;) {
      const { replicas } = await this.#order({ do: 'check' });
      if (replicas.every(isSound)) return;
      if (performance.now() > untilMs) throw new TypeError(`not all followers are asked: ${JSON.stringify(replicas)}`);
      await pass(LOOK_MS);
    }
  }

  async stop(): Promise<void> {
    for (const follower of this.#followers) await follower.stop();
  }

  #startOne(index: number, port: number): Promise<BenchChild> {
    return startFollower({ dataDir: join(this.#folder, `follower-${index}`), from: this.#server.url, token: TOKEN, port, readers: 1 });
  }

  async #order(order: object): Promise<{ readonly replicas: readonly ReplicaNow[] }> {
    const response = await fetch(`${this.#server.url.replace(/^ws/, 'http')}/replicas`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(order),
    });
    if (!response.ok) throw new TypeError(`${JSON.stringify(order)}: ${await response.text()}`);
    return (await response.json()) as { replicas: ReplicaNow[] }; // the server's own words
  }
}

interface ReplicaNow {
  readonly isPrimary: boolean;
  readonly isUp: boolean | null;
  readonly breakers: Readonly<Record<string, string>>;
  readonly pace: string;
}

const isSound = ({ isPrimary, isUp, breakers, pace }: ReplicaNow): boolean =>
  isPrimary || (isUp === true && pace === 'closed' && Object.values(breakers).every((state) => state === 'closed'));
