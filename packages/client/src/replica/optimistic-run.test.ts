import { installCapture } from '@alcove/core/change/install-capture';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { roomDdl } from '@alcove/core/schema/ddl';
import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import initSqlJs from 'sql.js';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { OptimisticRuns } from './optimistic-run.ts';
import { openSqljsDatabase } from './sqljs-database.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), size: integer() });
const room = defineRoom({
  name: 'notes',
  schema: { notes },
  mutators: {
    add: mutator((tx, _args, ctx) =>
      tx
        .insert(notes)
        .values({ id: `note ${ctx.mutationId}`, size: 1 })
        .run(),
    ),
    // What it leaves behind is an INTEGER that no driver reads, so that its changes cannot be taken.
    overflow: mutator((tx) => tx.insert(notes).values({ id: 'unreadable', size: sql`9007199254740993` }).run()),
  },
});
const mutation = (mutationId: number, name: string): Mutation => ({ clientId: 'c', mutationId, name, args: null, seed: 'seed', nowMs: 0 });

async function runsOf(isSkipped?: (mutation: Mutation) => boolean) {
  const database = openSqljsDatabase(await initSqlJs());
  for (const statement of roomDdl(room.model, { serverOnly: false })) database.exec(statement);
  installCapture(database, room.model);
  const limits = { rowsMax: 100, statementsMax: 100, timeBudgetMs: 1_000 };
  const options = { room, runtime: new FakeRuntime(), limits };
  return { database, runs: new OptimisticRuns(database, isSkipped === undefined ? options : { ...options, isSkipped }) };
}

it('[RB-1] a mutation whose changes cannot be taken leaves nothing to those after it', async () => {
  const { database, runs } = await runsOf();
  const taken = runs.attemptAll([mutation(1, 'add'), mutation(2, 'overflow'), mutation(3, 'add')]);
  expect(taken.map(({ effect }) => effect.tables.flatMap(({ rows }) => rows.map(({ after }) => after?.[0])))).toEqual([
    ['note 1'],
    [],
    ['note 3'],
  ]);
  expect(database.prepare('SELECT id FROM notes ORDER BY id').all()).toEqual([['note 1'], ['note 3']]);
  database.close();
});

it('[WK-50] one that is skipped is not run, has no effect and saw nothing, whichever way it comes', async () => {
  const { database, runs } = await runsOf(({ mutationId }) => mutationId === 2);
  expect(runs.run(mutation(2, 'add'))).toEqual({ effect: { tables: [] }, seen: new Set() });
  // A run of it would throw.
  expect(runs.attempt(mutation(2, 'no such mutator'))).toEqual({ effect: { tables: [] }, seen: new Set() });
  runs.attemptAll([mutation(1, 'add'), mutation(2, 'add'), mutation(3, 'add')]);
  expect(database.prepare('SELECT id FROM notes ORDER BY id').all()).toEqual([['note 1'], ['note 3']]);
  database.close();
});

it('[RB-1] capture that the first runs start goes on after a transaction that was taken back', async () => {
  const { database, runs } = await runsOf();
  expect(() =>
    database.transaction(() => {
      expect(() => runs.run(mutation(1, 'add'))).toThrow('capture is to start inside a transaction');
      throw new Error('taken back');
    }),
  ).toThrow('taken back');
  expect(runs.attemptAll([mutation(2, 'overflow'), mutation(3, 'add')]).map(({ effect }) => effect.tables.length)).toEqual([0, 1]);
  expect(runs.run(mutation(4, 'add')).effect.tables).toHaveLength(1);
  database.close();
});
