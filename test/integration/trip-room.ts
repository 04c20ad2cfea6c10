import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { counter, value } from '@alcove/core/schema/values';
import { eq } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';

export const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull(), position: integer() });
export const ledger = sqliteTable('ledger', { id: text().primaryKey(), secret: text().notNull() });

/** A small room with something of everything: a replicated table, a server-only one, values, states, and mutators that fail in each way. */
export const trip = defineRoom({
  name: 'trip',
  schema: { stops, ledger },
  serverOnly: ['ledger'],
  mutators: {
    addStop: mutator(v.object({ id: v.string(), city: v.string() }), (tx, stop) => {
      tx.insert(stops).values(stop).run();
    }),
    removeStop: mutator(v.object({ id: v.string() }), (tx, { id }) => {
      tx.delete(stops).where(eq(stops.id, id)).run();
    }),
    addMany: mutator(v.object({ prefix: v.string(), count: v.number() }), (tx, { prefix, count }) => {
      for (let at = 0; at < count; at += 1)
        tx.insert(stops)
          .values({ id: `${prefix}${at}`, city: `city ${at} of ${prefix}`, position: at })
          .run();
    }),
    note: mutator(v.object({ secret: v.string() }), (tx, { secret }, ctx) => {
      tx.insert(ledger).values({ id: ctx.id(), secret }).run();
    }),
    whoAmI: mutator((tx, _, ctx) => {
      tx.insert(stops)
        .values({ id: ctx.id(), city: String(ctx.user?.sub) })
        .run();
    }),
  },
  presence: v.object({ name: v.string() }),
  values: { budget: value(v.number(), { intervalMs: 60_000 }), likes: counter() },
});
