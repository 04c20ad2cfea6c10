import type { MutatorTx } from '@alcove/core';
import { desc, eq, sql } from 'drizzle-orm';
import { cities } from '../room.ts';

const RESULTS_MAX = 12;

/** What is shown of a city, on the map and in the search. */
export const cityColumns = {
  id: cities.id,
  name: cities.name,
  country: cities.country,
  population: cities.population,
  lat: cities.lat,
  lon: cities.lon,
};

/**
 * Cities with a word that begins with `wanted` (folded, see fold.ts; empty: none): those that are called just so come first, then the largest. Who types “porto”
 * to its end means Porto, and not Porto Alegre, which has more people.
 */
export const citiesFor = (db: Pick<MutatorTx, 'select'>, wanted: string) =>
  db
    .select(cityColumns)
    .from(cities)
    .where(sql`instr(' ' || ${cities.folded}, ${` ${wanted}`}) > 0`)
    .orderBy(desc(eq(cities.folded, wanted)), desc(cities.population), cities.id)
    .limit(wanted === '' ? 0 : RESULTS_MAX);
