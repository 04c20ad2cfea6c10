import { AlcoveError } from '@alcove/core/error';
import { wordsOf } from './read-failure.ts';

/**
 * What a statement or a connection failed of, by whose business it is.
 *
 * - `server`: PostgreSQL is away, stops, has no room or takes nobody; everything waits.
 * - `setup`: it takes us and does not let us (rights, a standby, a table that somebody dropped): everything waits, and somebody must do something.
 * - `again`: somebody was in the way; the same may work at once.
 * - `room`: what this room has cannot be put there.
 */
export type PgFailureKind = 'server' | 'setup' | 'again' | 'room';

export interface PgFailure {
  readonly kind: PgFailureKind;
  readonly error: AlcoveError;
}

/** By class or whole SQLSTATE; the longer one counts. */
const KINDS: Readonly<Record<string, PgFailureKind>> = {
  '08': 'server',
  '53': 'server',
  '57': 'server',
  '58': 'server',
  XX: 'server',
  '57014': 'room', // a statement that took too long
  '28': 'setup',
  '3D': 'setup',
  '3F': 'setup',
  '42': 'setup',
  '0A': 'setup',
  '25006': 'setup',
  '40': 'again',
  '55P03': 'again',
};

/** A role that may sign in, and lacks what the first start needs. */
const DENIED = '42501';
const DENIED_HINT =
  'The role that mirror.url names needs CREATEROLE, and CREATE on its database, or has to own what stands under the prefix; the mirror tries again by itself.';

const HINTS: Readonly<Record<PgFailureKind, string>> = {
  server: 'See that PostgreSQL runs and can be reached; the mirror goes on by itself.',
  setup: 'Correct the role or the database that mirror.url names; the mirror tries again by itself.',
  again: 'It is tried again by itself.',
  room: 'Correct the row or the schema of the room; its mirror stays where it was.',
};

/** Everything that is not an answer of PostgreSQL's is a connection that failed, but for our own errors, which are about a room. */
export function pgFailure(cause: unknown): PgFailure {
  if (cause instanceof AlcoveError) return { kind: cause.code === 'option_invalid' ? 'setup' : 'room', error: cause };
  const message = wordsOf(cause);
  const state = sqlState(cause);
  const kind = state === null ? kindOfOther(cause) : (KINDS[state] ?? KINDS[state.slice(0, 2)] ?? 'room');
  const code = kind === 'room' ? 'sql_failed' : 'replica_unavailable';
  return {
    kind,
    error: new AlcoveError(code, `PostgreSQL: ${message}${state === null ? '' : ` (${state})`}`, {
      hint: state === DENIED ? DENIED_HINT : HINTS[kind],
      cause,
    }),
  };
}

/** What SQLSTATEs look like; Node's own codes, such as ECONNREFUSED, are longer. */
function sqlState(cause: unknown): string | null {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return null;
  return typeof cause.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code) && 'severity' in cause ? cause.code : null;
}

/** A row that makes a text longer than JavaScript has, or an array longer than it takes, fails before it is sent. */
const kindOfOther = (cause: unknown): PgFailureKind => (cause instanceof RangeError || cause instanceof TypeError ? 'room' : 'server');
