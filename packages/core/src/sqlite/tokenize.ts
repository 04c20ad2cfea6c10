/**
 * Cuts SQL text as SQLite's own tokenizer does, so that what looks like SQL inside a string, a comment or a quoted name is never taken for it.
 *
 * `word` keywords and bare names · `name` in "…", `…` or […] · `string` '…' · `blob` x'…' · `number` · `parameter` ?, ?n ·
 * `named` :a @a $a #a · `semicolon` · `operator` everything else, one character each.
 * Spaces and comments are left out. Something unterminated reaches to the end of the text; SQLite refuses it later.
 */
export type TokenKind = 'word' | 'name' | 'string' | 'blob' | 'number' | 'parameter' | 'named' | 'semicolon' | 'operator';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** The text of a word in upper case, of everything else as it stands. */
  readonly text: string;
}

// Sticky patterns, tried in this order at each position. SQLite counts every character above ASCII as part of a name, except a leading BOM.
const SPACE = /[ \t\n\f\r\uFEFF]+|--[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['blob', /[xX]'[^']*(?:'|$)/y],
  ['word', /[A-Za-z_\u0080-\u{10FFFF}][A-Za-z0-9_$\u0080-\u{10FFFF}]*/uy],
  ['string', /'[^']*(?:''[^']*)*(?:'|$)/y],
  ['name', /"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$)|\[[^\]]*(?:\]|$)/y],
  ['number', /(?:[0-9]|\.[0-9])[A-Za-z0-9_.]*/y],
  ['parameter', /\?[0-9]*/y],
  ['named', /[:@$#][A-Za-z0-9_$\u0080-\u{10FFFF}:]*/uy],
  ['semicolon', /;/y],
  ['operator', /[^]/uy],
];

export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < sql.length) {
    SPACE.lastIndex = position;
    if (SPACE.test(sql)) {
      position = SPACE.lastIndex;
      continue;
    }
    const token = tokenAt(sql, position);
    tokens.push(token);
    position = token.end;
  }
  return tokens;
}

function tokenAt(sql: string, start: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = start;
    if (!pattern.test(sql)) continue;
    const end = pattern.lastIndex;
    const text = sql.slice(start, end);
    return { kind, start, end, text: kind === 'word' ? text.toUpperCase() : text };
  }
  return { kind: 'operator', start, end: start + 1, text: sql.slice(start, start + 1) };
}
