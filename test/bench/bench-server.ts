// A real server with the benches' rooms, and with their pages where there are any, in a process of its own. Arguments: BenchServerOptions as JSON.
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Claims, MutatorTx } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer, type ServerOptions } from '@alcove/server/node';
import { trip } from '../../examples/trip-planner/room.ts';
import { board, dials, itemAt, items, ruledBoard } from './bench-room.ts';
import { answerParent } from './child.ts';
import { pagesIn } from './serve-pages.ts';

type RouterOptions = Exclude<ServerOptions['replicas'], undefined>;
type MirrorOptions = Exclude<ServerOptions['mirror'], undefined>;

export interface BenchServerOptions {
  readonly dataDir: string;
  /** Items of a new board. */
  readonly items?: number;
  /** SQLite file that a new trip begins with; without it a trip has no cities. */
  readonly tripSeed?: string;
  /** Folder of the built pages, served beside the rooms. */
  readonly pages?: string;
  /** Everybody shows a token, which is the claims as JSON. Absent: nobody is authenticated. */
  readonly hasTokens?: boolean;
  /** Reader processes. */
  readonly readers?: number;
  /** Lets followers follow, and is the admin's too. */
  readonly token?: string;
  /** How reads are routed. */
  readonly replicas?: RouterOptions;
  /** Mirrors rooms to PostgreSQL. */
  readonly mirror?: MirrorOptions;
}

/** SQLite takes 100 parameters everywhere; an item has five columns. */
const ITEMS_PER_INSERT = 20;

const options = JSON.parse(process.argv[2] ?? '{}') as BenchServerOptions; // main.ts wrote it

function seedBoard(tx: MutatorTx): void {
  const count = options.items ?? 0;
  for (let from = 0; from < count; from += ITEMS_PER_INSERT) {
    const size = Math.min(ITEMS_PER_INSERT, count - from);
    tx.insert(items)
      .values(Array.from({ length: size }, (_, index) => itemAt(from + index)))
      .run();
  }
}

const claimsIn = (token: string | null): Claims | null => (token === null ? null : (JSON.parse(token) as Claims)); // the benches wrote it

const { dataDir, tripSeed, pages, hasTokens, readers, token, replicas, mirror } = options;
const seed = { board: seedBoard, ...(tripSeed === undefined ? {} : { trip: tripSeed }) };
const server = await createServer({
  rooms: [board, ruledBoard, dials, trip],
  dataDir,
  ...(hasTokens === true ? { authenticate: claimsIn, host: '127.0.0.1' } : {}),
  ...(readers === undefined ? {} : { readers }),
  ...(token === undefined ? {} : { followers: { token }, admin: { token } }),
  ...(replicas === undefined ? {} : { replicas }),
  ...(mirror === undefined ? {} : { mirror }),
  seed,
  log: silentLogger,
  signals: false,
  ...(pages === undefined ? { port: 0 } : {}),
});

if (pages === undefined) {
  answerParent(server.url, () => server.close());
} else {
  const http = createHttpServer(pagesIn(pages));
  server.attach(http);
  http.listen(0, '127.0.0.1', () => {
    const { port } = http.address() as AddressInfo; // it listens on a port
    answerParent(`http://127.0.0.1:${port}`, async () => {
      await server.close();
      http.closeAllConnections();
      http.close();
    });
  });
}
