import { tripIdOf, pathOfTrip } from '../trip-address.ts';

/** A trip that was open in this browser. */
export interface KnownTrip {
  readonly id: string;
  readonly title: string;
  /** Wall clock of the last time. */
  readonly openedMs: number;
}

const KEY = 'trip-planner.trips';
export const KNOWN_MAX = 20;

/** The list with this trip at its head, once. */
export const withTrip = (trips: readonly KnownTrip[], trip: KnownTrip): KnownTrip[] =>
  [trip, ...trips.filter((one) => one.id !== trip.id)].slice(0, KNOWN_MAX);

/** What is read from storage, without whatever is no trip. */
export function tripsFrom(text: string | null): KnownTrip[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(found) ? found.filter(isTrip) : [];
  } catch {
    return []; // Somebody else wrote there.
  }
}

function isTrip(found: unknown): found is KnownTrip {
  if (typeof found !== 'object' || found === null) return false;
  const { id, title, openedMs } = found as Partial<Record<keyof KnownTrip, unknown>>; // each is looked at
  return typeof id === 'string' && tripIdOf(pathOfTrip(id)) === id && typeof title === 'string' && Number.isFinite(openedMs);
}

/** Trips of this browser, the newest first; none where storage is forbidden. */
export function knownTrips(): KnownTrip[] {
  try {
    return tripsFrom(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

export const rememberTrip = (trip: KnownTrip): void => keep(withTrip(knownTrips(), trip));

/** The trip itself stays where it is. */
export const takeOffList = (id: string): void => keep(knownTrips().filter((one) => one.id !== id));

/** Calls when another page of this browser has changed the list; until the returned function is called. */
export function onTripsChanged(call: () => void): () => void {
  const heard = ({ key }: StorageEvent) => (key === KEY || key === null) && call();
  window.addEventListener('storage', heard);
  return () => window.removeEventListener('storage', heard);
}

function keep(trips: readonly KnownTrip[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(trips));
  } catch {
    // Nothing is lost but a list of addresses.
  }
}
