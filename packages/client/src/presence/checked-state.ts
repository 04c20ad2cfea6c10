import { AlcoveError, type ErrorCode } from '@alcove/core/error';
import { type Json, jsonFrom } from '@alcove/core/json';
import type { AnyValidator } from '@alcove/core/schema/define-room';

/**
 * What `schema` makes of a state or value, as the room will. The raw input is what travels.
 * @param what Names it in messages.
 * @throws AlcoveError `code`
 */
export function checkedState(schema: AnyValidator, input: Json, what: string, code: ErrorCode): Json {
  const outcome = schema['~standard'].validate(input);
  if (outcome instanceof Promise) {
    // Its rejection would otherwise be nobody's.
    outcome.catch(() => undefined);
    throw new AlcoveError(code, `the validator of ${what} is asynchronous`, { hint: 'Use a synchronous validator.' });
  }
  if (outcome.issues !== undefined) throw new AlcoveError(code, `${what}: ${outcome.issues[0]?.message ?? 'refused by its validator'}`);
  return jsonFrom(outcome.value, code, what);
}
