import { AlcoveError } from '@alcove/core/error';
import { kindOf } from '@alcove/core/unknown-keys';
import type { Limit } from '../limits/limits.ts';

/** What regions, purposes and ids look like: safe in variables, labels of metrics and lines of a log. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export const invalid = (message: string, hint?: string): AlcoveError =>
  new AlcoveError('option_invalid', message, hint === undefined ? {} : { hint });

/** @throws AlcoveError `option_invalid`, as all of these: names `from`, what was given and what may be. */
export function nameOf(from: string, given: unknown): string {
  if (typeof given === 'string' && NAME.test(given)) return given;
  throw invalid(`${from} must be 1 to 64 characters from A-Z a-z 0-9 _ -, and is ${kindOf(given)}`);
}

export function namesOf(from: string, given: unknown): readonly string[] {
  if (!Array.isArray(given)) throw invalid(`${from} must be a list of names, and is ${kindOf(given)}`);
  return given.map((name: unknown, index) => nameOf(`${from}[${index}]`, name));
}

export function numberOf(from: string, given: unknown, { min, max }: Pick<Limit, 'min' | 'max'>): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= min && given <= max) return given;
  throw invalid(
    `${from} must be a whole number from ${min} to ${max}, and is ${typeof given === 'number' ? String(given) : kindOf(given)}`,
  );
}

export function switchOf(from: string, given: unknown): boolean {
  if (typeof given === 'boolean') return given;
  throw invalid(`${from} must be true or false, and is ${kindOf(given)}`);
}

export function oneOf<Value extends string>(from: string, given: unknown, values: readonly Value[]): Value {
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  throw invalid(`${from} must be one of ${values.join(', ')}, and is ${kindOf(given)}`);
}
