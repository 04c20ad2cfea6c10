import { randomId } from './random-id.ts';
import type { TripKey } from './trip-key.ts';

/** No two trips of the same name get the same address. */
const RANDOM_CHARACTERS = 10;
const SLUG_CHARACTERS_MAX = 40;
const PATH = /^\/trip\/([A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127})\/?$/;
/** What the example trip is called in its address: a new room begins with a route through Japan. */
export const EXAMPLE_NAME = 'Japan';

/** What an address of this page names. */
export type Place = { readonly kind: 'start' } | { readonly kind: 'trip'; readonly id: string } | { readonly kind: 'nowhere' };

export function placeOf(path: string): Place {
  const id = tripIdOf(path);
  if (id !== null) return { kind: 'trip', id };
  return path === '/' || path === '/index.html' ? { kind: 'start' } : { kind: 'nowhere' };
}

/** The id of the trip that a path names; null where it names none. */
export const tripIdOf = (path: string): string | null => PATH.exec(path)?.[1] ?? null;

export const pathOfTrip = (id: string): string => `/trip/${id}`;

/** A link: who has it comes in by its key. */
export const addressWith = (address: string, { text }: TripKey): string => `${address}#${text}`;

/** The id of a trip that nobody has yet: of the name what may stand in an address, and a random part. */
export const freshTripId = (name: string): string => `${slugOf(name)}-${randomId(RANDOM_CHARACTERS)}`;

/** Plain letters and digits of a name, as addresses have them; `trip` where it has none. */
function slugOf(name: string): string {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const slug = plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_CHARACTERS_MAX)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'trip' : slug;
}

/** What a trip is called that nobody has named: the words of its id, without the random part of a fresh one. */
export function titleOfTrip(id: string): string {
  const words = id.replace(/-(?=[0-9a-z]*\d)[0-9a-z]{10}$/, '').split(/[-_.~]+/);
  const title = words.filter((word) => word !== '').join(' ');
  return title === '' ? id : title.charAt(0).toUpperCase() + title.slice(1);
}
