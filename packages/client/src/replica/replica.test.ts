import { installCapture } from '@alcove/core/change/install-capture';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { keyText } from '@alcove/core/change/row-key';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { toWire } from '@alcove/core/change/wire';
import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import { Capture } from '@alcove/core/change/capture';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database, Row } from '@alcove/core/sqlite/database';
import fc from 'fast-check';
import initSqlJs from 'sql.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tasksRoom } from '../../../../test/fake/tasks-room.ts';
import { Replica } from './replica.ts';
import { openSqljsDatabase, type SqljsDatabase } from './sqljs-database.ts';

const { model } = tasksRoom;
const limits = { rowsMax: 1_000, statementsMax: 1_000, timeBudgetMs: 1_000 };
const runtime = new FakeRuntime();
const options = { room: tasksRoom, runtime, limits };
const shapes = replicatedShapes(model);
let sqlJs: Awaited<ReturnType<typeof initSqlJs>>;
beforeAll(async () => {
  sqlJs = await initSqlJs();
});

function openRoomDatabase(image?: Uint8Array): SqljsDatabase {
  const database = openSqljsDatabase(sqlJs, image);
  if (image === undefined) for (const sql of roomDdl(model, { serverOnly: false })) database.exec(sql);
  installCapture(database, model);
  return database;
}

const rowsOf = (database: Database): Record<string, Row[]> =>
  Object.fromEntries(
    shapes.map(({ name, columns }) => [name, database.prepare(`SELECT ${columns.join(', ')} FROM ${name} ORDER BY 1, 2`).all()]),
  );

/** The plainest room there is: one database, one mutation a version, and an image of every version. */
class PlainRoom {
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

const sorted = (rows: Record<string, Row[]>): Record<string, Row[]> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, own]) => [name, [...own].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]),
  );

let minted = 0;
const mint = (clientId: string, mutationId: number, name: string, args: Json): Mutation => ({
  clientId,
  mutationId,
  name,
  args,
  seed: `seed${(minted += 1)}`,
  nowMs: 1,
});

function openReplica(room = tasksRoom): Replica {
  return new Replica(openRoomDatabase(), { historyId: 'h', version: 0, hash: '', view: 'v' }, { ...options, room });
}

