import { CasingCache } from 'drizzle-orm/casing';
import type { SQL } from 'drizzle-orm';
import { AlcoveError } from '../error.ts';
import { isStorableText, quoteIdentifier } from '../sqlite/identifier.ts';
import { tokenize } from '../sqlite/tokenize.ts';

/** SQL text of a Drizzle fragment for DDL: values as literals, columns by their bare quoted names. */
export function sqlText(fragment: SQL): string {
  const { sql } = fragment.toQuery({
    casing: new CasingCache(),
    escapeName: quoteIdentifier,
    escapeParam: (_index, value) => sqlLiteral(value),
    escapeString: (text) => sqlLiteral(text),
    // The one source whose columns Drizzle writes without their table.
    invokeSource: 'indexes',
  });
  return sql.trim();
}

/** @throws AlcoveError `schema_invalid` for a value that SQLite has no literal for. */
export function sqlLiteral(value: unknown): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  if (typeof value === 'string' && isStorableText(value)) return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return `X'${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}'`;
  throw new AlcoveError('schema_invalid', `a value of type ${typeof value} cannot stand in the schema as a constant`);
}

const LITERAL = /^(?:[+-]? ?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|0x[0-9a-f]+|'(?:[^']|'')*'|x'(?:[0-9a-f]{2})*'|null|true|false)$/i;

/** Whether `sql` is one literal: all that ALTER TABLE ADD COLUMN takes as a default on every engine. */
export const isLiteral = (sql: string): boolean => LITERAL.test(sql.trim());

/**
 * One spelling for SQL that means the same: names and keywords in lower case and quoted alike, spaces and comments dropped, `table.` before a column
 * dropped, one pair of parentheses around the whole dropped. For comparing only; it is not meant to be run.
 */
export function normalSql(sql: string, table: string): string {
  const prefix = nameText(table);
  const tokens = tokenize(sql).map((token) => {
    if (token.kind === 'word') return nameText(token.text);
    if (token.kind === 'name') return nameText(unquote(token.text));
    return token.text;
  });
  const kept: string[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    if (tokens[index] === prefix && tokens[index + 1] === '.') index += 1;
    else kept.push(tokens[index] ?? '');
  }
  return withoutOuterParentheses(kept).join(' ');
}

const nameText = (name: string): string => JSON.stringify(asciiLower(name));

/** `name` as SQLite compares names: only the letters A to Z lose their case. */
export const asciiLower = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The name inside "…", `…` or […]. */
export function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  const mark = quoted.slice(0, 1);
  return mark === '[' ? inner : inner.replaceAll(mark + mark, mark);
}

function withoutOuterParentheses(tokens: readonly string[]): readonly string[] {
  let inner = tokens;
  while (inner[0] === '(' && inner.at(-1) === ')' && closesAtEnd(inner)) inner = inner.slice(1, -1);
  return inner;
}

function closesAtEnd(tokens: readonly string[]): boolean {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    if (depth === 0) return index === tokens.length - 1;
  }
  return false;
}
