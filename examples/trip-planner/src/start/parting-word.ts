import { pathOfTrip, tripIdOf } from '../trip-address.ts';
import { type TripKey, tripKeyFrom } from '../trip-key.ts';

/** What is to be said of a trip that another tab of this browser took off the device while it was open here. */
export interface PartingWord {
  readonly id: string;
  readonly title: string;
  /** Changes of this tab that the server had not decided by then. */
  readonly undecided: number;
  /** What was written for them, which is nowhere else. */
  readonly texts: readonly string[];
  /** By which this tab was in it: nobody else here has it any more. */
  readonly key: TripKey | null;
}

/** This tab's alone; it lasts until the start page was shown. */
const KEY = 'trip-planner.parting';

let removedHere: string | null = null;

/** It was this tab that had the trip removed: there is nothing to tell. */
export function wasRemovedHere(id: string): void {
  removedHere = id;
}

export function keepPartingWord(word: PartingWord): void {
  if (word.id === removedHere) return;
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...word, key: word.key?.text ?? null }));
  } catch {
    // The start page comes without a word then.
  }
}

/** Null: there is nothing to tell. */
export function partingWord(): PartingWord | null {
  try {
    return partingWordFrom(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function partingWordSaid(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was nothing to take away.
  }
}

/** What is read from storage; null where it is no such word. */
export function partingWordFrom(text: string | null): PartingWord | null {
  const found = parsed(text);
  if (typeof found !== 'object' || found === null) return null;
  const { id, title, undecided, texts, key } = found as Partial<Record<keyof PartingWord, unknown>>; // each is looked at
  if (typeof id !== 'string' || tripIdOf(pathOfTrip(id)) !== id || typeof title !== 'string') return null;
  return {
    id,
    title,
    undecided: typeof undecided === 'number' && Number.isSafeInteger(undecided) && undecided > 0 ? undecided : 0,
    texts: Array.isArray(texts) ? texts.filter((one) => typeof one === 'string') : [],
    key: typeof key === 'string' ? tripKeyFrom(key) : null,
  };
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null; // Somebody else wrote there.
  }
}
