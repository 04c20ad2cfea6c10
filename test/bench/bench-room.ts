import { defineRoom, mutator, value } from '@alcove/core';
import { and, eq, or, sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { trip } from '../../examples/trip-planner/room.ts';

/** Rows as an app of boards and planners has them: text key, some text, some numbers, an index. */
export const items = sqliteTable(
  'items',
  {
    id: text().primaryKey(),
    list: integer().notNull(),
    title: text().notNull(),
    position: integer().notNull(),
    done: integer({ mode: 'boolean' }).notNull().default(false),
  },
  (table) => [index('items_list').on(table.list, table.position)],
);

export const board = defineRoom({
  name: 'board',
  schema: { items },
  mutators: {
    add: mutator(v.object({ id: v.string(), list: v.number(), title: v.string(), position: v.number() }), (tx, item) => {
      tx.insert(items).values(item).run();
    }),
    rename: mutator(v.object({ id: v.string(), title: v.string() }), (tx, { id, title }) => {
      tx.update(items).set({ title }).where(eq(items.id, id)).run();
    }),
    tidy: mutator(v.object({ list: v.number() }), (tx, { list }) => {
      tx.delete(items)
        .where(and(eq(items.list, list), eq(items.done, true)))
        .run();
    }),
    bump: mutator(v.object({ id: v.string() }), (tx, { id }) => {
      tx.update(items)
        .set({ position: sql`${items.position} + 1` })
        .where(eq(items.id, id))
        .run();
    }),
  },
});

const settings = sqliteTable('settings', { id: text().primaryKey(), at: integer().notNull() });

/** A number that is moved often: as a debounced value, and as rows. */
export const dials = defineRoom({
  name: 'dials',
  schema: { settings },
  mutators: {
    set: mutator(v.object({ id: v.string(), at: v.number() }), (tx, setting) => {
      tx.insert(settings).values(setting).onConflictDoUpdate({ target: settings.id, set: setting }).run();
    }),
  },
  values: { dial: value(v.number()) },
});

/** The trip with a rule by which readers see every second city. */
export const ruledTrip = defineRoom({
  name: trip.name,
  schema: trip.schema,
  serverOnly: ['closedPlaces', 'beforeKeys'],
  migrations: trip.migrations.map(({ id, statements }) => ({ id, sql: statements })),
  mutators: {},
  rules: { cities: { visibleTo: (city, claims) => sql`${city.id} % 2 = ${claims['half']}` } },
});

/** The board with a rule. All readers see what is not done, readers of a list all of it: those of one list are a class. */
export const ruledBoard = defineRoom({
  name: 'ruled-board',
  schema: board.schema,
  mutators: board.mutators,
  rules: { items: { visibleTo: (item, claims) => or(eq(item.done, false), eq(item.list, Number(claims['list']))) } },
});

export const itemAt = (index: number, listSize = 50): { id: string; list: number; title: string; position: number } => ({
  id: `item-${String(index).padStart(7, '0')}`,
  list: Math.floor(index / listSize),
  title: `What has to be done, number ${index}`,
  position: index,
});
