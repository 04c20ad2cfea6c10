import { desc, sql } from 'drizzle-orm';
import { useEffect, useRef, useState } from 'react';
import { cities } from '../room.ts';
import { fold } from './fold.ts';
import type { CityRow } from './map/city-index.ts';
import { tripHooks } from './trip-client.ts';

const { useQuery } = tripHooks;

const RESULTS_MAX = 12;
const NONE: readonly CityRow[] = [];

/** Cities with a word that begins with what is typed, the largest first: a live query over all of them, one for each text. */
export function useCitySearch() {
  const [text, setText] = useState('');
  const wanted = fold(text);
  const { data } = useQuery(
    (db) =>
      db
        .select({
          id: cities.id,
          name: cities.name,
          country: cities.country,
          population: cities.population,
          lat: cities.lat,
          lon: cities.lon,
        })
        .from(cities)
        .where(sql`instr(' ' || ${cities.folded}, ${` ${wanted}`}) > 0`)
        .orderBy(desc(cities.population), cities.id)
        .limit(wanted === '' ? 0 : RESULTS_MAX),
    [wanted],
  );
  // While the next rows are found the last ones stay.
  const last = useRef(NONE);
  useEffect(() => {
    if (data !== undefined) last.current = data;
  }, [data]);
  return { text, results: wanted === '' ? NONE : (data ?? last.current), pending: data === undefined, onText: setText };
}
