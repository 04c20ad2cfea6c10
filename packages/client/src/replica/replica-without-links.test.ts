import { installCapture } from '@alcove/core/change/install-capture';
import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { roomDdl } from '@alcove/core/schema/ddl';
import { eq } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import initSqlJs from 'sql.js';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { Replica } from './replica.ts';
import { openSqljsDatabase } from './sqljs-database.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), title: text().unique() });
const room = defineRoom({
  name: 'notes',
  schema: { notes },
  mutators: {
    add: mutator(v.object({ id: v.string(), title: v.string() }), (tx, note) => tx.insert(notes).values(note).run()),
    rename: mutator(v.object({ id: v.string(), title: v.string() }), (tx, { id, title }) =>
      tx.update(notes).set({ title }).where(eq(notes.id, id)).run(),
    ),
  },
});

it('[RB-1] a room without foreign keys is rebased, too: commits swap unique values below what is pending', async () => {
  const database = openSqljsDatabase(await initSqlJs());
  for (const statement of roomDdl(room.model, { serverOnly: false })) database.exec(statement);
  database.exec(`INSERT INTO notes VALUES ('a', 'first'), ('b', 'second'), ('c', 'third')`);
  installCapture(database, room.model);
  const limits = { rowsMax: 100, statementsMax: 100, timeBudgetMs: 1_000 };
  const position = { historyId: 'h', version: 1, hash: '', view: '' };
  const replica = new Replica(database, position, { room, runtime: new FakeRuntime(), limits });
  const mutation = { clientId: 'me', seed: 'seed', nowMs: 0 };
  replica.mutate({ ...mutation, mutationId: 1, name: 'rename', args: { id: 'c', title: 'mine' } });
  replica.mutate({ ...mutation, mutationId: 2, name: 'add', args: { id: 'd', title: 'third' } });
  const changes = [
    {
      table: 'notes',
      columns: ['id', 'title'],
      key: ['id'],
      puts: [
        ['a', 'b'],
        ['second', 'first'],
      ],
      deletes: [[]],
    },
  ];
  replica.rebase([{ type: 'commit', from: 1, to: 2, schema: room.model.schemaId, hash: '', changes }], () => false);
  const rows = (): unknown => database.prepare('SELECT id, title FROM notes ORDER BY id').all();
  expect(rows()).toEqual([
    ['a', 'second'],
    ['b', 'first'],
    ['c', 'mine'],
    ['d', 'third'],
  ]);
  replica.rebase([], ({ mutationId }) => mutationId === 1);
  expect(rows()).toEqual([
    ['a', 'second'],
    ['b', 'first'],
    ['c', 'third'],
  ]);
  database.close();
});
