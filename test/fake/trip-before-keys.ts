import { defineRoom, mutator } from '@alcove/core';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { cities, closedPlaces, items, stops } from '../../examples/trip-planner/room.ts';

/** Notes as they were when all of them were everybody's. */
const notes = sqliteTable(
  'notes',
  {
    id: text().primaryKey(),
    stopId: text('stop_id')
      .notNull()
      .references(() => stops.id, { onDelete: 'cascade' }),
    body: text().notNull(),
    author: text().notNull(),
    writtenMs: integer('written_ms').notNull(),
  },
  (table) => [index('notes_by_stop').on(table.stopId)],
);

/** The trip planner's room as it was when the address of a trip was all that it took to come in: to make a file that an update finds. */
export const tripBeforeKeys = defineRoom({
  name: 'trip',
  schema: { cities, stops, notes, items, closedPlaces },
  serverOnly: ['closedPlaces'],
  mutators: {
    /** One stop, in Kyoto, and a note on it. */
    fill: mutator(v.object({ note: v.string() }), (tx, { note }) => {
      tx.insert(cities)
        .values({
          id: 1,
          name: 'Kyoto',
          folded: 'kyoto',
          country: 'JP',
          population: 1_459_640,
          lat: 35,
          lon: 135.8,
          feature: 'PPLA',
          admin: '22',
        })
        .run();
      tx.insert(stops).values({ id: 's', cityId: 1, position: 'a0', nights: 1 }).run();
      tx.insert(notes).values({ id: 'n', stopId: 's', body: note, author: 'Ada', writtenMs: 7 }).run();
    }),
  },
});
