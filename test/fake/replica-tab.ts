import { Capture } from '@alcove/core/change/capture';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { installCapture } from '@alcove/core/change/install-capture';
import { keyText } from '@alcove/core/change/row-key';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { toWire } from '@alcove/core/change/wire';
import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database, Row } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { expect } from 'vitest';
import { Replica } from '../../packages/client/src/replica/replica.ts';
import { openSqljsDatabase, type SqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { tasksRoom } from './tasks-room.ts';

const { model } = tasksRoom;
const limits = { rowsMax: 1_000, statementsMax: 1_000, timeBudgetMs: 1_000 };
const runtime = new FakeRuntime();
const options = { room: tasksRoom, runtime, limits };
const shapes = replicatedShapes(model);
const sqlJs = await initSqlJs();

function openRoomDatabase(image?: Uint8Array): SqljsDatabase {
  const database = openSqljsDatabase(sqlJs, image);
  if (image === undefined) for (const sql of roomDdl(model, { serverOnly: false })) database.exec(sql);
  installCapture(database, model);
  return database;
}

export const rowsOf = (database: Database): Record<string, Row[]> =>
  Object.fromEntries(
    shapes.map(({ name, columns }) => [name, database.prepare(`SELECT ${columns.join(', ')} FROM ${name} ORDER BY 1, 2`).all()]),
  );

/** The plainest room there is: one database, one mutation a version, and an image of every version. */
export class PlainRoom {
  readonly database = openRoomDatabase();
  readonly commits: CommitMessage[] = [];
  readonly images: Uint8Array[] = [];
  readonly #capture = new Capture(this.database, model);

  constructor() {
    this.#capture.start();
    this.images.push(this.database.exportImage());
  }

  get version(): number {
    return this.commits.length;
  }

  /** Runs it as a version of its own. False: rejected, which is a version too. */
  run(mutation: Mutation): boolean {
    let changes: ChangeSet = { tables: [] };
    let applied = true;
    try {
      changes = this.database.transaction(() => {
        runMutation({
          database: this.database,
          room: tasksRoom,
          mutation,
          capture: this.#capture,
          user: null,
          isServer: true,
          serverNowMs: 5,
          limits,
          runtime,
        });
        return this.#capture.take();
      });
    } catch {
      applied = false;
    }
    const to = this.version + 1;
    this.commits.push({ type: 'commit', from: to - 1, to, schema: model.schemaId, changes: toWire(changes), hash: `h${to}`, atMs: 0 });
    this.images.push(this.database.exportImage());
    return applied;
  }

  /** The oracle: the state at a version, and pending mutations run on it from scratch. */
  rowsWith(version: number, pending: readonly Mutation[]): Record<string, Row[]> {
    const database = openRoomDatabase(this.images[version]);
    const capture = new Capture(database, model);
    for (const mutation of pending) {
      try {
        runMutation({ database, room: tasksRoom, mutation, capture, user: null, isServer: false, serverNowMs: undefined, limits, runtime });
      } catch {
        continue; // stays pending, without effect
      }
    }
    const rows = rowsOf(database);
    database.close();
    return rows;
  }
}

/** Follows the changes a replica tells, as live queries do. */
class Follower {
  readonly #tables = new Map(shapes.map((shape) => [shape.name, new Map<string, Row>()]));

  apply({ tables }: ChangeSet): void {
    for (const { table, key, rows } of tables) {
      const own = this.#tables.get(table) ?? new Map<string, Row>();
      for (const { before, after } of rows) {
        if (before !== null) expect(own.get(keyText(before, key)), `before-image in ${table}`).toEqual(before);
        if (before !== null) own.delete(keyText(before, key));
        if (after !== null) own.set(keyText(after, key), after);
      }
    }
  }

  rows(): Record<string, Row[]> {
    const order = (a: Row, b: Row): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    return Object.fromEntries([...this.#tables].map(([name, rows]) => [name, [...rows.values()].sort(order)]));
  }
}

export const sorted = (rows: Record<string, Row[]>): Record<string, Row[]> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, own]) => [name, [...own].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]),
  );

let minted = 0;
export const mint = (clientId: string, mutationId: number, name: string, args: Json): Mutation => ({
  clientId,
  mutationId,
  name,
  args,
  seed: `seed${(minted += 1)}`,
  nowMs: 1,
});

export function openReplica(room = tasksRoom): Replica {
  return new Replica(openRoomDatabase(), { historyId: 'h', version: 0, hash: '', view: 'v' }, { ...options, room });
}

/** A tab that pushes for two clients, and a room, and what travels between them by hand. */
export class Tab {
  readonly room = new PlainRoom();
  readonly replica = openReplica();
  readonly follower = new Follower();
  readonly pending: Mutation[] = [];
  readonly #minted = new Map<string, number>();
  readonly #handled = new Map<string, number>();
  readonly #settledAt = new Map<string, number>();

  mutate(name: string, args: Json, clientId = 'me'): void {
    const mutationId = (this.#minted.get(clientId) ?? 0) + 1;
    const mutation = mint(clientId, mutationId, name, args);
    try {
      this.follower.apply(this.replica.mutate(mutation));
    } catch {
      return; // not enqueued, its id goes to the next one
    }
    this.#minted.set(clientId, mutationId);
    this.pending.push(mutation);
  }

  roomTakesOwn(clientId = 'me'): void {
    const next = (this.#handled.get(clientId) ?? 0) + 1;
    const mutation = this.pending.find((own) => own.clientId === clientId && own.mutationId === next);
    if (mutation === undefined) return;
    this.#handled.set(clientId, next);
    this.room.run(mutation);
    this.#settledAt.set(`${clientId} ${next}`, this.room.version);
  }

  /** All commits up to a version arrive together. */
  tick(upTo = this.room.version): ChangeSet {
    const commits = this.room.commits.slice(this.replica.position.version, upTo);
    const isSettled = ({ clientId, mutationId }: Mutation): boolean =>
      (this.#settledAt.get(`${clientId} ${mutationId}`) ?? Number.POSITIVE_INFINITY) <= upTo;
    const net = this.replica.rebase(commits, isSettled);
    this.follower.apply(net);
    const left = this.pending.filter((mutation) => !isSettled(mutation));
    this.pending.splice(0, this.pending.length, ...left);
    return net;
  }

  check(): void {
    const shown = rowsOf(this.replica.database);
    expect(shown).toEqual(this.room.rowsWith(this.replica.position.version, this.pending));
    expect(this.follower.rows()).toEqual(sorted(shown));
    expect(this.replica.shown()).toEqual(this.pending);
  }

  close(): void {
    this.replica.close();
    this.room.database.close();
  }
}
