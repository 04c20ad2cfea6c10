import { AlcoveError, defineRoom, mutator, type MutatorTx, value } from '@alcove/core';
import { asc, count, eq, gte, like, sql } from 'drizzle-orm';
import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { generateKeyBetween } from 'fractional-indexing';
import * as v from 'valibot';
import {
  BUDGET_MAX,
  ITEM_CHARACTERS_MAX,
  NAME_CHARACTERS_MAX,
  NIGHTS_MAX,
  NOTE_CHARACTERS_MAX,
  TITLE_CHARACTERS_MAX,
} from './src/bounds.ts';
import { PERSON_INKS } from './src/map/person-inks.ts';

/** The room of one trip: what its tabs and its server share. */

export const STOPS_MAX = 80;
export const NOTES_PER_STOP_MAX = 50;
export const ITEMS_MAX = 200;

/** How the ids of what a new trip begins with begin. */
export const SEEDED = 'seed-';

/** Every place one could go to; filled once, when the room is made. */
export const cities = sqliteTable(
  'cities',
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    /** The name as it is searched: small plain letters. See src/fold.ts. */
    folded: text().notNull(),
    country: text().notNull(),
    population: integer().notNull(),
    lat: real().notNull(),
    lon: real().notNull(),
    feature: text().notNull(),
    admin: text().notNull(),
  },
  (table) => [index('cities_by_folded').on(table.folded)],
);

/** `position` is a fractional key: text that sorts, with room between any two, so that a move writes one row. */
export const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  cityId: integer('city_id')
    .notNull()
    .references(() => cities.id),
  position: text().notNull().unique(),
  nights: integer().notNull(),
});

export const notes = sqliteTable(
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

export const items = sqliteTable('items', {
  id: text().primaryKey(),
  label: text().notNull(),
  packed: integer({ mode: 'boolean' }).notNull(),
  addedMs: integer('added_ms').notNull(),
});

/** Places where nobody may stay overnight, and why. Only the room knows them: a tab learns of one by being refused. */
export const closedPlaces = sqliteTable('closed_places', {
  cityId: integer('city_id').primaryKey(),
  reason: text().notNull(),
});

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const nights = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(NIGHTS_MAX));
const nightsMore = v.pipe(v.number(), v.integer(), v.minValue(-NIGHTS_MAX), v.maxValue(NIGHTS_MAX));
const line = (charactersMax: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(charactersMax));
const cityId = v.pipe(v.number(), v.integer());
/** A key that fractional-indexing itself could have made. */
const position = v.pipe(v.string(), v.maxLength(200), v.check(isKey, 'not a key of an order'));
/** As it was when it was removed. */
const note = v.object({
  id,
  body: line(NOTE_CHARACTERS_MAX),
  author: line(NAME_CHARACTERS_MAX),
  writtenMs: v.pipe(v.number(), v.integer()),
});

