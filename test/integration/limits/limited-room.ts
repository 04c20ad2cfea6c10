import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { counter, value } from '@alcove/core/schema/values';
import { eq } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const notes = sqliteTable('notes', { id: text().primaryKey(), body: text().notNull() });

/** A room in which every limit can be met: mutators that cost what they are told to, all kinds of states and values. */
export const limited = defineRoom({
  name: 'limited',
  schema: { notes },
  mutators: {
    /** One row in one statement. */
    note: mutator(v.object({ body: v.string() }), (tx, { body }, ctx) => {
      tx.insert(notes).values({ id: ctx.id(), body }).run();
    }),
    /** So many rows of so many characters in one statement. */
    rows: mutator(v.object({ count: v.number(), characters: v.optional(v.number(), 1) }), (tx, { count, characters }, ctx) => {
      const all = Array.from({ length: count }, () => ({ id: ctx.id(), body: 'x'.repeat(characters) }));
      tx.insert(notes).values(all).run();
    }),
    /** So many statements that change nothing. */
    statements: mutator(v.object({ count: v.number() }), (tx, { count }) => {
      for (let at = 0; at < count; at += 1) tx.delete(notes).where(eq(notes.id, 'nobody')).run();
    }),
    /** Runs statements for so long. */
    lasts: mutator(v.object({ ms: v.number() }), (tx, { ms }) => {
      const untilMs = performance.now() + ms;
      do tx.delete(notes).where(eq(notes.id, 'nobody')).run();
      while (performance.now() < untilMs);
    }),
    fails: mutator(() => {
      throw new TypeError('as it is meant to');
    }),
  },
  presence: v.object({ name: v.string() }),
  cursor: v.object({ at: v.string() }),
  ephemeral: { typing: v.string() },
  // Written only where somebody asks for it, or a limit does.
  values: { title: value(v.string(), { intervalMs: 60_000 }), likes: counter({ intervalMs: 60_000 }) },
});
