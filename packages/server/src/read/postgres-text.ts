import { AlcoveError } from '@alcove/core/error';
import { isStorableText, quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { StatementCache } from '@alcove/core/sqlite/statement-cache';
import { POSTGRES_FUNCTIONS, POSTGRES_WORDS } from './postgres-functions.ts';
import { type PostgresToken, tokenizePostgres } from './postgres-tokens.ts';
import type { ReadSight, SeenTable } from './read-sight.ts';

/** A text that was let through, and what is needed of it for each read. */
interface KnownText {
  /** Names that stand in it, quoted or not. */
  readonly names: ReadonlySet<string>;
  /** Those of them with a point behind. */
  readonly qualifiers: readonly string[];
  readonly parameters: number;
  /** Without the semicolon at its end. */
  readonly body: string;
}

export interface MirrorPlace {
  /** Of the mirror, which begins the names of all its schemas. */
  readonly prefix: string;
  /** That the room's tables stand in. */
  readonly schema: string;
}

/** Texts of an app's queries; each is looked at once while it is in use. */
const KNOWN_TEXTS_MAX = 512;

const known = new StatementCache<KnownText>(KNOWN_TEXTS_MAX, () => undefined);

/**
 * What is sent to PostgreSQL for a read: what the reader sees of the tables that the text names, and the text over that.
 *
 * Two walls stand behind it: the role of readers, which may read the mirror and nothing else, with row security for the room; and the subselect that the text becomes, where no statement can stand that
 * does anything but read. This one keeps a text from going past what its reader sees of a table to the table: it names no schema of the mirror's or of PostgreSQL's own, and calls nothing that would run other SQL.
 *
 * @throws AlcoveError `sql_refused`; `sql_failed` where there is no statement or the parameters are not as many as it takes; `rule_failed` where it reads a table whose rules cannot be told here.
 */
export function postgresRead(sql: string, parameters: number, sight: ReadSight, place: MirrorPlace): string {
  const text = knownText(sql);
  const tables = sight.tables.filter(({ name }) => text.names.has(name));
  refuseSchemas(text, place, sight);
  if (text.parameters !== parameters)
    throw new AlcoveError('sql_failed', `the SQL takes ${text.parameters} parameters and was given ${parameters}`);
  const failing = tables.find(({ refused }) => refused !== undefined);
  if (failing !== undefined) throw new AlcoveError('rule_failed', failing.refused ?? '');
  const seen = tables.map(({ name, select }: SeenTable) => `${quoteIdentifier(name)} AS NOT MATERIALIZED (${select})`);
  return `${seen.length === 0 ? '' : `WITH ${seen.join(', ')} `}SELECT * FROM (${text.body}\n) AS alcove_answer`;
}

function knownText(sql: string): KnownText {
  const found = known.get(sql);
  if (found !== undefined) return found;
  if (!isStorableText(sql)) throw refused('the SQL text holds NUL or half a character');
  const all = tokenizePostgres(sql);
  while (grammarOf(all.at(-1)) === ';') all.pop();
  const last = all.at(-1);
  if (last === undefined) throw new AlcoveError('sql_failed', 'no statement in the SQL text');
  for (const [index, token] of all.entries()) refuseToken(all, index, token);
  refuseUnbalanced(all);
  const first = grammarOf(all[0]);
  if (!BEGINNINGS.has(first)) throw refused(`${first.slice(0, 50).toUpperCase()}: only SELECT, VALUES and WITH … SELECT read`);
  const isName = ({ kind }: PostgresToken): boolean => kind === 'word' || kind === 'name';
  const numbers = all.filter(({ kind }) => kind === 'parameter').map(({ text }) => Number(text.slice(1)));
  const text = {
    names: new Set(all.filter(isName).map((token) => token.text)),
    qualifiers: all.filter((token, index) => isName(token) && grammarOf(all[index + 1]) === '.').map((token) => token.text),
    parameters: Math.max(0, ...numbers),
    body: sql.slice(0, last.end),
  };
  known.set(sql, text);
  return text;
}

/** What a token says to the grammar: nothing where it is a name or a string. */
const grammarOf = (token: PostgresToken | undefined): string =>
  token === undefined || token.kind === 'name' || token.kind === 'string' ? '' : token.text;

/** Where a query begins. */
const BEGINNINGS = new Set(['select', 'values', 'with', 'table', '(']);

function refuseToken(tokens: readonly PostgresToken[], index: number, token: PostgresToken): void {
  const { kind, text } = token;
  if (kind === 'escaped') throw refused(`${text}… is not taken here`, 'Write text as \'…\' and names as "…", without escapes.');
  if (grammarOf(token) === ';') throw refused('several statements in one text; ask for one at a time');
  if (kind === 'string' && !/.'$/.test(text)) throw new AlcoveError('sql_failed', 'a string in the SQL text does not end');
  if (kind !== 'word' && kind !== 'name') return;
  if (text.startsWith('pg_') || text === 'information_schema') throw refused(`${text.slice(0, 70)} is PostgreSQL's own`);
  if (CATALOG_TYPES.has(text)) throw refused(`the type ${text} looks names up in the catalog`);
  if (grammarOf(tokens[index + 1]) !== '(') return;
  if ((kind === 'word' && POSTGRES_WORDS.has(text)) || isNamedHere(tokens, index)) return;
  if (!POSTGRES_FUNCTIONS.has(text) || grammarOf(tokens[index - 1]) === '.')
    throw refused(`the function ${text.slice(0, 70)} is not on the list of those that reads may call`);
}

const CATALOG_TYPES = new Set(
  'aclitem regclass regcollation regconfig regdatabase regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype'.split(
    ' ',
  ),
);

/** A list of columns behind the name of a WITH or an alias looks like a call. */
function isNamedHere(tokens: readonly PostgresToken[], index: number): boolean {
  const at = (place: number): string => grammarOf(tokens[place]);
  if (['as', 'with', 'recursive'].includes(at(index - 1))) return true;
  if (at(index - 1) !== ',') return false;
  let place = index + 2;
  while (['word', 'name'].includes(tokens[place]?.kind ?? '') || at(place) === ',') place += 1;
  if (at(place) !== ')' || at(place + 1) !== 'as') return false;
  place += 2;
  while (at(place) === 'not' || at(place) === 'materialized') place += 1;
  return at(place) === '(' && BEGINNINGS.has(at(place + 1));
}

/** The text must not leave the parentheses that it is put into. */
function refuseUnbalanced(tokens: readonly PostgresToken[]): void {
  const open: string[] = [];
  for (const { kind, text } of tokens) {
    if (kind === 'open') open.push(text);
    if (kind !== 'close') continue;
    if (open.pop() !== (text === ')' ? '(' : '[')) throw new AlcoveError('sql_failed', 'the parentheses of the SQL text do not match');
  }
  if (open.length > 0) throw new AlcoveError('sql_failed', 'the parentheses of the SQL text do not match');
}

/** A seen table of such a name may stand in front of a point, unless it is the name of the very schema. */
function refuseSchemas({ qualifiers }: KnownText, { prefix, schema }: MirrorPlace, { tables }: ReadSight): void {
  const isOurs = (name: string): boolean => name === prefix || name.startsWith(`${prefix}_`);
  const found = qualifiers.find((name) => name === schema || (isOurs(name) && !tables.some((table) => table.name === name)));
  if (found !== undefined) throw refused(`${found}. stands in front of a name`, 'Name tables without a schema.');
}

const refused = (message: string, hint = 'Reads take one statement that only reads, of tables of the room.'): AlcoveError =>
  new AlcoveError('sql_refused', message, { hint });
