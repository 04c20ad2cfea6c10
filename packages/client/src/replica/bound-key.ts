import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type Token, tokenize } from '@alcove/core/sqlite/tokenize';

/** The one row that a statement is about: of this table, with the value of this parameter (from 0) as its key. */
export interface BoundKey {
  readonly table: string;
  readonly parameter: number;
}

/** The key's column of a table, or null for one that is of no interest. */
type KeyOf = (table: string) => string | null;

/** Where one of these stands, a statement may look at more rows than one, or answer with what a part of it did. */
const LOOKS_FURTHER = new Set(['SELECT', 'VALUES', 'WITH', 'FROM', 'JOIN', 'IN', 'EXISTS', 'RETURNING', 'ON', 'OR', 'WHERE']);

/** `WHERE "table"."key" = ?` */
const CONDITION_TOKENS = 6;

/**
 * The row that `sql` reads or writes and nothing else, in the forms that Drizzle gives the plain statements by key: SELECT, UPDATE and DELETE with the key
 * alone as the condition, INSERT of one row of parameters and constants. Null for every other text, also for those that mean the same.
 */
export function boundKey(sql: string, keyOf: KeyOf): BoundKey | null {
  const tokens = tokenize(sql);
  if (tokens.some(({ kind, text }) => (kind === 'parameter' && text !== '?') || kind === 'named' || kind === 'semicolon')) return null;
  switch (tokens[0]?.text) {
    case 'INSERT':
      return ofInsert(tokens, keyOf);
    case 'UPDATE':
      return ofUpdate(tokens, keyOf);
    case 'DELETE':
      return textAt(tokens, 1) === 'FROM' && tokens.length === 3 + CONDITION_TOKENS ? ofCondition(tokens, 2, 3, keyOf) : null;
    case 'SELECT':
      return ofSelect(tokens, keyOf);
    default:
      return null;
  }
}

const textAt = (tokens: readonly Token[], index: number): string => tokens[index]?.text ?? '';

/** A table's name in quotes, as Drizzle writes it. */
function tableAt(tokens: readonly Token[], index: number, keyOf: KeyOf): { readonly name: string; readonly key: string } | null {
  const token = tokens[index];
  if (token?.kind !== 'name' || !token.text.startsWith('"')) return null;
  const name = token.text.slice(1, -1).replaceAll('""', '"');
  const key = keyOf(name);
  return key === null || quoteIdentifier(name) !== token.text ? null : { name, key };
}

const countParameters = (tokens: readonly Token[]): number => tokens.filter(({ kind }) => kind === 'parameter').length;
const looksFurther = (tokens: readonly Token[]): boolean => tokens.some(({ kind, text }) => kind === 'word' && LOOKS_FURTHER.has(text));

/** The table named at `table`, where the condition at `at` is that its key is one parameter. */
function ofCondition(tokens: readonly Token[], table: number, at: number, keyOf: KeyOf): BoundKey | null {
  const found = tableAt(tokens, table, keyOf);
  if (found === null) return null;
  const wanted = ['WHERE', textAt(tokens, table), '.', quoteIdentifier(found.key), '=', '?'];
  if (!wanted.every((text, index) => textAt(tokens, at + index) === text)) return null;
  return { table: found.name, parameter: countParameters(tokens.slice(0, at)) };
}

function ofUpdate(tokens: readonly Token[], keyOf: KeyOf): BoundKey | null {
  const at = tokens.length - CONDITION_TOKENS;
  const found = tableAt(tokens, 1, keyOf);
  const set = tokens.slice(3, at);
  if (found === null || textAt(tokens, 2) !== 'SET' || looksFurther(set)) return null;
  // Another key moves the row to where another one may stand.
  return set.some((token) => mayBeKey(token, found.key)) ? null : ofCondition(tokens, 1, at, keyOf);
}

function ofSelect(tokens: readonly Token[], keyOf: KeyOf): BoundKey | null {
  const from = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'FROM');
  if (from === -1 || looksFurther(tokens.slice(1, from))) return null;
  const rest = tokens.length - (from + 2 + CONDITION_TOKENS);
  const isLimited = rest === 2 && textAt(tokens, tokens.length - 2) === 'LIMIT';
  return rest === 0 || isLimited ? ofCondition(tokens, from + 1, from + 2, keyOf) : null;
}

/** `INSERT INTO "table" ("column", …) VALUES (value, …)` */
function ofInsert(tokens: readonly Token[], keyOf: KeyOf): BoundKey | null {
  const found = tableAt(tokens, 2, keyOf);
  const open = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'VALUES');
  if (found === null || open === -1 || textAt(tokens, 1) !== 'INTO') return null;
  const columns = listIn(tokens.slice(3, open));
  const values = listIn(tokens.slice(open + 1));
  if (columns === null || values === null || columns.length !== values.length || !values.every(isPlainValue)) return null;
  const at = columns.findIndex(({ text }) => text === quoteIdentifier(found.key));
  if (values[at]?.kind !== 'parameter' || columns.some((column, index) => index !== at && mayBeKey(column, found.key))) return null;
  return { table: found.name, parameter: countParameters(values.slice(0, at)) };
}

/** Names are the same in either case and in any quotes; an integer key goes by SQLite's own names, too. */
function mayBeKey({ kind, text }: Token, key: string): boolean {
  const name = (kind === 'word' ? text : text.slice(1, -1)).toLowerCase();
  return name === key.toLowerCase() || ROW_IDS.has(name);
}

const ROW_IDS = new Set(['rowid', 'oid', '_rowid_']);

const isPlainValue = ({ kind, text }: Token): boolean =>
  kind === 'parameter' || kind === 'number' || kind === 'string' || kind === 'blob' || text === 'NULL';

/** `(a, b, c)` whose members are one token each, and nothing more; else null. */
function listIn(tokens: readonly Token[]): Token[] | null {
  if (tokens.length % 2 === 0 || textAt(tokens, 0) !== '(' || textAt(tokens, tokens.length - 1) !== ')') return null;
  const members: Token[] = [];
  for (const [index, token] of tokens.slice(1, -1).entries()) {
    if (index % 2 === 0) members.push(token);
    else if (token.text !== ',') return null;
  }
  return members;
}
