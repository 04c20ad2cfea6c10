import { type PostgresToken, tokenizePostgres } from './postgres-tokens.ts';

/** `read`: a standby may answer it · `write`: the primary's · `transaction`: begins or ends one, or sets the session, which no pool can do. */
export type PostgresStatementKind = 'read' | 'write' | 'transaction';

const READS = new Set(['select', 'values', 'table', 'with', 'show', '(']);
const OF_SESSIONS = new Set(
  'begin start commit end rollback abort savepoint release prepare execute deallocate declare fetch move close set reset discard listen unlisten'.split(
    ' ',
  ),
);
/** In a statement that begins like a read they make it a write, or lock rows, which only the primary does. */
const WRITES = new Set([
  'insert',
  'update',
  'delete',
  'merge',
  'into',
  'share',
  'nextval',
  'setval',
  'lastval',
  'currval',
  'lo_import',
  'lo_export',
  'pg_notify',
]);

/**
 * Where a statement of an app's own belongs. When in doubt it is a write: the primary answers reads too. Names in quotes, strings and comments count for nothing.
 */
export function classifyPostgres(sql: string): PostgresStatementKind {
  const tokens = tokenizePostgres(sql);
  while (isAt(tokens.at(-1), ';')) tokens.pop();
  const verb = tokens[0]?.kind === 'name' || tokens[0]?.kind === 'string' ? '' : (tokens[0]?.text ?? '');
  if (OF_SESSIONS.has(verb)) return 'transaction';
  const isOdd = ({ kind, text }: PostgresToken): boolean =>
    kind === 'escaped' || (kind === 'operator' && text === ';') || (kind === 'word' && WRITES.has(text));
  return READS.has(verb) && !tokens.some(isOdd) ? 'read' : 'write';
}

const isAt = (token: PostgresToken | undefined, text: string): boolean => token?.kind === 'operator' && token.text === text;
