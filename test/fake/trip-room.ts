import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { counter, value } from '@alcove/core/schema/values';

export const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  city: text().notNull(),
  nights: integer().notNull().default(1),
  by: text(),
});
export const notes = sqliteTable('notes', {
  id: text().primaryKey(),
  stopId: text()
    .notNull()
    .references(() => stops.id, { onDelete: 'cascade' }),
  body: text().notNull(),
});
export const audit = sqliteTable('audit', { id: text().primaryKey(), what: text().notNull() });

const stop = v.object({ id: v.string(), city: v.string(), nights: v.optional(v.number()) });

/** Effects after commits that mutators of `tripRoom` registered, in order; cleared by whoever looks. */
export const effects: string[] = [];

/** A room for tests: something of everything. */
export const tripRoom = defineRoom({
  name: 'trip',
  schema: { stops, notes, audit },
  serverOnly: ['audit'],
  mutators: {
    addStop: mutator(stop, (tx, args, ctx) => {
      tx.insert(stops)
        .values({ ...args, by: ctx.user?.sub ?? null })
        .run();
    }),
    setCity: mutator(v.object({ id: v.string(), city: v.string() }), (tx, { id, city }) => {
      tx.update(stops).set({ city }).where(sql`id = ${id}`).run();
    }),
    removeStop: mutator(v.object({ id: v.string() }), (tx, { id }) => {
      tx.delete(stops).where(sql`id = ${id}`).run();
    }),
    addNote: mutator(v.object({ id: v.string(), stopId: v.string(), body: v.string() }), (tx, note) => {
      tx.insert(notes).values(note).run();
    }),
    addMany: mutator(v.object({ from: v.number(), count: v.number(), body: v.optional(v.string(), 'x') }), (tx, { from, count, body }) => {
      for (let index = from; index < from + count; index++) {
        tx.insert(stops)
          .values({ id: `m${String(index).padStart(6, '0')}`, city: body })
          .run();
      }
    }),
    seeded: mutator((tx, _, ctx) => {
      tx.insert(stops)
        .values({ id: ctx.id(), city: `${ctx.random()}`, nights: ctx.now % 1000 })
        .run();
    }),
    noted: mutator(v.object({ what: v.string() }), (tx, { what }, ctx) => {
      tx.insert(audit).values({ id: ctx.id(), what }).run();
      ctx.afterCommit(() => {
        effects.push(what);
      });
    }),
    /** Any statement: for what a schema made by Drizzle cannot do. */
    raw: mutator(v.object({ sql: v.string() }), (tx, args) => {
      tx.run(sql.raw(args.sql));
    }),
    nothing: mutator(() => undefined),
  },
  presence: v.object({ name: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
  values: {
    budget: value(v.number(), { intervalMs: 1000 }),
    slow: value(v.string(), { intervalMs: 5000 }),
    likes: counter({ intervalMs: 1000 }),
  },
  ephemeral: { typing: v.boolean() },
});
