import { useEffect, useRef, useState } from 'react';
import { citiesFor } from './city-query.ts';
import { fold } from './fold.ts';
import type { CityRow } from './map/city-index.ts';
import { tripHooks } from './trip-client.ts';

const { useQuery } = tripHooks;

const NONE: readonly CityRow[] = [];

/** Cities for what is typed, best first: a live query over all of them, one for each text. */
export function useCitySearch() {
  const [text, setText] = useState('');
  const wanted = fold(text);
  const { data } = useQuery((db) => citiesFor(db, wanted), [wanted]);
  // While the next rows are found the last ones stay.
  const last = useRef(NONE);
  useEffect(() => {
    if (data !== undefined) last.current = data;
  }, [data]);
  return { text, results: wanted === '' ? NONE : (data ?? last.current), pending: data === undefined, onText: setText };
}
