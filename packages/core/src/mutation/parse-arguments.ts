import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AlcoveError } from '../error.ts';
import { jsonFrom } from '../json.ts';

/**
 * The arguments a mutator's body gets: what its validator makes of a copy of the raw ones, so that no run can change what the next one sees.
 *
 * @throws AlcoveError `arguments_invalid` with the path of the first issue; `mutator_async` where the validator is asynchronous.
 */
export function parseArguments(name: string, schema: StandardSchemaV1<unknown, unknown>, args: unknown): unknown {
  const copy = args === undefined ? null : jsonFrom(args, 'arguments_invalid', `arguments of ${name}`);
  const result = validated(name, schema, copy);
  const [issue] = result.issues ?? [];
  if (issue !== undefined) {
    const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
    throw new AlcoveError('arguments_invalid', `arguments of ${name}${path === '' ? '' : ` at ${path}`}: ${issue.message}`);
  }
  // A result without issues is a success.
  return (result as StandardSchemaV1.SuccessResult<unknown>).value;
}

function validated(name: string, schema: StandardSchemaV1<unknown, unknown>, copy: unknown): StandardSchemaV1.Result<unknown> {
  let result: ReturnType<(typeof schema)['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(copy);
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new AlcoveError('arguments_invalid', `the validator of ${name} threw: ${said}`, { cause });
  }
  if (!('then' in result)) return result;
  // What it finds out later is of no use to anybody, and its rejection would be nobody's.
  if (result instanceof Promise) result.catch(() => undefined);
  throw new AlcoveError('mutator_async', `the validator of ${name} is asynchronous`, {
    hint: 'Check arguments with a synchronous validator.',
  });
}
