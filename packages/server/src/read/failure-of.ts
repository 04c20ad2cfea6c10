import type { AlcoveError, ErrorCode } from '@alcove/core/error';
import { RoomUnavailable } from './room-unavailable.ts';
import { SILENCE } from './run-bounded.ts';

/**
 * Whose business it is that a replica has not answered a read.
 *
 * - `statement`: its text, its parameters or how much it asks for; every replica would say the same.
 * - `elsewhere`: the replica is behind the version, does not have the room, or has too much to do. The read goes to another one, and nothing is held against this one.
 * - `replica`: it cannot be had, or is broken.
 */
export type FailureOf = 'statement' | 'elsewhere' | 'replica';

const OF_STATEMENT: ReadonlySet<ErrorCode> = new Set([
  'sql_refused',
  'sql_failed',
  'query_invalid',
  'query_timeout',
  'result_too_large',
  'rule_failed',
]);

export function failureOf(error: AlcoveError): FailureOf {
  if (OF_STATEMENT.has(error.code)) return 'statement';
  if (error.code === 'read_behind' || error instanceof RoomUnavailable) return 'elsewhere';
  const hasTooMuch = error.code === 'replica_unavailable' && error.limit !== undefined && error.limit !== SILENCE;
  return hasTooMuch ? 'elsewhere' : 'replica';
}