/** A tab that pushes for two clients, and a room, and what travels between them by hand. */
class Tab {
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

const list = fc.constantFrom('l1', 'l2', 'l3');
const task = fc.constantFrom('t1', 't2', 't3', 't4');
const small = fc.integer({ min: 0, max: 3 });
const call: fc.Arbitrary<{ name: string; args: Json }> = fc.oneof(
  fc.record({ name: fc.constant('addList'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n2', 'n3') }) }),
  fc.record({ name: fc.constant('renameList'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n2', 'n3') }) }),
  fc.record({ name: fc.constant('swapNames'), args: fc.record({ a: list, b: list }) }),
  fc.record({ name: fc.constant('deleteList'), args: fc.record({ id: list }) }),
  fc.record({ name: fc.constant('addTask'), args: fc.record({ id: task, listId: list, title: fc.constantFrom('a', 'b'), rank: small }) }),
  fc.record({ name: fc.constant('setTitle'), args: fc.record({ id: task, title: fc.constantFrom('a', 'b', 'c') }) }),
  fc.record({ name: fc.constant('moveTask'), args: fc.record({ id: task, listId: list, rank: small }) }),
  fc.record({ name: fc.constant('makeRoomAbove'), args: fc.record({ listId: list, rank: small }) }),
  fc.record({ name: fc.constant('tagTask'), args: fc.record({ taskId: task, tag: fc.constantFrom('x', 'y') }) }),
  fc.record({ name: fc.constant('draw'), args: fc.record({ listId: list }) }),
  fc.record({ name: fc.constant('tabOnly'), args: fc.record({ id: list, name: fc.constantFrom('n1', 'n4') }) }),
);
const client = fc.constantFrom('me', 'me', 'adopted');
const action = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(call, client).map(([own, clientId]) => ({ do: 'mutate' as const, clientId, ...own })) },
  { weight: 3, arbitrary: call.map((other) => ({ do: 'other' as const, ...other })) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('own' as const), clientId: client }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tick' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);

const start = (): Tab => {
  const tab = new Tab();
  for (const [name, args] of [
    ['addList', { id: 'l1', name: 'one' }],
    ['addList', { id: 'l2', name: 'two' }],
    ['addTask', { id: 't1', listId: 'l1', title: 'first' }],
  ] as const) {
    tab.mutate(name, args);
    tab.roomTakesOwn();
  }
  tab.tick();
  return tab;
};

describe('a replica against the plain oracle', () => {
  it('[RB-1] is the confirmed state plus the pending mutations run on it, whatever arrives in whichever order', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 3, maxLength: 30 }), (actions) => {
        const tab = start();
        let others = 0;
        for (const step of actions) {
          if (step.do === 'mutate') tab.mutate(step.name, step.args, step.clientId);
          else if (step.do === 'other') tab.room.run(mint('other', (others += 1), step.name, step.args));
          else if (step.do === 'own') tab.roomTakesOwn(step.clientId);
          else tab.tick(tab.replica.position.version + Math.ceil(step.part * (tab.room.version - tab.replica.position.version)));
          tab.check();
        }
        tab.close();
      }),
      { numRuns: 80 },
    );
  });
});

describe('rebase', () => {
  it('[RB-2] commits that arrive together run the pending mutations again once, and their changes are told as one', () => {
    let runs = 0;
    const { addList } = tasksRoom.mutators;
    const counted: typeof addList = {
      ...addList,
      body: (tx, args, ctx) => {
        runs += 1;
        return addList.body(tx, args, ctx);
      },
    };
    const replica = openReplica({ ...tasksRoom, mutators: { ...tasksRoom.mutators, addList: counted } });
    const room = new PlainRoom();
    replica.mutate(mint('me', 1, 'addList', { id: 'mine', name: 'mine' }));
    expect(runs).toBe(1);
    for (const [index, id] of ['l1', 'l2', 'l3'].entries()) room.run(mint('other', index + 1, 'addList', { id, name: id }));
    const told = replica.rebase(room.commits, () => false);
    expect(runs).toBe(2);
    expect(told.tables.flatMap(({ rows }) => rows.map(({ before, after }) => [before, after?.[0]]))).toEqual([
      [null, 'l1'],
      [null, 'l2'],
      [null, 'l3'],
    ]);
    replica.close();
    room.database.close();
  });

  it('[RB-3] what the room does as foreseen changes nothing that is shown', () => {
    const tab = start();
    for (let i = 0; i < 5; i++) tab.mutate('tagTask', { taskId: 't1', tag: 'x' });
    for (let i = 0; i < 3; i++) {
      tab.roomTakesOwn();
      expect(tab.tick()).toEqual({ tables: [] });
      tab.check();
    }
    expect(tab.pending).toHaveLength(2);
  });

  it('[RB-3] equal keys are not enough: the rows count', () => {
    const tab = start();
    tab.mutate('tagTask', { taskId: 't1', tag: 'x' });
    tab.room.run(mint('other', 1, 'tagTask', { taskId: 't1', tag: 'x' }));
    tab.roomTakesOwn();
    expect(tab.tick().tables).toHaveLength(1);
    tab.check();
    expect(rowsOf(tab.replica.database)['tags']).toEqual([['x', 't1', 2]]);
  });

  it('[RB-4] a mutation that throws when it is run again stays pending, and counts again when it can', () => {
    const tab = start();
    tab.mutate('addTask', { id: 't2', listId: 'l2', title: 'second' });
    tab.room.run(mint('other', 1, 'deleteList', { id: 'l2' }));
    tab.tick();
    tab.check();
    expect(tab.pending).toHaveLength(1);
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1']);
    tab.room.run(mint('other', 2, 'addList', { id: 'l2', name: 'again' }));
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1', 't2']);
  });

  it('[RB-5] a rejected mutation undoes itself alone, also under later ones', () => {
    const tab = start();
    tab.mutate('tabOnly', { id: 'l3', name: 'three' });
    tab.mutate('addTask', { id: 't3', listId: 'l1', title: 'third' });
    tab.mutate('addTask', { id: 't4', listId: 'l3', title: 'on the rejected list' });
    tab.roomTakesOwn();
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['lists']?.map(([id]) => id)).toEqual(['l1', 'l2']);
    expect(rowsOf(tab.replica.database)['tasks']?.map(([id]) => id)).toEqual(['t1', 't3']);
  });

  it('[RB-6] a mutation whose run throws at the call changes nothing and is not shown', () => {
    const tab = start();
    expect(() => tab.replica.mutate(mint('me', 4, 'addTask', { id: 't1', listId: 'l1', title: 'again' }))).toThrowError(
      expect.objectContaining({ code: 'constraint_failed' }),
    );
    expect(() => tab.replica.mutate(mint('me', 4, 'setTitle', { id: 7 }))).toThrowError(
      expect.objectContaining({ code: 'arguments_invalid' }),
    );
    tab.check();
  });

  it('[RB-7] applies no trigger and no foreign-key action: a commit holds their effects, and unique values may swap', () => {
    const tab = start();
    tab.mutate('tagTask', { taskId: 't1', tag: 'mine' });
    tab.room.run(mint('other', 1, 'swapNames', { a: 'l1', b: 'l2' }));
    tab.room.run(mint('other', 2, 'renameList', { id: 'l1', name: 'renamed' }));
    tab.tick();
    tab.check();
    expect(rowsOf(tab.replica.database)['tags']).toEqual([['mine', 't1', 1]]);
  });

  it('a commit that cannot be applied changes nothing', () => {
    const tab = start();
    tab.mutate('setTitle', { id: 't1', title: 'mine' });
    const before = rowsOf(tab.replica.database);
    const [table] = tab.room.commits.filter((commit) => commit.changes.some(({ table: name }) => name === 'lists'));
    const doubled = structuredClone(table?.changes ?? []).map((changes) => ({
      ...changes,
      puts: changes.puts.map((column, index) => (index === 0 ? ['l9'] : column)),
    }));
    const next: CommitMessage = {
      type: 'commit',
      from: tab.room.version,
      to: tab.room.version + 1,
      schema: model.schemaId,
      changes: doubled,
      hash: '',
      atMs: 0,
    };
    expect(() => tab.replica.rebase([next], () => false)).toThrowError(expect.objectContaining({ code: 'constraint_failed' }));
    expect(rowsOf(tab.replica.database)).toEqual(before);
    tab.mutate('setTitle', { id: 't1', title: 'still works' });
    tab.check();
  });

  it('mutations run again under a new name see it', () => {
    const tab = start();
    tab.mutate('draw', { listId: 'l1' });
    tab.follower.apply(tab.replica.rename((mutation) => ({ ...mutation, clientId: 'renamed', mutationId: 1 })));
    const drawn = rowsOf(tab.replica.database)['tasks']?.find(([, , title]) => title === 'drawn');
    expect(drawn?.at(-1)).toBe('1 renamed');
    expect(tab.follower.rows()).toEqual(sorted(rowsOf(tab.replica.database)));
  });
});
