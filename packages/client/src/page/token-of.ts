import { AlcoveError } from '@alcove/core/error';
import { kindOf } from '@alcove/core/unknown-keys';

/**
 * The token in what the app's `auth` gave, at once or later; nothing counts as null.
 * @throws AlcoveError `option_invalid` (as rejection where it came later) for what is neither text nor null: plain JavaScript and casts get past the types, and
 *   asking again would not mend it.
 */
export function tokenOf(given: unknown): string | null | Promise<string | null> {
  return isThenable(given) ? Promise.resolve(given).then(textOrNull) : textOrNull(given);
}

function textOrNull(given: unknown): string | null {
  if (typeof given === 'string') return given;
  if (given === null || given === undefined) return null;
  throw new AlcoveError('option_invalid', `auth gave ${kindOf(given)}; it gives the token as text, or null`, {
    hint: 'Return the token itself from the `auth` of createClient, or a promise of it.',
  });
}

const isThenable = (given: unknown): given is PromiseLike<unknown> =>
  typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
