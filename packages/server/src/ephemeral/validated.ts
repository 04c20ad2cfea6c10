import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ErrorCode } from '@alcove/core/error';
import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import { jsonFrom } from '@alcove/core/json';

/**
 * What a validator of the room definition makes of what a client set, as JSON.
 * @param what Names it in messages.
 * @throws AlcoveError `code` where the validator refuses, is asynchronous, or gives what JSON cannot carry.
 */
export function validated(schema: StandardSchemaV1<unknown, unknown>, value: Json, what: string, code: ErrorCode): Json {
  const result = outcomeOf(schema, value, what, code);
  if (result instanceof Promise) {
    // Its rejection would otherwise be nobody's.
    result.catch(() => undefined);
    throw new AlcoveError(code, `the validator of ${what} is asynchronous`, { hint: 'Use a synchronous validator.' });
  }
  if (result.issues !== undefined) throw new AlcoveError(code, `${what}: ${result.issues[0]?.message ?? 'refused by its validator'}`);
  return jsonFrom(result.value, code, what);
}

type Outcome = ReturnType<StandardSchemaV1<unknown, unknown>['~standard']['validate']>;

function outcomeOf(schema: StandardSchemaV1<unknown, unknown>, value: Json, what: string, code: ErrorCode): Outcome {
  try {
    return schema['~standard'].validate(value);
  } catch (cause) {
    throw new AlcoveError(code, `the validator of ${what} threw`, { cause });
  }
}
