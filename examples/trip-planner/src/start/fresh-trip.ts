import { TITLE_CHARACTERS_MAX } from '../bounds.ts';
import { freshTripId, pathOfTrip } from '../trip-address.ts';

/** What somebody wished who started a trip; done once the trip is there. */
export interface Wishes {
  /** Null: it is called by its address. */
  readonly title: string | null;
  /** Without the example route. */
  readonly empty: boolean;
}

/** Survives a reload in the same tab, so that a trip whose server is slow begins as wished. */
const keyOf = (id: string) => `trip-planner.wishes.${id}`;

/** In an address: whoever opens it wants the trip, be it there or not. Taken out again as soon as it was read. */
const START = 'start';

/** The address that starts a new trip. */
export function addressOfFresh(name: string, wishes: Wishes): string {
  const id = freshTripId(name);
  keepWishes(id, { ...wishes, title: wishes.title?.slice(0, TITLE_CHARACTERS_MAX) ?? null });
  return addressToStart(id);
}

function keepWishes(id: string, wishes: Wishes): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(wishes));
  } catch {
    // The trip begins with the example then, called by its address.
  }
}

export const addressToStart = (id: string): string => `${pathOfTrip(id)}?${START}`;

/**
 * Whether this page's address asked for the trip without a question; asking it takes that out of the address, for copies of it. The wish stays until the trip
 * is there: a page that is loaded again before that still has it.
 */
export function takeStart(id: string): boolean {
  if (!new URLSearchParams(location.search).has(START)) return false;
  history.replaceState(history.state, '', location.pathname);
  if (wishesFor(id) === null) keepWishes(id, { title: null, empty: false });
  return true;
}

export function wishesFor(id: string): Wishes | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(keyOf(id)) ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { title, empty } = found as Partial<Record<keyof Wishes, unknown>>; // each is looked at
    return { title: typeof title === 'string' && title.trim() !== '' ? title : null, empty: empty === true };
  } catch {
    return null;
  }
}

export function wishesDone(id: string): void {
  try {
    sessionStorage.removeItem(keyOf(id));
  } catch {
    // There was nothing to take away.
  }
}
