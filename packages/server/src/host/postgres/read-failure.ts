import { AlcoveError } from '@alcove/core/error';

/** `unavailable`: the server cannot be had, another may · `ended`: somebody or a time-out cancelled the statement · `statement`: the text's own fault. */
export type PgFailureKind = 'unavailable' | 'ended' | 'statement';

/** Classes of SQLSTATE that are about the server, not the statement. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNAVAILABLE = /^(?:08|28|3D|53|57P|58|F0|XX)/;
/** Within those, what a statement brings about itself: parameters that do not fit the text, temporary files past their limit. */
const OF_STATEMENT: ReadonlySet<string> = new Set(['08P01', '53400']);
/** Conflicts of a read with what a standby applies: rows it still needs are vacuumed away, its lock is in the way. */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01', '25P02', '25P03', '25P04']);
const QUERY_CANCELED = '57014';

/** The SQLSTATE, where PostgreSQL itself has spoken; null: the connection. */
export const sqlStateOf = (error: unknown): string | null =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  'severity' in error &&
  typeof error.code === 'string' &&
  /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : null;

export function failureKindOf(error: unknown): PgFailureKind {
  const state = sqlStateOf(error);
  if (state === null) return 'unavailable';
  if (state === QUERY_CANCELED) return 'ended';
  if (OF_STATEMENT.has(state)) return 'statement';
  return CONFLICTS.has(state) || UNAVAILABLE.test(state) ? 'unavailable' : 'statement';
}

/**
 * What a read of a room's failed with, in words for whoever asked.
 * @param tables Those that the reader may see, for the hint.
 */
export function readFailure(name: string, error: unknown, tables: readonly string[]): AlcoveError {
  if (error instanceof AlcoveError) return error;
  const message = wordsOf(error);
  const kind = failureKindOf(error);
  if (kind === 'unavailable') return unavailable(name, message, error);
  if (kind === 'ended') return new AlcoveError('query_timeout', 'PostgreSQL ended the read: it took too long', { cause: error });
  const state = sqlStateOf(error);
  // The same words for a table that is hidden and for one that does not exist.
  if (state === '42P01' || state === '3F000')
    return new AlcoveError('sql_failed', 'no such table', {
      hint: `Tables of this room that you may read: ${tables.join(', ') || 'none'}.`,
    });
  if (state === '42501' || state === '25006') return new AlcoveError('sql_refused', message, { hint: 'Reads on the server only read.' });
  if (state === '53400' || state === '54000') return new AlcoveError('result_too_large', message);
  return new AlcoveError('sql_failed', message, { hint: 'Correct the SQL; the message is PostgreSQL’s.' });
}

/** What an error says. Node's says nothing itself where a name has several addresses and none of them answers. */
export function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return [...new Set(error.errors.map(wordsOf))].join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}

export const unavailable = (name: string, why: string, cause?: unknown): AlcoveError =>
  new AlcoveError('replica_unavailable', `${name} does not answer: ${why}`, { cause });
