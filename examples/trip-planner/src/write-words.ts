import { type Kind, memberOf, textOf, WRITES } from './panels/write-marks.ts';
import { plural } from './panels/words.ts';
import type { NameOfRow } from './seen-names.ts';

/** A change as it was called. */
interface Call {
  readonly name: string;
  readonly args: unknown;
}

/** What is known of the trip's rows and cities. */
export interface KnownNames {
  /** Of rows that are there, and of those that were. */
  readonly nameOf: NameOfRow;
  readonly cityName: (id: unknown) => string | null;
}

/** What was tried, in the words of whoever tried it. */
export function wordsForCall({ name, args }: Call, { nameOf, cityName }: KnownNames): string {
  const id = textOf(args, 'id');
  const city = cityName(memberOf(args, 'cityId')) ?? 'a stop';
  const stop = nameOf('stops', textOf(args, 'stopId') || id) ?? 'a stop';
  const noted = nameOf('notes', id) ?? 'a stop';
  const thing = textOf(args, 'label') || (nameOf('items', id) ?? 'a thing');
  const by = Number(memberOf(args, 'by'));
  const words: Readonly<Record<string, string>> = {
    addStop: `Add ${city}`,
    restoreStop: `Bring back ${city}`,
    moveStop: `Move ${stop}`,
    changeNights: `${plural(Math.abs(by), 'night')} ${by < 0 ? 'fewer' : 'more'} in ${stop}`,
    removeStop: `Remove ${stop}`,
    addNote: `Note on ${stop}`,
    editNote: `Change of a note on ${noted}`,
    keepNote: memberOf(args, 'isPrivate') === true ? `Make a note on ${noted} private` : `Share a note on ${noted}`,
    removeNote: `Removal of a note on ${noted}`,
    addItem: `Pack ${thing}`,
    toggleItem: `${memberOf(args, 'packed') === true ? 'Tick' : 'Untick'} ${thing}`,
    removeItem: `Remove ${thing} from the packing list`,
    clearExample: 'Begin with an empty map',
  };
  return words[name] ?? name;
}

/** What somebody wrote for it, which is nowhere else if it comes to nothing. */
export const textOfCall = ({ args }: Call): string => textOf(args, 'body');

/** Whether the same call may go through at another time: what it is about is still there, and its arguments are not what is wrong with it. */
export function mayBeRetried({ name, args }: Call, code: string, isThere: (kind: Kind, id: string) => boolean): boolean {
  if (code === 'arguments_invalid') return false;
  // The trip is closed on this page for good.
  if (code === 'forgotten' || code === 'closed') return false;
  // It was removed, or changed by somebody else: neither comes undone.
  if (name === 'editNote' && code === 'forbidden') return false;
  if (name === 'addNote') return isThere('stops', textOf(args, 'stopId'));
  const write = WRITES[name];
  return write === undefined || write.adds || isThere(write.kind, textOf(args, 'id'));
}
