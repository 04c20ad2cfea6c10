import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import type { MutatorContext } from '@alcove/core/schema/define-mutator';
import { roomDdl } from '@alcove/core/schema/ddl';
import { mutatorTx } from '@alcove/core/sqlite/drizzle';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { board, itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import { startServer } from './start-server.ts';
import { type Bench, type Figure, figureOf, interleave } from './measure.ts';

const MUTATIONS = 6_000;
/** Of one client; as many as the engine has on their way. */
const IN_FLIGHT_MAX = 500;
const PUSH_MAX = 100;

/** Durable mutations a second into one room. */
export const commitBench: Bench = {
  name: 'commit',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const figures: Figure[] = [];
    const server = await startServer({ dataDir: join(folder, 'rooms') });
    try {
      for (const clients of [1, 50]) {
        say(`${clients} client(s)`);
        let groupSize = 1;
        let round = 0;
        const ours = async (): Promise<number> => {
          const result = await pushAll(server.url, `commit-${clients}-${(round += 1)}`, clients);
          groupSize = result.groupSize;
          return result.perSecond;
        };
        const floor = (): number => commitRaw(join(folder, `floor-${clients}-${(round += 1)}.sqlite`), Math.max(1, Math.round(groupSize)));
        await ours(); // a first guess of the group's size for the floor
        const pairs = await interleave(runs, ours, floor);
        figures.push(
          figureOf(
            {
              name: 'commit',
              unit: 'mutations/s',
              throughput: true,
              what: `${clients} client(s) pushing ${MUTATIONS} inserts over sockets until every result is back, ${groupSize.toFixed(0)} a commit; floor: the same inserts through Drizzle with capture triggers and a savepoint each, as many a commit, in this process; synchronous FULL`,
            },
            pairs,
          ),
        );
      }
      return figures;
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

async function pushAll(url: string, room: string, clients: number): Promise<{ perSecond: number; groupSize: number }> {
  const sockets = await Promise.all(
    Array.from({ length: clients }, (_, index) => BoardSocket.join(url, room, `client-${index}`, ['deflate'])),
  );
  const each = MUTATIONS / clients;
  const versions = new Set<number>();
  const start = performance.now();
  await Promise.all(sockets.map((socket, index) => pushOwn(socket, index * each, each, versions)));
  const elapsedMs = performance.now() - start;
  await Promise.all(sockets.map((socket) => socket.close()));
  return { perSecond: (MUTATIONS / elapsedMs) * 1_000, groupSize: MUTATIONS / versions.size };
}

/** Pushes `count` inserts, a bounded number on their way, until all are applied. */
function pushOwn(socket: BoardSocket, from: number, count: number, versions: Set<number>): Promise<void> {
  let sent = 0;
  let settled = 0;
  const push = (): void => {
    while (sent < count && sent - settled <= IN_FLIGHT_MAX - PUSH_MAX) {
      const size = Math.min(PUSH_MAX, count - sent);
      socket.push(
        Array.from({ length: size }, (_, index) => ({
          mutationId: sent + index + 1,
          name: 'add',
          args: itemAt(from + sent + index),
          seed: `seed-${sent + index}`,
          nowMs: 1_800_000_000_000,
        })),
      );
      sent += size;
    }
  };
  socket.ignoresCommits = true;
  return new Promise((resolve, reject) => {
    socket.onMessage = (message) => {
      if (message.type === 'refused' || message.type === 'error') reject(new TypeError(`${message.code}: ${message.message}`));
      if (message.type !== 'results') return;
      for (const result of message.results) {
        if (result.clientId !== socket.clientId) continue;
        if (result.status === 'rejected') reject(new TypeError(result.message));
        settled += 1;
        versions.add(result.version);
      }
      if (settled === count) resolve();
      else push();
    };
    push();
  });
}

function commitRaw(path: string, groupSize: number): number {
  const database = openDatabase(path, { synchronous: 'FULL', create: true });
  for (const statement of roomDdl(board.model, { serverOnly: true })) database.exec(statement);
  installCapture(database, board.model);
  new Capture(database, board.model).start();
  const tx = mutatorTx(database);
  const { body } = board.mutators.add;
  const start = performance.now();
  for (let at = 0; at < MUTATIONS; at += groupSize) {
    database.transaction(() => {
      for (let index = at; index < Math.min(at + groupSize, MUTATIONS); index += 1)
        database.transaction(() => body(tx, itemAt(index), rawContext));
    });
  }
  const elapsedMs = performance.now() - start;
  database.close();
  return (MUTATIONS / elapsedMs) * 1_000;
}

const rawContext: MutatorContext = {
  now: 0,
  serverNow: 0,
  random: () => 0,
  id: () => 'id',
  user: null,
  isServer: true,
  clientId: 'floor',
  mutationId: 1,
  afterCommit: () => undefined,
};
