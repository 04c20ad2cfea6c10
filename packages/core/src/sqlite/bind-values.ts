import { AlcoveError } from '../error.ts';
import type { Row } from './database.ts';
import { isStorableText } from './identifier.ts';

/**
 * Refuses what the engines would store differently, before it reaches one: anything but null, numbers, storable text and Uint8Arrays, and another
 * number of values than the statement has parameters.
 * @throws AlcoveError `sql_failed`.
 */
export function checkParameters(params: Row, parameterCount: number, sql: string): void {
  if (params.length !== parameterCount) {
    throw new AlcoveError('sql_failed', `${params.length} values for ${parameterCount} parameters (in: ${sql.slice(0, 200)})`);
  }
  for (let index = 0; index < params.length; index += 1) {
    const problem = problemOf(params[index]);
    if (problem !== undefined) {
      throw new AlcoveError('sql_failed', `parameter ${index + 1} ${problem} (in: ${sql.slice(0, 200)})`, {
        hint: 'Bind null, a number, well-formed text without NUL, or a Uint8Array; map booleans to 0 and 1, dates to numbers or text.',
      });
    }
  }
}

function problemOf(value: unknown): string | undefined {
  if (value === null || typeof value === 'number') return undefined;
  if (typeof value === 'string') return isStorableText(value) ? undefined : 'is text that holds NUL or half a character';
  if (value instanceof Uint8Array) return undefined;
  return `is ${typeof value === 'object' ? `a ${value?.constructor?.name ?? 'null-prototype'} object` : `of type ${typeof value}`}`;
}
