import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import type { MutatorContext } from '@alcove/core/schema/define-mutator';
import { roomDdl } from '@alcove/core/schema/ddl';
import { mutatorTx } from '@alcove/core/sqlite/mutator-tx';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { board, itemAt } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import { startServer } from './start-server.ts';
import { type Bench, type Figure, figureOf, interleave } from './measure.ts';

const MUTATIONS = 12_000;
/** On their way: of one client as many as the engine has; of many, enough for the room to have the next commits waiting. */
const IN_FLIGHT_OF_ONE = 500;
const IN_FLIGHT_OF_ALL = 2_000;
/** Of a client's mutations on their way, those in one push. */
const PUSH_SHARE = 5;

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
  const inFlight = Math.min(IN_FLIGHT_OF_ONE, IN_FLIGHT_OF_ALL / clients);
  const pushers = sockets.map((socket, index) => new Pusher(socket, { from: index * each, count: each, inFlight }));
  const versions = new Set<number>();
  const start = performance.now();
  await Promise.all(pushers.map((pusher) => pusher.run(versions)));
  const elapsedMs = performance.now() - start;
  await Promise.all(sockets.map((socket) => socket.close()));
  return { perSecond: (MUTATIONS / elapsedMs) * 1_000, groupSize: MUTATIONS / versions.size };
}

/** One client's inserts, a bounded number on their way, until all are applied. Its frames are made beforehand: the room is measured. */
class Pusher {
  readonly #socket: BoardSocket;
  readonly #frames: readonly string[];
  readonly #count: number;
  readonly #aheadMax: number;
  #sent = 0;
  #settled = 0;

  constructor(socket: BoardSocket, own: { readonly from: number; readonly count: number; readonly inFlight: number }) {
    const size = own.inFlight / PUSH_SHARE;
    this.#socket = socket;
    this.#count = own.count;
    this.#aheadMax = own.inFlight;
    this.#frames = Array.from({ length: own.count / size }, (_, frame) =>
      socket.pushFrame(Array.from({ length: size }, (__, index) => insertOf(own.from, frame * size + index))),
    );
    socket.ignoresCommits = true;
  }

  run(versions: Set<number>): Promise<void> {
    const size = this.#count / this.#frames.length;
    return new Promise((resolve, reject) => {
      const push = (): void => {
        for (; this.#sent < this.#frames.length && (this.#sent + 1) * size - this.#settled <= this.#aheadMax; this.#sent += 1) {
          this.#socket.raw.send(this.#frames[this.#sent] ?? '');
        }
      };
      this.#socket.onMessage = (message) => {
        if (message.type === 'refused' || message.type === 'error') reject(new TypeError(`${message.code}: ${message.message}`));
        if (message.type !== 'results') return;
        for (const result of message.results) {
          if (result.clientId !== this.#socket.clientId) continue;
          if (result.status === 'rejected') reject(new TypeError(result.message));
          this.#settled += 1;
          versions.add(result.version);
        }
        if (this.#settled === this.#count) resolve();
        else push();
      };
      push();
    });
  }
}

const insertOf = (from: number, index: number) => ({
  mutationId: index + 1,
  name: 'add',
  args: itemAt(from + index),
  seed: `seed-${index}`,
  nowMs: 1_800_000_000_000,
});

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
