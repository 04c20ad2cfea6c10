import { AlcoveError, defineRoom, mutator } from '@alcove/core';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  body: text().notNull(),
  /** How often the room ran the call that wrote it. */
  runs: integer().notNull(),
});

const mutators = {
  /** Counts its runs in the row: a call that takes effect twice shows. */
  add: mutator(v.object({ id: v.string(), body: v.string() }), (tx, note) => {
    tx.insert(notes)
      .values({ ...note, runs: 1 })
      .onConflictDoUpdate({ target: notes.id, set: { runs: sql`${notes.runs} + 1` } })
      .run();
  }),
  /** Works in a tab and is refused by the room. */
  addForbidden: mutator(v.object({ id: v.string(), body: v.string() }), (tx, note, ctx) => {
    if (ctx.isServer) throw new AlcoveError('forbidden', `${note.id} is not for you`);
    tx.insert(notes)
      .values({ ...note, runs: 1 })
      .run();
  }),
};

export const notebook = defineRoom({ name: 'notebook', schema: { notes }, mutators });

/** What the app's next build holds: a column more. */
export const newerNotebook = defineRoom({
  name: 'notebook',
  schema: {
    notes: sqliteTable('notes', { id: text().primaryKey(), body: text().notNull(), runs: integer().notNull(), color: text() }),
  },
  mutators,
});
