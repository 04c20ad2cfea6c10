/**
 * Cuts SQL of PostgreSQL's as its own scanner does, with `standard_conforming_strings` on. What makes a name or a string out of something else (`U&"…"`, `E'…'`, `$tag$…$tag$`) is told as
 * `escaped`, whole and with nothing but its beginning for a text: whoever has to know what it says refuses it.
 *
 * `word` keywords and bare names, in lower case as PostgreSQL takes them · `name` "…", without its quotes · `string` '…' · `number` · `parameter` $1 · `open` ( [ · `close` ) ] ·
 * `escaped` · `operator` everything else, one character each.
 */
export type PostgresTokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'open' | 'close' | 'escaped' | 'operator';

export interface PostgresToken {
  readonly kind: PostgresTokenKind;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Of `E'…'`: behind a backslash stands anything. Strings with a line's end between them are one, and it goes on as it began. */
const ESCAPES = /[^'\\]*(?:(?:\\[^]?|'')[^'\\]*)*/;
const NEXT_LINE = /(?:[ \t\f\v]|--[^\n\r]*(?=[\n\r]|$))*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*(?=[\n\r]|$))*/;
const ESCAPED = [
  `[uU]&'[^']*(?:''[^']*)*(?:'|$)`,
  `[uU]&"[^"]*(?:""[^"]*)*(?:"|$)`,
  `[eE]'${ESCAPES.source}(?:'${NEXT_LINE.source}'${ESCAPES.source})*(?:'|$)`,
  String.raw`(\$(?:[A-Za-z_\u0080-\u{10FFFF}][A-Za-z0-9_\u0080-\u{10FFFF}]*)?\$)[^]*?(?:\1|$)`,
].join('|');
const ESCAPED_BEGINNING = /^(?:[uU]&["']|[eE]'|\$[^$]*\$)/;

// Sticky, tried in this order. Every character above ASCII is part of a name.
const SPACE = /[ \t\n\r\f\v]+|--[^\n\r]*/y;
const PATTERNS: readonly (readonly [PostgresTokenKind, RegExp])[] = [
  ['escaped', new RegExp(ESCAPED, 'uy')],
  ['string', /[bBxXnN]?'[^']*(?:''[^']*)*(?:'|$)/y],
  ['word', /[A-Za-z_\u0080-\u{10FFFF}][A-Za-z0-9_$\u0080-\u{10FFFF}]*/uy],
  ['name', /"[^"]*(?:""[^"]*)*(?:"|$)/y],
  ['number', /(?:[0-9]|\.[0-9])[A-Za-z0-9_.]*/y],
  ['parameter', /\$[0-9]+/y],
  ['open', /[([]/y],
  ['close', /[)\]]/y],
  ['operator', /[^]/uy],
];

export function tokenizePostgres(sql: string): PostgresToken[] {
  const tokens: PostgresToken[] = [];
  let position = 0;
  while (position < sql.length) {
    const next = afterSpace(sql, position);
    if (next > position) {
      position = next;
      continue;
    }
    const token = tokenAt(sql, position);
    tokens.push(token);
    position = token.end;
  }
  return tokens;
}

/** Spaces and comments; those between stars nest. */
function afterSpace(sql: string, start: number): number {
  SPACE.lastIndex = start;
  if (SPACE.test(sql)) return SPACE.lastIndex;
  if (!sql.startsWith('/*', start)) return start;
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 2;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  return sql.length;
}

function tokenAt(sql: string, start: number): PostgresToken {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = start;
    if (!pattern.test(sql)) continue;
    const end = pattern.lastIndex;
    return { kind, start, end, text: textOf(kind, sql.slice(start, end)) };
  }
  return { kind: 'operator', start, end: start + 1, text: sql.slice(start, start + 1) };
}

function textOf(kind: PostgresTokenKind, text: string): string {
  // PostgreSQL folds ASCII alone in UTF-8.
  if (kind === 'word') return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (kind === 'escaped') return ESCAPED_BEGINNING.exec(text)?.[0] ?? text;
  return kind === 'name' ? text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined).replaceAll('""', '"') : text;
}
