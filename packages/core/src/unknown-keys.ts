import { AlcoveError } from './error.ts';
import type { ErrorCode } from './error.ts';

/** Every key of an options type, so that the compiler tells where one was added and not named. */
export type KeysOf<Options> = Readonly<Record<keyof Options & string, true>>;

/**
 * Plain JavaScript, casts and spreads get past the types: an option that nobody reads would be swallowed, and its author believe in it.
 *
 * @param taker Who takes the options, as the message names it: `createServer`.
 * @throws AlcoveError `code` where `given` is no object, or holds a key that is not in `known`, whatever its value: names the key and the nearest known one.
 */
export function refuseUnknownKeys(code: ErrorCode, taker: string, given: unknown, known: Readonly<Record<string, true>>): void {
  if (!isObject(given)) throw new AlcoveError(code, `${taker} takes an object of options, and got ${kindOf(given)}`);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return;
  const near = nearest(unknown, Object.keys(known));
  const advice = near === undefined ? `it takes ${Object.keys(known).join(', ')}` : `did you mean ${near}?`;
  throw new AlcoveError(code, `${taker} takes no ${JSON.stringify(unknown.slice(0, NAME_CHARACTERS_MAX))}: ${advice}`);
}

/** An object with keys: neither null nor an array nor a function. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Says what a caller gave instead of what was expected; short, and never its contents. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, NAME_CHARACTERS_MAX));
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Longer ones are no slip of the hand, and would fill the message. */
const NAME_CHARACTERS_MAX = 64;

/** The known name that a slip of the hand may have made `name` of: one slip, and another for every three characters past three. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_CHARACTERS_MAX) return undefined;
  const ranked = known.map((candidate) => ({ candidate, slips: slipsBetween(name.toLowerCase(), candidate.toLowerCase()) }));
  const [best] = ranked.sort((a, b) => a.slips - b.slips);
  return best !== undefined && best.slips <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

/** Characters to add, take away, replace, or to change places with their neighbours. */
function slipsBetween(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, isSwapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY));
    }
  }
  return at(from.length, to.length);
}
