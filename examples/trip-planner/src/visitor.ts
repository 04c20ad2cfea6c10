import { useSyncExternalStore } from 'react';
import { NAME_CHARACTERS_MAX } from './bounds.ts';
import { PERSON_INKS, type PersonInk } from './map/person-inks.ts';
import { randomId } from './random-id.ts';

/** Who uses this browser, as far as this demo knows. */
export interface Visitor {
  /** Made up once; what the server takes for a sign-in. */
  readonly id: string;
  readonly name: string;
  readonly color: PersonInk;
}

const KEY = 'trip-planner.visitor';
const ID_CHARACTERS = 20;
/** For those who have not said their name yet. */
const NAMES = [
  'Ada',
  'Bela',
  'Chidi',
  'Dunja',
  'Emre',
  'Freya',
  'Goro',
  'Hana',
  'Ines',
  'Jo',
  'Kofi',
  'Lior',
  'Mina',
  'Noor',
  'Oskar',
  'Priya',
];

const listeners = new Set<() => void>();
let visitor = remembered() ?? newVisitor();
remember();

/** The visitor, and how they change their name. */
export function useVisitor(): [Visitor, (name: string) => void] {
  return [useSyncExternalStore(subscribe, currentVisitor), rename];
}

export const currentVisitor = (): Visitor => visitor;

function rename(name: string): void {
  visitor = { ...visitor, name: name.trim().slice(0, NAME_CHARACTERS_MAX) };
  remember();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function newVisitor(): Visitor {
  return { id: randomId(ID_CHARACTERS), name: oneOf(NAMES, 'Guest'), color: oneOf(PERSON_INKS, 'slate') };
}

function oneOf<One>(many: readonly One[], otherwise: One): One {
  const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
  return many[byte % many.length] ?? otherwise;
}

/** What a hand may have written there, or another version of the demo, is looked at closely: the room refuses what does not fit. */
function remembered(): Visitor | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { id, name, color } = found as Partial<Record<keyof Visitor, unknown>>; // each is looked at
    const ink = PERSON_INKS.find((one) => one === color);
    if (typeof id !== 'string' || !/^[a-z0-9]{8,64}$/.test(id) || typeof name !== 'string' || name.trim() === '' || ink === undefined)
      return null;
    return { id, name: name.trim().slice(0, NAME_CHARACTERS_MAX), color: ink };
  } catch {
    return null; // Storage is forbidden, or holds no JSON.
  }
}

function remember(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(visitor));
  } catch {
    // Without storage somebody is a new person each time they come.
  }
}
