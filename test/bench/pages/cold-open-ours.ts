import { createClient } from '@alcove/client';
import { and, asc, desc, gte, lt } from 'drizzle-orm';
import { cities, trip } from '../../../examples/trip-planner/room.ts';
import { offer } from './bench-page.ts';
import { memoryBytes } from './memory-bytes.ts';
import { PREFIX, RESULTS_MAX } from './city-search.ts';

const client = createClient({
  url: '/sync',
  worker: () => new Worker(new URL('./trip.worker.ts', import.meta.url), { type: 'module' }),
});
const room = client.room(trip, location.hash.slice(1));
const [from, to] = PREFIX;
const query = room.query((db) =>
  db
    .select({ id: cities.id, name: cities.name, country: cities.country, population: cities.population })
    .from(cities)
    .where(and(gte(cities.folded, from), lt(cities.folded, to)))
    .orderBy(desc(cities.population), asc(cities.id))
    .limit(RESULTS_MAX),
);
const opened = query.promise.then((rows) => ({ ms: performance.now(), rows }));
const saved = (): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      const { storage, replica } = room.status.getSnapshot();
      if (storage === 'saved' && replica === 'current') resolve();
    };
    room.status.subscribe(look);
    look();
  });
offer({ opened: () => opened, saved, memoryBytes });
