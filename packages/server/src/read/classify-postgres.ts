import { type PostgresToken, tokenizePostgres } from './postgres-tokens.ts';

/** `read`: a standby may answer it · `write`: the primary's · `transaction`: begins or ends one, or sets the session, also behind another statement, which no pool can do. */
export type PostgresStatementKind = 'read' | 'write' | 'transaction';

/** Called in a read they set the session, or hold something in it, for whoever has the connection next. */
const SESSION_FUNCTIONS = /^(?:set_config|pg_(?:try_)?advisory_.*)$/;
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
  while (isAt(tokens[0], ';')) tokens.shift();
  const verb = wordOf(tokens[0]);
  if (tokens.some((_, index) => isOfSession(tokens, index))) return 'transaction';
  const isOdd = ({ kind, text }: PostgresToken): boolean =>
    kind === 'escaped' || (kind === 'operator' && text === ';') || (kind === 'word' && WRITES.has(text));
  return READS.has(verb) && !tokens.some(isOdd) ? 'read' : 'write';
}

const wordOf = (token: PostgresToken | undefined): string =>
  token === undefined || token.kind === 'name' || token.kind === 'string' ? '' : token.text;

/** Of the first statement, or of one behind it; in the body of a function END stands behind a semicolon as well. */
function isOfSession(tokens: readonly PostgresToken[], index: number): boolean {
  const word = (offset: number): string => wordOf(tokens[index + offset]);
  if (index > 0 && !isAt(tokens[index - 1], ';'))
    return tokens[index + 1]?.text === '(' && SESSION_FUNCTIONS.test(tokens[index]?.text ?? '') && tokens[index]?.kind !== 'string';
  if (word(0) !== 'create') return OF_SESSIONS.has(word(0)) && (index === 0 || wordOf(tokens[0]) !== 'create');
  return ['temp', 'temporary'].includes(['local', 'global'].includes(word(1)) ? word(2) : word(1));
}

const isAt = (token: PostgresToken | undefined, text: string): boolean => token?.kind === 'operator' && token.text === text;
