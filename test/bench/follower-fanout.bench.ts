import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import type { BenchChild } from './child.ts';
import { startFollower } from './follower-lag.bench.ts';
import { withDeadline } from './deadline.ts';
import { type Bench, figureOf, interleave } from './measure.ts';
import { startServer } from './start-server.ts';

const TOKEN = 'a-follower-token-of-this-bench';
/** As many sessions as a room is made for. */
const SOCKETS = 2_000;
const JOINS_AT_ONCE = 20;
const FOLLOWERS = 2;
const COMMITS = 60;
const COMMITS_PER_SECOND = 15;
const DEADLINE_MS = 120_000;

/** What commits cost the server that writes when its tabs are at followers. */
export const followerFanOutBench: Bench = {
  name: 'follower-fanout',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const sides: Side[] = [];
    const [ours, floor] = await (async () => {
      say(`${SOCKETS} sockets at ${FOLLOWERS} followers`);
      sides.push(await Side.open(join(folder, 'ours'), FOLLOWERS));
      say(`${SOCKETS} sockets at the primary`);
      sides.push(await Side.open(join(folder, 'floor'), 0));
      return sides as [Side, Side]; // both are open
    })();
    try {
      const pairs = await interleave(
        runs,
        () => withDeadline('commits', DEADLINE_MS, ours.cpuMsPerCommit()),
        () => withDeadline('commits', DEADLINE_MS, floor.cpuMsPerCommit()),
      );
      const what = `CPU of the server that writes, a commit at ${COMMITS_PER_SECOND}/s, ${SOCKETS} sockets at ${FOLLOWERS} followers of it; floor: the same sockets at the server itself`;
      return [figureOf({ name: 'follower-fanout', unit: 'ms CPU/commit', what }, pairs)];
    } finally {
      for (const side of sides) await side.close();
      rmSync(folder, { recursive: true });
    }
  },
};

/** A server, perhaps followers, and everybody's sockets; one more writes at the server itself. */
class Side {
  readonly #server: BenchChild;
  readonly #followers: readonly BenchChild[];
  readonly #sockets: readonly BoardSocket[];
  readonly #writer: BoardSocket;
  #mutationId = 0;

  static async open(dataDir: string, count: number): Promise<Side> {
    const server = await startServer({ dataDir, token: TOKEN });
    const writer = await BoardSocket.join(server.url, 'team', 'writer');
    const followers: BenchChild[] = [];
    for (let index = 0; index < count; index += 1)
      followers.push(await startFollower({ dataDir: `${dataDir}-${index}`, from: server.url, token: TOKEN }));
    const urls = count === 0 ? [server.url] : followers.map(({ url }) => url);
    const sockets: BoardSocket[] = [];
    while (sockets.length < SOCKETS) {
      const joins = Array.from({ length: JOINS_AT_ONCE }, (_, at) => sockets.length + at);
      sockets.push(
        ...(await Promise.all(joins.map((index) => BoardSocket.join(urls[index % urls.length] ?? '', 'team', `client-${index}`)))),
      );
    }
    return new Side(server, followers, sockets, writer);
  }

  private constructor(server: BenchChild, followers: readonly BenchChild[], sockets: readonly BoardSocket[], writer: BoardSocket) {
    this.#server = server;
    this.#followers = followers;
    this.#sockets = sockets;
    this.#writer = writer;
  }

  async cpuMsPerCommit(): Promise<number> {
    await this.#server.cpuMs();
    await this.#delivered();
    return (await this.#server.cpuMs()) / COMMITS;
  }

  /** Resolves when every socket has every row. */
  #delivered(): Promise<void> {
    let outstanding = COMMITS * this.#sockets.length;
    return new Promise((resolve, reject) => {
      for (const socket of this.#sockets) {
        socket.onMessage = (message) => {
          if (message.type === 'error') reject(new TypeError(`${message.code}: ${message.message}`));
          if (message.type !== 'commit') return;
          outstanding -= message.changes[0]?.puts[0]?.length ?? 0; // each mutation put one row
          if (outstanding === 0) resolve();
        };
      }
      let sent = 0;
      const timer = setInterval(() => {
        this.#mutationId += 1;
        this.#writer.push([{ mutationId: this.#mutationId, name: 'add', args: itemAt(this.#mutationId) }]);
        sent += 1;
        if (sent === COMMITS) clearInterval(timer);
      }, 1_000 / COMMITS_PER_SECOND);
    });
  }

  async close(): Promise<void> {
    for (const socket of [...this.#sockets, this.#writer]) socket.raw.terminate();
    for (const follower of this.#followers) await follower.stop();
    await this.#server.stop();
  }
}
