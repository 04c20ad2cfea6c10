import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roomDdl } from '@alcove/core/schema/ddl';
import { eq } from 'drizzle-orm';
import initSqlJs from 'sql.js';
import type { SqlJsStatic } from 'sql.js';
import type { Client } from '../../packages/client/src/client.ts';
import type { ClientRoom } from '../../packages/client/src/page/client-room.ts';
import type { LiveQuery } from '../../packages/client/src/page/live-query.ts';
import { board, itemAt, items } from './bench-room.ts';
import { BoardSocket } from './board-socket.ts';
import { startServer } from './start-server.ts';
import { type Bench, figureOf, interleave, median, type Pair } from './measure.ts';
import { createBenchClient } from './node-client.ts';

const ROWS = 100_000;
const LIST_SIZE = 50;
const LIVE_QUERIES = 100;
/** Changes of which one run is the median. */
const CHANGES = 100;
const ROOM = 'live-update';

type Item = typeof items.$inferSelect;
/** Gives one item of the list a title, and answers with how long it took until the list's rows had it, in ms. */
type Change = (list: number, title: string) => Promise<number>;

const AGAINST = `${ROWS} rows, ${LIVE_QUERIES} live queries of ${LIST_SIZE} rows each, in one Node process; floor: raw sql.js, that UPDATE prepared, then the one touched query prepared, its rows as objects`;

/** One row changes under many live queries: until the one that shows it has its rows. */
export const liveUpdateBench: Bench = {
  name: 'live-update',
  async run({ runs, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'alcove-bench-'));
    const server = await startServer({ dataDir: folder, items: ROWS });
    const sqljs = await initSqlJs();
    let client: Client | null = null;
    try {
      const heard = { atMs: 0 };
      client = createBenchClient(server.url, sqljs, () => {
        heard.atMs = performance.now();
      });
      const room = client.room(board, ROOM);
      say('loading');
      const watched = await watch(room);
      const peer = await peerChange(server.url, watched, heard);
      const floor = floorChange(sqljs, peer.roundTrip);
      say('a commit of another client');
      const commits = await pairs(runs, peer.change, floor);
      say('a mutation of its own');
      const mutations = await pairs(runs, ownChange(room, watched, peer.roundTrip), floor);
      await peer.close();
      return [
        figureOf({ name: 'live-update', unit: 'ms', what: `a commit's frame until the live query has its rows; ${AGAINST}` }, commits),
        figureOf(
          {
            name: 'live-update-own',
            unit: 'ms',
            what: `mutate() until the live query has its rows, a mutator through Drizzle captured for undo; ${AGAINST}`,
          },
          mutations,
        ),
      ];
    } finally {
      client?.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

let lastTitle = 0;

/** One pair a run: medians over single changes of ours and of the floor in turn. */
async function pairs(runs: number, ours: Change, floor: Change): Promise<Pair[]> {
  const found: Pair[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const singles = await interleave(CHANGES, ...inTurn(ours, floor));
    const medianOf = (side: keyof Pair): number => median(singles.map((single) => single[side]));
    if (run > 0) found.push({ ours: medianOf('ours'), floor: medianOf('floor') });
  }
  return found;
}

function inTurn(ours: Change, floor: Change): [ours: () => Promise<number>, floor: () => Promise<number>] {
  const next = (change: Change) => (): Promise<number> => {
    lastTitle += 1;
    return change(lastTitle % LIVE_QUERIES, `Changed for the ${lastTitle}th time`);
  };
  return [next(ours), next(floor)];
}

/** Item of a list that is changed: one in its middle. */
const changedId = (list: number): string => itemAt(list * LIST_SIZE + LIST_SIZE / 2).id;

async function watch(room: ClientRoom<typeof board>): Promise<LiveQuery<Item>[]> {
  const queries = Array.from({ length: LIVE_QUERIES }, (_, list) =>
    room.query((db) => db.select().from(items).where(eq(items.list, list)).orderBy(items.position)),
  );
  for (const query of queries) query.subscribe(() => undefined);
  for (const [list, query] of queries.entries()) {
    const rows = await query.promise;
    if (rows.length !== LIST_SIZE || rows[0]?.id !== itemAt(list * LIST_SIZE).id)
      throw new TypeError(`list ${list} is not what it should be`);
  }
  return queries;
}

/** Resolves with the time when the list's rows hold the title. */
function shown(watched: readonly LiveQuery<Item>[], list: number, title: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const query = watched[list];
    if (query === undefined) throw new RangeError(`list ${list} is not watched`);
    const end = query.subscribe(() => {
      const atMs = performance.now();
      end();
      const { data } = query.getSnapshot();
      if (data?.length === LIST_SIZE && data[LIST_SIZE / 2]?.title === title) resolve(atMs);
      else reject(new TypeError(`list ${list} changed without showing the new title`));
    });
  });
}

