import type { MutatorTx } from '@alcove/core';
import { sql } from 'drizzle-orm';
import { generateNKeysBetween } from 'fractional-indexing';
import { cities, closedPlaces, items, notes, SEEDED, stops } from '../../room.ts';
import { type CitySeed, readCities } from './cities.ts';

/** SQLite takes 100 parameters everywhere; a city has nine columns. */
const CITIES_PER_INSERT = 11;

/** Where nobody may stay overnight. */
const CLOSED = [
  {
    name: 'McMurdo Station',
    country: 'AQ',
    reason: 'McMurdo Station takes no visitors overnight: Antarctica needs a permit under its treaty.',
  },
  { name: 'Vatican City', country: 'VA', reason: 'Vatican City has no beds for visitors: stay in Rome and walk in.' },
] as const;

/** The first stops of the example trip, with their nights. */
const ROUTE = [
  ['Tokyo', 4],
  ['Nikkō', 1],
  ['Matsumoto', 2],
  ['Takayama', 2],
  ['Kanazawa-shi', 3],
  ['Kyoto', 5],
  ['Hiroshima-shi', 2],
  ['Nagasaki-shi', 3],
] as const;

/** For the whole trip. */
const BUDGET = 6_400;

const PACKING = ['Passports', 'Rail passes, printed', 'Adapter, type A', 'Rain jackets', 'The paper map'];

/** Fills a new room: all cities, the closed places, and a trip to begin with. Takes no clock: a seed is the same whenever it runs. */
export function seed(tx: MutatorTx): void {
  const all = readCities();
  for (let i = 0; i < all.length; i += CITIES_PER_INSERT) {
    tx.insert(cities)
      .values(all.slice(i, i + CITIES_PER_INSERT))
      .run();
  }
  for (const { name, country, reason } of CLOSED) {
    for (const city of named(all, name, country)) tx.insert(closedPlaces).values({ cityId: city.id, reason }).run();
  }
  const positions = generateNKeysBetween(null, null, ROUTE.length);
  for (const [i, [name, nights]] of ROUTE.entries()) {
    const [city] = named(all, name, 'JP');
    const position = positions[i];
    if (city !== undefined && position !== undefined)
      tx.insert(stops)
        .values({ id: `${SEEDED}${i + 1}`, cityId: city.id, position, nights })
        .run();
  }
  tx.insert(notes)
    .values({
      id: `${SEEDED}1`,
      stopId: `${SEEDED}3`,
      body: 'The castle opens at half past eight. Go up first, breakfast after.',
      author: 'Mina',
      writtenMs: 0,
    })
    .run();
  // Older than whatever anybody sets.
  tx.run(sql`INSERT INTO alcove_values (name, key, value, seq) VALUES ('budget', '', ${JSON.stringify(BUDGET)}, 0)`);
  for (const [i, label] of PACKING.entries())
    tx.insert(items)
      .values({ id: `${SEEDED}${i + 1}`, label, packed: i < 2, addedMs: i })
      .run();
}

/** All cities of that name in that country, the largest first. */
const named = (all: readonly CitySeed[], name: string, country: string): CitySeed[] =>
  all.filter((city) => city.name === name && city.country === country).sort((a, b) => b.population - a.population);
