import { type PostgresToken, tokenizePostgres } from './postgres-tokens.ts';

/** `read`: a standby may answer it · `write`: the primary's · `transaction`: begins or ends one, or sets the session, also behind another statement, which no pool can do. */
export type PostgresStatementKind = 'read' | 'write' | 'transaction';

/** Called in a read they set the session, or hold something in it, for whoever has the connection next. */
const SESSION_FUNCTIONS = /^(?:set_config|pg_(?:try_)?advisory_.*)$/;
const READS = new Set(['select', 'values', 'table', 'with', 'show', '(']);
const OF_SESSIONS = new Set(
  'begin start commit end rollback abort savepoint release prepare execute deallocate declare fetch move close set reset discard load listen unlisten'.split(
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
 * Where a text of an app's own belongs, be it of several statements. When in doubt it is a write: the primary answers reads too. Names in quotes, strings and comments count for nothing.
 */
export function classifyPostgres(sql: string): PostgresStatementKind {
  const tokens = tokenizePostgres(sql);
  while (isAt(tokens.at(-1), ';')) tokens.pop();
  while (isAt(tokens[0], ';')) tokens.shift();
  if (holdsSession(tokens)) return 'transaction';
  const isOdd = ({ kind, text }: PostgresToken): boolean =>
    kind === 'escaped' || (kind === 'operator' && text === ';') || (kind === 'word' && WRITES.has(text));
  return READS.has(wordOf(tokens[0])) && !tokens.some(isOdd) ? 'read' : 'write';
}

const wordOf = (token: PostgresToken | undefined): string =>
  token === undefined || token.kind === 'name' || token.kind === 'string' ? '' : token.text;

/**
 * Whether any of the statements is of sessions. Behind a semicolon a statement begins, but for the END of a routine's body: there is one where BEGIN ATOMIC stands outside of parentheses (within them these may be names), and its
 * statements are none of sessions, as PostgreSQL has it.
 */
function holdsSession(tokens: readonly PostgresToken[]): boolean {
  let isRoutine = false;
  let isInBody = false;
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const word = wordOf(token);
    const isHead = index === 0 || isAt(tokens[index - 1], ';');
    if (isInBody && word === 'end' && (isHead || wordOf(tokens[index - 1]) === 'atomic')) isInBody = false;
    else if (isHead && beginsSession(tokens, index)) return true;
    else if (isHead && !isInBody) isRoutine = beginsRoutine(tokens, index);
    else if (isRoutine && depth === 0 && word === 'begin' && wordOf(tokens[index + 1]) === 'atomic') isInBody = true;
    if (setsSession(tokens, index)) return true;
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
  }
  return false;
}

/** The word behind CREATE and its OR REPLACE, and where it stands. */
function createdAt(tokens: readonly PostgresToken[], index: number): number | null {
  if (wordOf(tokens[index]) !== 'create') return null;
  return wordOf(tokens[index + 1]) === 'or' && wordOf(tokens[index + 2]) === 'replace' ? index + 3 : index + 1;
}

function beginsSession(tokens: readonly PostgresToken[], index: number): boolean {
  const created = createdAt(tokens, index);
  return created === null ? OF_SESSIONS.has(wordOf(tokens[index])) : isTemporary(tokens, created);
}

function beginsRoutine(tokens: readonly PostgresToken[], index: number): boolean {
  const created = createdAt(tokens, index);
  return created !== null && ['function', 'procedure'].includes(wordOf(tokens[created]));
}

/** What is temporary stays in the session. */
const isTemporary = (tokens: readonly PostgresToken[], index: number): boolean =>
  ['temp', 'temporary'].includes(wordOf(tokens[['local', 'global'].includes(wordOf(tokens[index])) ? index + 1 : index]));

/** Within a statement: a call that sets the session, or a table that is made in it. */
function setsSession(tokens: readonly PostgresToken[], index: number): boolean {
  const token = tokens[index];
  if (token === undefined || (token.kind !== 'word' && token.kind !== 'name')) return false;
  const next = tokens[index + 1];
  if (SESSION_FUNCTIONS.test(token.text)) return isOpen(next);
  if (token.text === 'pg_temp') return isAt(next, '.');
  const makes = token.kind === 'word' && token.text === 'into' && !['insert', 'merge'].includes(wordOf(tokens[index - 1]));
  return makes && isTemporary(tokens, index + 1) && isNameAt(tokens, index + 2);
}

/** What may stand behind a table that is itself called temp. */
const BEHIND_TABLES = new Set('from where group having window union intersect except order limit offset fetch for'.split(' '));

const isNameAt = (tokens: readonly PostgresToken[], index: number): boolean =>
  tokens[index]?.kind === 'name' || (tokens[index]?.kind === 'word' && !BEHIND_TABLES.has(wordOf(tokens[index])));

const isOpen = (token: PostgresToken | undefined): boolean => token?.kind === 'open' && token.text === '(';

const isAt = (token: PostgresToken | undefined, text: string): boolean => token?.kind === 'operator' && token.text === text;
