import { type TripKey, tripKeyFrom } from '../trip-key.ts';

/** By trip. Kept apart from the list of trips: taking a trip off that list takes nobody's way in. */
const keyOf = (tripId: string): string => `trip-planner.key.${tripId}`;

/** The key this page comes in by: of the link it was opened with, else the one this browser kept. Null: there is none. */
export const keyInHand = (tripId: string): TripKey | null => keyInLink() ?? keptKey(tripId);

/** What stands behind the `#` of the address: browsers never send it to a server. */
export const keyInLink = (): TripKey | null => tripKeyFrom(location.hash.slice(1));

/**
 * To be called once the server let this page in by the key in hand: it is kept, and taken out of the address, for copies and the browser's history. One to look
 * does not take the place of one to edit: then it stays where it is, and whoever edits sees what they hand out.
 */
export function keyServed(tripId: string): void {
  const key = keyInLink();
  if (key === null || (key.role === 'look' && keptKey(tripId)?.role === 'edit')) return;
  try {
    localStorage.setItem(keyOf(tripId), key.text);
  } catch {
    return; // Nothing is kept here: the address has to hold it.
  }
  history.replaceState(history.state, '', location.pathname + location.search);
}

export function forgetKey(tripId: string): void {
  try {
    localStorage.removeItem(keyOf(tripId));
  } catch {
    // There was none.
  }
}

function keptKey(tripId: string): TripKey | null {
  try {
    return tripKeyFrom(localStorage.getItem(keyOf(tripId)) ?? '');
  } catch {
    return null;
  }
}
