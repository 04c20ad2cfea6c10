import { useEffect, useRef } from 'react';
import type { useTripRows } from './connected-rows.ts';
import type { Kind } from './panels/write-marks.ts';

type TripRows = Pick<ReturnType<typeof useTripRows>, 'stops' | 'notes' | 'items'>;

/** What a row is called, or was when it was last seen here; null for one that never was. */
export type NameOfRow = (kind: Kind, id: string) => string | null;

/** More are not remembered; those that came first go first. */
const NAMES_MAX = 500;

const keyOf = (tripId: string) => `trip-planner.names.${tripId}`;
/** Rows of different tables may have the same id. */
const rowKey = (kind: Kind, id: string) => `${kind} ${id}`;

/** The city of a stop, and of the stop that a note is on; what stands on the list, of a thing to pack. Outlives the rows, and the page: so do changes of theirs. */
export function useSeenNames(tripId: string, { stops, notes, items }: TripRows): NameOfRow {
  const names = useRef<Map<string, string> | null>(null);
  names.current ??= remembered(tripId);
  const seen = names.current;
  useEffect(() => {
    const cityOf = new Map(stops.map((stop) => [stop.id, stop.name]));
    const rows: [string, string][] = [
      ...stops.map((stop): [string, string] => [rowKey('stops', stop.id), stop.name]),
      ...notes.map((note): [string, string] => [rowKey('notes', note.id), cityOf.get(note.stopId) ?? '']),
      ...items.map((item): [string, string] => [rowKey('items', item.id), item.label]),
    ];
    const fresh = rows.filter(([key, name]) => name !== '' && seen.get(key) !== name);
    for (const [key, name] of fresh) seen.set(key, name);
    for (const key of [...seen.keys()].slice(0, Math.max(0, seen.size - NAMES_MAX))) seen.delete(key);
    if (fresh.length > 0) remember(tripId, seen);
  }, [tripId, seen, stops, notes, items]);
  return (kind, id) => seen.get(rowKey(kind, id)) ?? null;
}

function remembered(tripId: string): Map<string, string> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(keyOf(tripId)) ?? '[]');
    return new Map(Array.isArray(found) ? found.filter(isName) : []);
  } catch {
    return new Map(); // Storage is forbidden, or somebody else wrote there.
  }
}

const isName = (found: unknown): found is [string, string] =>
  Array.isArray(found) && found.length === 2 && found.every((one) => typeof one === 'string');

function remember(tripId: string, names: ReadonlyMap<string, string>): void {
  try {
    localStorage.setItem(keyOf(tripId), JSON.stringify([...names]));
  } catch {
    // They are known until the page is left.
  }
}

export function forgetNames(tripId: string): void {
  try {
    localStorage.removeItem(keyOf(tripId));
  } catch {
    // There were none.
  }
}
