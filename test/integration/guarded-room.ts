import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { value } from '@alcove/core/schema/values';
import { and, eq, ne, or, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  owner: text().notNull(),
  shared: integer({ mode: 'boolean' }).notNull(),
  slug: text().unique(),
  body: text({ mode: 'json' }),
  price: integer(),
  diary: text(),
});
const note = v.object({
  id: v.string(),
  owner: v.string(),
  shared: v.boolean(),
  slug: v.optional(v.string()),
  body: v.optional(v.string()),
  price: v.optional(v.number()),
  diary: v.optional(v.string()),
});

/** Notes that their owners see, and others where they are shared, but never price and diary; and mutators that go over all of them, hidden ones too, and fail. */
export const guarded = defineRoom({
  name: 'guarded',
  schema: { notes },
  mutators: {
    put: mutator(note, (tx, { body, ...row }) => {
      const set = { ...row, ...(body === undefined ? {} : { body: sql`${body}` }) };
      tx.insert(notes).values(set).onConflictDoUpdate({ target: notes.id, set }).run();
    }),
    removeAll: mutator((tx) => tx.delete(notes).run()),
    takeAll: mutator((tx, _, ctx) =>
      tx
        .update(notes)
        .set({ owner: String(ctx.user?.sub) })
        .run(),
    ),
    touchAll: mutator((tx) =>
      tx
        .update(notes)
        .set({ diary: sql`${notes.diary} || '!'` })
        .run(),
    ),
    slugAll: mutator((tx) => tx.update(notes).set({ slug: 'the same' }).run()),
    overflowAll: mutator((tx) =>
      tx
        .update(notes)
        .set({ price: sql`${notes.price} + 9007199254740991` })
        .run(),
    ),
    nullAll: mutator((tx) => tx.run(sql`update notes set owner = null`)),
    castAll: mutator((tx) => tx.run(sql`update notes set price = json(diary)`)),
    pathAll: mutator((tx) => void tx.all(sql`select json_extract('{}', diary) from notes`)),
    readAll: mutator((tx) => void tx.select().from(notes).all()),
    lookUp: mutator((tx) => {
      const nothing = new Map<string, Record<string, string>>().get('nothing') as Record<string, string>; // which is wrong: so the next line throws
      for (const { diary } of tx.select({ diary: notes.diary }).from(notes).all()) if (diary !== null) nothing[diary]?.trim();
    }),
    countAll: mutator((tx) => {
      for (const { diary } of tx.select({ diary: notes.diary }).from(notes).all()) BigInt(String(diary));
    }),
  },
  values: { budget: value(v.number(), { intervalMs: 60_000 }) },
  rules: {
    notes: {
      visibleTo: (row, { sub = '', role }) => role !== 'nobody' && or(eq(row.owner, sub), eq(row.shared, true)),
      hiddenFrom: {
        price: (row, { sub = '' }) => ne(row.owner, sub),
        diary: (row, { sub = '' }) => ne(row.owner, sub),
      },
      mayInsert: (row, { sub = '' }) => eq(row.owner, sub),
      mayUpdate: (before, after, { sub = '' }) => and(eq(before.owner, sub), eq(after.owner, sub)),
      mayDelete: (row, { sub = '' }) => eq(row.owner, sub),
    },
  },
});
