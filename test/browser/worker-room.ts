import { defineRoom, mutator } from '@alcove/core';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const notes = sqliteTable('notes', { id: text().primaryKey(), size: integer().notNull() });

const mutators = {
  add: mutator(v.object({ id: v.string(), size: v.number() }), (tx, note) => {
    tx.insert(notes).values(note).run();
  }),
  /** Holds its thread for ever, in a tab only. */
  loop: mutator(v.object({}), (_tx, _args, ctx) => {
    while (!ctx.isServer) continue;
  }),
  /** A statement that does not end, in a tab only. */
  grind: mutator(v.object({}), (tx, _args, ctx) => {
    if (!ctx.isServer) tx.all(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`);
  }),
};

export const notebook = defineRoom({ name: 'notebook', schema: { notes }, mutators });

/** What a page of another build would hold. */
export const otherNotebook = defineRoom({
  name: 'notebook',
  schema: { notes: sqliteTable('notes', { id: text().primaryKey(), size: integer().notNull(), color: text() }) },
  mutators,
});
