import { asc, eq } from 'drizzle-orm';
import { cityColumns } from './city-query.ts';
import { cities, items, notes, stops } from '../room.ts';
import { useMemo } from 'react';
import { tripHooks } from './trip-client.ts';

const { useQuery, useSyncStatus } = tripHooks;

const NONE: readonly never[] = [];

/** The trip's own rows, live: of the notes those that this visitor may see, as no others come here. `ready` once there are any to show, be they older ones. */
export function useTripRows() {
  const { user } = useSyncStatus();
  const stopRows = useQuery(
    (db) =>
      db
        .select({
          id: stops.id,
          position: stops.position,
          cityId: stops.cityId,
          nights: stops.nights,
          name: cities.name,
          country: cities.country,
          lat: cities.lat,
          lon: cities.lon,
        })
        .from(stops)
        .innerJoin(cities, eq(cities.id, stops.cityId))
        .orderBy(asc(stops.position), asc(stops.id)),
    [],
  ).data;
  const noteRows = useQuery(
    (db) =>
      db
        .select({
          id: notes.id,
          stopId: notes.stopId,
          body: notes.body,
          author: notes.author,
          writtenMs: notes.writtenMs,
          owner: notes.owner,
          isPrivate: notes.isPrivate,
        })
        .from(notes)
        .orderBy(asc(notes.writtenMs), asc(notes.id)),
    [],
  ).data;
  const itemRows = useQuery(
    (db) => db.select({ id: items.id, label: items.label, packed: items.packed }).from(items).orderBy(asc(items.addedMs), asc(items.id)),
    [],
  ).data;
  const sub = user?.sub;
  const noted = useMemo(
    () => noteRows?.map((note) => ({ ...note, isMine: note.isPrivate || (sub !== undefined && note.owner === sub) })),
    [noteRows, sub],
  );
  return {
    ready: stopRows !== undefined && noteRows !== undefined && itemRows !== undefined,
    stops: stopRows ?? NONE,
    notes: noted ?? NONE,
    items: itemRows ?? NONE,
  };
}

/** Every city, for the map to draw; null until they are here. Nobody writes them, so they come once. */
export function useCities() {
  const { data } = useQuery((db) => db.select(cityColumns).from(cities), []);
  return data ?? null;
}
