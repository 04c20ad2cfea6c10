import { TITLE_CHARACTERS_MAX } from '../bounds.ts';
import { addressWith, pathOfTrip, tripIdOf } from '../trip-address.ts';
import { tripKeyFrom } from '../trip-key.ts';

/** What somebody wished who started a trip; done once the trip is there. */
export interface Wishes {
  /** Null: it is called by its address. */
  readonly title: string | null;
  /** Without the example route. */
  readonly empty: boolean;
}

/** Survives a reload in the same tab, so that a trip whose server is slow begins as wished. */
const keyOf = (id: string) => `trip-planner.wishes.${id}`;

/**
 * Asks the server for a trip that nobody has yet; resolves with the address that opens it to edit.
 * @throws TypeError where no server answers, or another one
 */
export async function startTrip(name: string, wishes: Wishes): Promise<string> {
  const { id, key } = await askForKey({ name });
  if (key === null) throw new TypeError('the server started no trip');
  keepWishes(id, { ...wishes, title: wishes.title?.slice(0, TITLE_CHARACTERS_MAX) ?? null });
  return addressWith(pathOfTrip(id), key);
}

/**
 * The address that opens a trip of before trips had keys: then its address was its link. Null for any other.
 * @throws TypeError where no server answers, or another one
 */
export async function linkOfOldTrip(id: string): Promise<string | null> {
  const { key } = await askForKey({ id });
  return key === null ? null : addressWith(pathOfTrip(id), key);
}

async function askForKey(asked: { readonly name: string } | { readonly id: string }) {
  const response = await fetch('/trips', { method: 'POST', body: JSON.stringify(asked) });
  const answer: unknown = await response.json();
  const { id, key } = (typeof answer === 'object' && answer !== null ? answer : {}) as { id?: unknown; key?: unknown }; // each is looked at
  if (typeof id !== 'string' || tripIdOf(pathOfTrip(id)) !== id) throw new TypeError('the server knows nothing of trips');
  return { id, key: typeof key === 'string' ? tripKeyFrom(key) : null };
}

function keepWishes(id: string, wishes: Wishes): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(wishes));
  } catch {
    // The trip begins with the example then, called by its address.
  }
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