export const trip = defineRoom({
  name: 'trip',
  schema: { cities, stops, notes, items, closedPlaces },
  serverOnly: ['closedPlaces'],
  mutators: {
    /** The page names what it adds, so that it can point at it, and mark it, before the room has answered. */
    addStop: mutator(v.object({ id, cityId, position, nights }), (tx, stop, ctx) => {
      if (rowsOf(tx, stops) >= STOPS_MAX) throw refusal(`A trip has at most ${STOPS_MAX} stops.`);
      const city = tx.select({ name: cities.name }).from(cities).where(eq(cities.id, stop.cityId)).get();
      if (city === undefined) throw refusal('There is no such city.');
      // A tab has no such table: the rule is the room's alone.
      const closed = ctx.isServer ? tx.select().from(closedPlaces).where(eq(closedPlaces.cityId, stop.cityId)).get() : undefined;
      if (closed !== undefined) throw refusal(closed.reason);
      tx.insert(stops)
        .values({ ...stop, position: freePosition(tx, stop.position) })
        .run();
    }),
    /** Takes a removal back: the stop with the notes that went with it. Twice is once. */
    restoreStop: mutator(
      v.object({ id, cityId, position, nights, notes: v.pipe(v.array(note), v.maxLength(NOTES_PER_STOP_MAX)) }),
      (tx, { notes: kept, ...stop }) => {
        if (tx.select({ id: stops.id }).from(stops).where(eq(stops.id, stop.id)).get() !== undefined) return;
        if (rowsOf(tx, stops) >= STOPS_MAX) throw refusal(`A trip has at most ${STOPS_MAX} stops.`);
        tx.insert(stops)
          .values({ ...stop, position: freePosition(tx, stop.position) })
          .run();
        for (const one of kept)
          tx.insert(notes)
            .values({ ...one, stopId: stop.id })
            .onConflictDoNothing()
            .run();
      },
    ),
    moveStop: mutator(v.object({ id, position }), (tx, stop) => {
      expectStop(tx, stop.id);
      const free = freePosition(tx, stop.position, stop.id);
      tx.update(stops).set({ position: free }).where(eq(stops.id, stop.id)).run();
    }),
    /** So many more, or fewer. Not the new number: of two people who press at once, and of two presses in a row, both count. */
    changeNights: mutator(v.object({ id, by: nightsMore }), (tx, stop) => {
      expectStop(tx, stop.id);
      const bounded = sql`max(0, min(${NIGHTS_MAX}, ${stops.nights} + ${stop.by}))`;
      tx.update(stops).set({ nights: bounded }).where(eq(stops.id, stop.id)).run();
    }),
    /** Takes its notes along. Twice is once: who removes what is already gone has got what they wanted. */
    removeStop: mutator(v.object({ id }), (tx, stop) => tx.delete(stops).where(eq(stops.id, stop.id)).run()),

    addNote: mutator(v.object({ id, stopId: id, body: line(NOTE_CHARACTERS_MAX), author: line(NAME_CHARACTERS_MAX) }), (tx, note, ctx) => {
      expectStop(tx, note.stopId);
      const there = tx.select({ n: count() }).from(notes).where(eq(notes.stopId, note.stopId)).get()?.n ?? 0;
      if (there >= NOTES_PER_STOP_MAX) throw refusal(`A stop has at most ${NOTES_PER_STOP_MAX} notes.`);
      tx.insert(notes)
        .values({ ...note, writtenMs: ctx.now })
        .run();
    }),
    /** `was`: what stood there when its writer began. Two who write at once do not wipe out each other's words: the second is told, and has their own. */
    editNote: mutator(v.object({ id, was: v.string(), body: line(NOTE_CHARACTERS_MAX) }), (tx, note) => {
      const there = tx.select({ body: notes.body }).from(notes).where(eq(notes.id, note.id)).get();
      if (there === undefined) throw refusal('Somebody has removed that note.');
      if (there.body !== note.was) throw refusal('Somebody has changed that note meanwhile.');
      tx.update(notes).set({ body: note.body }).where(eq(notes.id, note.id)).run();
    }),
    removeNote: mutator(v.object({ id }), (tx, note) => tx.delete(notes).where(eq(notes.id, note.id)).run()),

    addItem: mutator(v.object({ id, label: line(ITEM_CHARACTERS_MAX) }), (tx, item, ctx) => {
      if (rowsOf(tx, items) >= ITEMS_MAX) throw refusal(`The packing list has at most ${ITEMS_MAX} things.`);
      tx.insert(items)
        .values({ ...item, packed: false, addedMs: ctx.now })
        .run();
    }),
    toggleItem: mutator(v.object({ id, packed: v.boolean() }), (tx, item) => {
      const { changes } = tx.update(items).set({ packed: item.packed }).where(eq(items.id, item.id)).run();
      if (changes === 0) throw refusal('Somebody has removed that from the list.');
    }),
    removeItem: mutator(v.object({ id }), (tx, item) => tx.delete(items).where(eq(items.id, item.id)).run()),

    /** For a trip that shall begin empty: takes away what the seed put there and nobody else. */
    clearExample: mutator((tx) => {
      tx.delete(stops)
        .where(like(stops.id, `${SEEDED}%`))
        .run();
      tx.delete(items)
        .where(like(items.id, `${SEEDED}%`))
        .run();
    }),
  },
  /** `sinceMs`: when they came, by their own clock; who came later picks another ink. */
  presence: v.object({ name: line(NAME_CHARACTERS_MAX), color: v.picklist(PERSON_INKS), sinceMs: v.number() }),
  cursor: v.object({
    lon: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
    lat: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
  }),
  values: {
    budget: value(v.pipe(v.number(), v.minValue(0), v.maxValue(BUDGET_MAX)), { intervalMs: 1_000 }),
    /** What the trip is called, where somebody has named it; else its address says. */
    title: value(line(TITLE_CHARACTERS_MAX)),
  },
  /** Keyed by the stop a note is being written on. */
  ephemeral: { typing: v.boolean() },
});

/** A refusal in words for the person who tried. */
const refusal = (reason: string) => new AlcoveError('forbidden', reason, { hint: 'Nothing was changed.' });

function expectStop(tx: MutatorTx, stopId: string): void {
  if (tx.select({ id: stops.id }).from(stops).where(eq(stops.id, stopId)).get() === undefined) {
    throw refusal('Somebody has taken that stop off the route.');
  }
}

const rowsOf = (tx: MutatorTx, table: typeof stops | typeof items): number => tx.select({ n: count() }).from(table).get()?.n ?? 0;

/**
 * The wanted key, or where another stop holds it by now, one between it and the next. Two people who drop a stop at the same
 * place at once both get their way, one after the other.
 */
function freePosition(tx: MutatorTx, wanted: string, ownId?: string): string {
  const behind = tx.select().from(stops).where(gte(stops.position, wanted)).orderBy(asc(stops.position)).limit(3).all();
  const [first, second] = behind.filter((stop) => stop.id !== ownId);
  return first?.position === wanted ? generateKeyBetween(wanted, second?.position ?? null) : wanted;
}

function isKey(text: string): boolean {
  try {
    generateKeyBetween(text, null);
    return true;
  } catch {
    return false;
  }
}
