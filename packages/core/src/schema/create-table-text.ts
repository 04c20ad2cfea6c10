import { type Token, tokenize } from '../sqlite/tokenize.ts';
import { asciiLower, unquote } from './sql-text.ts';

/** What only the text of CREATE TABLE tells, no PRAGMA. */
export interface CreateTableText {
  /** By column name in ASCII lower case. */
  readonly columns: ReadonlyMap<string, ColumnText>;
  /** SQL of every CHECK, of columns and of the table. */
  readonly checks: readonly string[];
  readonly withoutRowid: boolean;
  readonly strict: boolean;
}

export interface ColumnText {
  /** As it is written; null: none. */
  readonly collation: string | null;
  readonly generated: { readonly sql: string; readonly stored: boolean } | null;
  readonly autoIncrement: boolean;
}

/** Words that begin a table constraint where a column's name would stand. */
const CONSTRAINT_WORDS = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN']);

/** Reads a CREATE TABLE that SQLite has accepted (as `sqlite_schema.sql` keeps it). */
export function readCreateTable(sql: string): CreateTableText {
  const tokens = tokenize(sql);
  const open = tokens.findIndex((token) => token.text === '(');
  const close = closingOf(tokens, open);
  const columns = new Map<string, ColumnText>();
  const checks: string[] = [];
  for (const item of splitAtCommas(tokens.slice(open + 1, close))) {
    checks.push(...checksIn(item, sql));
    const [first] = item;
    if (first === undefined || (first.kind === 'word' && CONSTRAINT_WORDS.has(first.text))) continue;
    columns.set(asciiLower(nameOf(first, sql)), columnText(item.slice(1), sql));
  }
  const options = tokens.slice(close + 1).map((token) => token.text);
  return { columns, checks, withoutRowid: options.includes('ROWID'), strict: options.includes('STRICT') };
}

/** A word's token is in upper case; the text keeps the name as it was written. */
const nameOf = (token: Token, sql: string): string =>
  token.kind === 'name' || token.kind === 'string' ? unquote(token.text) : sql.slice(token.start, token.end);

function columnText(tokens: readonly Token[], sql: string): ColumnText {
  const outside = outsideParentheses(tokens);
  const collate = outside.find(({ token }) => token.text === 'COLLATE');
  const collation = collate === undefined ? undefined : tokens[collate.index + 1];
  const as = outside.find(({ token }) => token.kind === 'word' && token.text === 'AS');
  return {
    collation: collation === undefined ? null : nameOf(collation, sql),
    generated:
      as === undefined ? null : { sql: insideAt(tokens, as.index + 1, sql), stored: outside.some(({ token }) => token.text === 'STORED') },
    autoIncrement: outside.some(({ token }) => token.text === 'AUTOINCREMENT'),
  };
}

const checksIn = (tokens: readonly Token[], sql: string): string[] =>
  outsideParentheses(tokens).flatMap(({ token, index }) =>
    token.kind === 'word' && token.text === 'CHECK' ? [insideAt(tokens, index + 1, sql)] : [],
  );

/** Tokens that stand in no parentheses, with their index; an opening one counts as outside. */
function outsideParentheses(tokens: readonly Token[]): { readonly token: Token; readonly index: number }[] {
  const outside: { token: Token; index: number }[] = [];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.text === ')') depth -= 1;
    if (depth === 0) outside.push({ token, index });
    if (token.text === '(') depth += 1;
  }
  return outside;
}

/** The text between the parenthesis at `open` and its match. */
function insideAt(tokens: readonly Token[], open: number, sql: string): string {
  const first = tokens[open];
  const last = tokens[closingOf(tokens, open)];
  return first === undefined || last === undefined ? '' : sql.slice(first.end, last.start).trim();
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (tokens[index]?.text === '(') depth += 1;
    if (tokens[index]?.text === ')') depth -= 1;
    if (depth === 0) return index;
  }
  return tokens.length;
}

/** Cuts at the commas that stand in no parentheses. */
export function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    if (token.text === ',' && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Column list and condition of a CREATE INDEX that SQLite has accepted. */
export function readCreateIndex(sql: string): { readonly columns: readonly string[]; readonly where: string | null } {
  const tokens = tokenize(sql);
  const open = tokens.findIndex((token) => token.text === '(');
  const close = closingOf(tokens, open);
  const columns = splitAtCommas(tokens.slice(open + 1, close)).map((part) => textOf(part, sql));
  const condition = tokens.slice(close + 2);
  return { columns, where: condition.length === 0 ? null : textOf(condition, sql) };
}

function textOf(tokens: readonly Token[], sql: string): string {
  const first = tokens.at(0);
  const last = tokens.at(-1);
  return first === undefined || last === undefined ? '' : sql.slice(first.start, last.end);
}
