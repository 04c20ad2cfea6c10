import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { silentLogger } from '@alcove/core/runtime/logger';
import type { MutatorContext } from '@alcove/core/schema/define-mutator';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { mutatorTx } from '@alcove/core/sqlite/mutator-tx';
import initSqlJs from 'sql.js';
import { Replica } from '../../packages/client/src/replica/replica.ts';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { createBrowserRuntime } from '../../packages/client/src/worker/browser-runtime.ts';
import { board, itemAt } from './bench-room.ts';
import { type Bench, type Figure, figureOf, interleave } from './measure.ts';

const ROWS = 20_000;
const PENDING = 1_000;
/** Rows that a commit gives another title: one that no pending mutation touches, and one that the second of them renames, too. */
const APART_ROW = ROWS - 2;
const MET_ROW = 7;
/** What is pending: rows by their keys; or before those one whose statement looks at a whole list, of which it finds nothing. */
type PendingKind = 'by key' | 'after a list';
/** Rebases of which one run is the mean. */
const TIMES = 5;

/** A commit of somebody else, under many pending mutations of one's own. */
export const rebaseBench: Bench = {
  name: 'rebase',
  async run({ runs }) {
    const sqljs = await initSqlJs();
    const figure = async (name: string, row: number, kind: PendingKind, what: string): Promise<Figure> => {
      const ours = oursOn(filled(openSqljsDatabase(sqljs)), row, kind);
      const floor = floorOn(filled(openSqljsDatabase(sqljs)), kind);
      const all = `a commit of ${what} under ${PENDING} pending mutations (a row inserted or renamed each, among ${ROWS}), until the replica shows it; floor: taking those mutations back with ROLLBACK and running them once more through Drizzle on sql.js, a savepoint each, capture triggers on`;
      return figureOf({ name, unit: 'ms', what: all }, await interleave(runs, ours, floor));
    };
    return [
      await figure('rebase', APART_ROW, 'by key', 'a row that none of them looks at'),
      await figure('rebase-met', MET_ROW, 'by key', 'a row that one of them renames'),
      await figure(
        'rebase-all',
        APART_ROW,
        'after a list',
        'a row that none of them changes, but the first looks at a whole list: all are run again',
      ),
    ];
  },
};

function filled(database: Database): Database {
  for (const statement of roomDdl(board.model, { serverOnly: false })) database.exec(statement);
  const insert = database.prepare('INSERT INTO items (id, list, title, position, done) VALUES (?, ?, ?, ?, 0)');
  database.transaction(() => {
    for (let index = 0; index < ROWS; index += 1) {
      const { id, list, title, position } = itemAt(index);
      insert.run([id, list, title, position]);
    }
  });
  installCapture(database, board.model);
  return database;
}

interface Call {
  readonly name: 'add' | 'rename' | 'tidy';
  readonly args: ReturnType<typeof itemAt>;
}

/** Every other one inserts, the others rename rows that are there. */
const callAt = (index: number, kind: PendingKind): Call =>
  index === 0 && kind === 'after a list'
    ? { name: 'tidy', args: itemAt(0) }
    : index % 2 === 0
      ? { name: 'add', args: itemAt(ROWS + index) }
      : { name: 'rename', args: { ...itemAt(index * 7), title: `Pending ${index}` } };

/** `row`: the one whose title each commit changes. */
function oursOn(database: Database, row: number, kind: PendingKind): () => number {
  const runtime = createBrowserRuntime({ log: silentLogger });
  const limits = { rowsMax: 10_000, statementsMax: 10_000, timeBudgetMs: 60_000 };
  const replica = new Replica(database, { historyId: 'h', version: 1, hash: '', view: '' }, { room: board, runtime, limits });
  replica.adopt(Array.from({ length: PENDING }, (_, index) => mutationAt(index, kind)));
  return () =>
    meanOf(() => {
      const { version } = replica.position;
      const changes = replica.rebase([commitAfter(version, row)], () => false);
      // What one of them renames shows its title.
      if ((changes.tables.length === 0) !== (row === MET_ROW)) throw new TypeError('the commit did not show as it should');
    });
}

const mutationAt = (index: number, kind: PendingKind): Mutation => {
  const { name, args } = callAt(index, kind);
  return {
    clientId: 'bench',
    mutationId: index + 1,
    name,
    args: { ...args },
    seed: 'AAAAAAAAAAAAAAAAAAAAAA',
    nowMs: 1_800_000_000_000,
  };
};

const commitAfter = (version: number, row: number): CommitMessage => {
  const { id, list, position } = itemAt(row);
  return {
    type: 'commit',
    from: version,
    to: version + 1,
    schema: board.model.schemaId,
    hash: `${version + 1}`,
    changes: [
      {
        table: 'items',
        columns: ['id', 'list', 'title', 'position', 'done'],
        key: ['id'],
        puts: [[id], [list], [`Changed for the ${version}th time`], [position], [0]],
        deletes: [[]],
      },
    ],
  };
};

/** The pending ones stand in a transaction that is left by throwing; then once more. */
function floorOn(database: Database, kind: PendingKind): () => number {
  new Capture(database, board.model).start();
  const tx = mutatorTx(database);
  const runAll = (): void => {
    for (let index = 0; index < PENDING; index += 1) {
      const { name, args } = callAt(index, kind);
      database.transaction(() => {
        board.mutators[name].body(tx, args, context);
      });
    }
  };
  return () => {
    let tookMs = 0;
    for (let time = 0; time < TIMES; time += 1) {
      let startMs = 0;
      takenBack(database, () => {
        runAll();
        startMs = performance.now();
      });
      takenBack(database, () => {
        runAll();
        tookMs += performance.now() - startMs;
      });
    }
    return tookMs / TIMES;
  };
}

const DONE = Symbol('taken back');

function takenBack(database: Database, run: () => void): void {
  try {
    database.transaction(() => {
      run();
      throw DONE;
    });
  } catch (thrown) {
    if (thrown !== DONE) throw thrown;
  }
}

function meanOf(run: () => void): number {
  const startMs = performance.now();
  for (let time = 0; time < TIMES; time += 1) run();
  return (performance.now() - startMs) / TIMES;
}

const context: MutatorContext = {
  now: 0,
  serverNow: 0,
  random: () => 0,
  id: () => 'id',
  user: null,
  isServer: false,
  clientId: 'floor',
  mutationId: 1,
  afterCommit: () => undefined,
};
