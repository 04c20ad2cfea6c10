import { randomId } from './random-id.ts';

/** Who has the address has the trip, so that part of it is hard to guess. */
const RANDOM_CHARACTERS = 10;
const PATH = /^\/trip\/([A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127})\/?$/;

/** The id of the trip that a path names; null where it names none. */
export const tripIdOf = (path: string): string | null => PATH.exec(path)?.[1] ?? null;

export const pathOfTrip = (id: string): string => `/trip/${id}`;

/** The id of a trip that nobody has yet. A new trip begins with a route through Japan, and is called so. */
export const freshTripId = (): string => `japan-${randomId(RANDOM_CHARACTERS)}`;

/** What a trip is called: the words of its id, without the random part of a fresh one. */
export function titleOfTrip(id: string): string {
  const words = id.replace(/-(?=[0-9a-z]*\d)[0-9a-z]{10}$/, '').split(/[-_.~]+/);
  const title = words.filter((word) => word !== '').join(' ');
  return title === '' ? id : title.charAt(0).toUpperCase() + title.slice(1);
}
