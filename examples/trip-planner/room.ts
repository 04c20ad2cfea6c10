import { AlcoveError, defineRoom, mutator, type MutatorContext, type MutatorTx, value } from '@alcove/core';
import { and, asc, count, eq, gte, like, or, sql } from 'drizzle-orm';
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

/** Without a foreign key: who takes a stop off the route takes its shared notes along, and not those that they cannot see. */
export const notes = sqliteTable(
  'notes',
  {
    id: text().primaryKey(),
    stopId: text('stop_id').notNull(),
    body: text().notNull(),
    /** The name they went by. */
    author: text().notNull(),
    writtenMs: integer('written_ms').notNull(),
    /** Who wrote it, as the server knows them; null: nobody of this trip. */
    owner: text(),
    /** Nobody else gets it: see `rules`. */
    isPrivate: integer('private', { mode: 'boolean' }).notNull().default(false),
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

/** One row in a trip that was made before trips had keys; none in others. Such a trip's address was its link, and still is. */
export const beforeKeys = sqliteTable('before_keys', { id: integer().primaryKey() });

/** A note went with its stop, by a foreign key, while all notes were everybody's. */
const PRIVATE_NOTES = `
CREATE TABLE before_keys (id INTEGER PRIMARY KEY NOT NULL);
INSERT INTO before_keys VALUES (1);
CREATE TABLE notes_free (id TEXT PRIMARY KEY NOT NULL, stop_id TEXT NOT NULL, body TEXT NOT NULL, author TEXT NOT NULL, written_ms INTEGER NOT NULL);
INSERT INTO notes_free SELECT id, stop_id, body, author, written_ms FROM notes;
DROP TABLE notes;
ALTER TABLE notes_free RENAME TO notes`;

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
  owner: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64))), null),
});

/** Notes that somebody sees: the shared ones, and their own. */
const seenBy = (note: typeof notes, sub: string | undefined) => or(eq(note.isPrivate, false), eq(note.owner, sub ?? ''));

export const trip = defineRoom({
  name: 'trip',
  schema: { cities, stops, notes, items, closedPlaces, beforeKeys },
  serverOnly: ['closedPlaces', 'beforeKeys'],
  migrations: [{ id: '0001-private-notes', sql: PRIVATE_NOTES }],
  rules: {
    notes: {
      visibleTo: (note, { sub }) => seenBy(note, sub),
      mayInsert: (note, { sub }) => seenBy(note, sub),
      // Nobody gives a note to somebody else, and who cannot see one neither changes nor hides it.
      mayUpdate: (before, after, { sub }) => and(seenBy(before, sub), seenBy(after, sub), sql`${after.owner} is ${before.owner}`),
      mayDelete: (note, { sub }) => seenBy(note, sub),
    },
  },
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
    /** Takes a removal back: the stop with the shared notes that went with it; private ones were never gone. Twice is once. */
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
    /** Takes its shared notes along. Twice is once: who removes what is already gone has got what they wanted. */
    removeStop: mutator(v.object({ id }), (tx, stop) => {
      tx.delete(stops).where(eq(stops.id, stop.id)).run();
      tx.delete(notes)
        .where(and(eq(notes.stopId, stop.id), eq(notes.isPrivate, false)))
        .run();
    }),

    addNote: mutator(
      v.object({
        id,
        stopId: id,
        body: line(NOTE_CHARACTERS_MAX),
        author: line(NAME_CHARACTERS_MAX),
        isPrivate: v.optional(v.boolean(), false),
      }),
      (tx, note, ctx) => {
        expectStop(tx, note.stopId);
        const onStop = and(eq(notes.stopId, note.stopId), seenHere(ctx));
        const there = tx.select({ n: count() }).from(notes).where(onStop).get()?.n ?? 0;
        if (there >= NOTES_PER_STOP_MAX) throw refusal(`A stop has at most ${NOTES_PER_STOP_MAX} notes.`);
        tx.insert(notes)
          .values({ ...note, writtenMs: ctx.now, owner: ctx.user?.sub ?? null })
          .run();
      },
    ),
    /** `was`: what stood there when its writer began. Two who write at once do not wipe out each other's words: the second is told, and has their own. */
    editNote: mutator(v.object({ id, was: v.string(), body: line(NOTE_CHARACTERS_MAX) }), (tx, note, ctx) => {
      const seen = and(eq(notes.id, note.id), seenHere(ctx));
      const there = tx.select({ body: notes.body }).from(notes).where(seen).get();
      if (there === undefined) throw refusal('Somebody has removed that note.');
      if (there.body !== note.was) throw refusal('Somebody has changed that note meanwhile.');
      tx.update(notes).set({ body: note.body }).where(eq(notes.id, note.id)).run();
    }),
    /** To oneself, or to everybody: for who wrote it. */
    keepNote: mutator(v.object({ id, isPrivate: v.boolean() }), (tx, note, ctx) => {
      const own = ctx.isServer ? eq(notes.owner, ctx.user?.sub ?? '') : undefined;
      const { changes } = tx
        .update(notes)
        .set({ isPrivate: note.isPrivate })
        .where(and(eq(notes.id, note.id), own))
        .run();
      if (changes === 0) throw refusal('Only who wrote a note can keep it to themselves or share it, as long as it is there.');
    }),
    removeNote: mutator(v.object({ id }), (tx, note, ctx) =>
      tx
        .delete(notes)
        .where(and(eq(notes.id, note.id), seenHere(ctx)))
        .run(),
    ),

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
      tx.delete(notes)
        .where(like(notes.id, `${SEEDED}%`))
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

/** A tab holds no others; in the room a note that the caller does not see is none to them: they learn nothing of it by trying. */
const seenHere = ({ isServer, user }: MutatorContext) => (isServer ? seenBy(notes, user?.sub) : undefined);

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
