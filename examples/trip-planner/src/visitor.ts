import { useSyncExternalStore } from 'react';
import { NAME_CHARACTERS_MAX } from './bounds.ts';
import { inventName } from './invented-name.ts';
import { PERSON_INKS, type PersonInk } from './map/person-inks.ts';
import { randomId } from './random-id.ts';

/** Who uses this browser, as far as this demo knows. */
export interface Visitor {
  /** Names what this browser keeps for them; told to nobody. */
  readonly id: string;
  /** Made up once, and what they are known by: the server tells the others its hash. Told to the server alone. */
  readonly secret: string;
  readonly name: string;
  /** They have not said their name: it may be changed for another while somebody else has it. */
  readonly isInvented: boolean;
  readonly color: PersonInk;
}

const KEY = 'trip-planner.visitor';
const ID_CHARACTERS = 20;
/** Five bits each. */
const SECRET_CHARACTERS = 26;

const listeners = new Set<() => void>();
let visitor = remembered() ?? newVisitor();
remember();

/** The visitor, and how they change their name. */
export function useVisitor(): [Visitor, (name: string) => void] {
  return [useSyncExternalStore(subscribe, currentVisitor), rename];
}

export const currentVisitor = (): Visitor => visitor;

function rename(name: string): void {
  change({ name: name.trim().slice(0, NAME_CHARACTERS_MAX), isInvented: false });
}

/** Another name where it was invented; these are taken. */
export function inventAnother(taken: readonly string[]): void {
  if (visitor.isInvented) change({ name: inventName(randomShare(), taken) });
}

function change(news: Partial<Visitor>): void {
  visitor = { ...visitor, ...news };
  remember();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function newVisitor(): Visitor {
  const color = PERSON_INKS[Math.floor(randomShare() * PERSON_INKS.length)] ?? 'slate';
  return { ...freshIdentity(), name: inventName(randomShare()), isInvented: true, color };
}

function freshIdentity(): Pick<Visitor, 'id' | 'secret'> {
  return { id: randomId(ID_CHARACTERS), secret: randomId(SECRET_CHARACTERS) };
}

/** From 0 to below 1. */
function randomShare(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 2 ** 32;
}

/** What a hand may have written there, or another version of the demo, is looked at closely: the room refuses what does not fit. */
function remembered(): Visitor | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { id, secret, name, isInvented, color } = found as Partial<Record<keyof Visitor, unknown>>; // each is looked at
    const ink = PERSON_INKS.find((one) => one === color);
    if (typeof name !== 'string' || name.trim() === '' || ink === undefined) return null;
    // Earlier versions had no secret: whoever comes from one keeps name and ink.
    const identity = isId(id) && isId(secret) ? { id, secret } : freshIdentity();
    return { ...identity, name: name.trim().slice(0, NAME_CHARACTERS_MAX), isInvented: isInvented === true, color: ink };
  } catch {
    return null; // Storage is forbidden, or holds no JSON.
  }
}

function isId(found: unknown): found is string {
  return typeof found === 'string' && /^[a-z0-9]{20,64}$/.test(found);
}

function remember(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(visitor));
  } catch {
    // Without storage somebody is a new person each time they come.
  }
}