/** A user's next doing, or another's, seldom follows the last one within milliseconds. */
const QUIET_MS = 4;

async function quiet(roundTrip: () => Promise<void>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  await roundTrip();
}

async function peerChange(
  url: string,
  watched: readonly LiveQuery<Item>[],
  heard: { readonly atMs: number },
): Promise<{ change: Change; roundTrip(): Promise<void>; close(): Promise<void> }> {
  const socket = await BoardSocket.join(url, ROOM, 'peer');
  const roundTrip = (): Promise<void> =>
    new Promise((resolve) => {
      socket.onMessage = (message) => {
        if (message.type === 'pong') resolve();
      };
      socket.send({ type: 'ping' });
    });
  let mutationId = 0;
  const change: Change = async (list, title) => {
    await quiet(roundTrip);
    mutationId += 1;
    const then = shown(watched, list, title).then((atMs) => atMs - heard.atMs);
    socket.push([{ mutationId, name: 'rename', args: { id: changedId(list), title } }]);
    return then;
  };
  return { change, roundTrip, close: () => socket.close() };
}

function ownChange(room: ClientRoom<typeof board>, watched: readonly LiveQuery<Item>[], roundTrip: () => Promise<void>): Change {
  return async (list, title) => {
    await quiet(roundTrip);
    const then = shown(watched, list, title);
    const startMs = performance.now();
    const mutation = room.mutate.rename({ id: changedId(list), title });
    const tookMs = (await then) - startMs;
    await mutation.confirmed;
    return tookMs;
  };
}

/** `roundTrip`: what it begins after, so that it begins as ours does: when something has come over a socket. */
function floorChange(sqljs: SqlJsStatic, roundTrip: () => Promise<void>): Change {
  const database = new sqljs.Database();
  for (const statement of roomDdl(board.model, { serverOnly: false })) database.run(statement);
  const insert = database.prepare('INSERT INTO items (id, list, title, position, done) VALUES (?, ?, ?, ?, 0)');
  database.run('BEGIN');
  for (let index = 0; index < ROWS; index += 1) {
    const { id, list, title, position } = itemAt(index, LIST_SIZE);
    insert.run([id, list, title, position]);
  }
  database.run('COMMIT');
  insert.free();
  const update = database.prepare('UPDATE items SET title = ? WHERE id = ?');
  const select = database.prepare('SELECT id, list, title, position, done FROM items WHERE list = ? ORDER BY position');
  return async (list, title) => {
    await quiet(roundTrip);
    const startMs = performance.now();
    update.run([title, changedId(list)]);
    select.bind([list]);
    const rows: Item[] = [];
    while (select.step()) {
      const [id, ofList, text, position, done] = select.get();
      rows.push({ id: String(id), list: Number(ofList), title: String(text), position: Number(position), done: done === 1 });
    }
    const tookMs = performance.now() - startMs;
    if (rows.length !== LIST_SIZE || rows[LIST_SIZE / 2]?.title !== title) throw new TypeError(`list ${list} of the floor is wrong`);
    return tookMs;
  };
}
