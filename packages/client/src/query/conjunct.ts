import type { Row } from '@alcove/core/sqlite/database';
import type { Token } from '@alcove/core/sqlite/tokenize';
import type { Condition, Constant } from './row-filter.ts';
import { identifierOf } from './select-parts.ts';

/** A column as the text names it, in upper case. */
export interface ColumnName {
  readonly qualifier: string | null;
  readonly name: string;
}

/** What one part of a conjunction says, where it is understood. */
export type Conjunct =
  | { readonly kind: 'condition'; readonly column: ColumnName; readonly conditions: readonly Condition[] }
  | { readonly kind: 'equal'; readonly left: ColumnName; readonly right: ColumnName };

/** Values of `IN (…)` beyond which a query is not found by value. */
const VALUES_MAX = 100;

type Operand = { readonly type: 'column'; readonly column: ColumnName } | { readonly type: 'constant'; readonly value: Constant };
type Comparison = '=' | '<' | '<=' | '>' | '>=';
const MIRRORED: Readonly<Record<Comparison, Comparison>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** Reads `tokens` from the left. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #constantOf: (token: Token) => Constant | null;
  #next = 0;

  constructor(tokens: readonly Token[], constantOf: (token: Token) => Constant | null) {
    this.#tokens = tokens;
    this.#constantOf = constantOf;
  }

  get isAtEnd(): boolean {
    return this.#next >= this.#tokens.length;
  }

  word(text: string): boolean {
    return this.#take((token) => token.kind === 'word' && token.text === text);
  }

  operator(text: string): boolean {
    return this.#take((token) => token.kind === 'operator' && token.text === text);
  }

  #take(accept: (token: Token) => boolean): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || !accept(token)) return false;
    this.#next += 1;
    return true;
  }

  comparison(): Comparison | null {
    for (const first of ['<', '>'] as const)
      if (this.operator(first)) return this.operator('=') ? `${first}=` : this.#isFollowedBy('>') ? null : first;
    if (!this.operator('=')) return null;
    this.operator('=');
    return '=';
  }

  #isFollowedBy(text: string): boolean {
    return this.#tokens[this.#next]?.text === text;
  }

  operand(): Operand | null {
    const value = this.constant();
    if (value !== null) return { type: 'constant', value };
    const first = this.#identifier();
    if (first === null) return null;
    if (!this.operator('.')) return { type: 'column', column: { qualifier: null, name: first } };
    const name = this.#identifier();
    return name === null ? null : { type: 'column', column: { qualifier: first, name } };
  }

  constant(): Constant | null {
    const start = this.#next;
    const negative = this.operator('-');
    const token = this.#tokens[this.#next];
    const value = token === undefined ? null : this.#constantOf(token);
    if (value === null || (negative && (typeof value !== 'number' || token?.kind !== 'number'))) {
      this.#next = start;
      return null;
    }
    this.#next += 1;
    return negative ? -Number(value) : value;
  }

  #identifier(): string | null {
    const text = identifierOf(this.#tokens[this.#next]);
    if (text !== null) this.#next += 1;
    return text;
  }
}

/**
 * What a conjunct says of one column; null where it is not of a form that is understood to the letter.
 * @param constantOf The value of a literal or parameter, null where it is none or of another type than text and number.
 */
export function readConjunct(tokens: readonly Token[], constantOf: (token: Token) => Constant | null): Conjunct | null {
  const reader = new Reader(tokens, constantOf);
  const left = reader.operand();
  if (left === null) return null;
  const read = readRest(reader, left);
  return reader.isAtEnd ? read : null;
}

function readRest(reader: Reader, left: Operand): Conjunct | null {
  const comparison = reader.comparison();
  if (comparison !== null) {
    const right = reader.operand();
    return right === null ? null : compared(left, comparison, right);
  }
  if (left.type !== 'column') return null;
  const conditions = readConditions(reader);
  return conditions === null ? null : { kind: 'condition', column: left.column, conditions };
}

function compared(left: Operand, comparison: Comparison, right: Operand): Conjunct | null {
  if (left.type === 'column' && right.type === 'column')
    return comparison === '=' ? { kind: 'equal', left: left.column, right: right.column } : null;
  if (left.type === 'constant') return right.type === 'column' ? compared(right, MIRRORED[comparison], left) : null;
  if (right.type === 'column') return null;
  return { kind: 'condition', column: left.column, conditions: [conditionOf(comparison, right.value)] };
}

function conditionOf(comparison: Comparison, value: Constant): Condition {
  if (comparison === '=') return { kind: 'in', values: [value] };
  return { kind: comparison.startsWith('>') ? 'above' : 'below', value, inclusive: comparison.endsWith('=') };
}

/** `IS …`, `ISNULL`, `NOTNULL`, `NOT NULL`, `IN (…)`, `BETWEEN … AND …`. */
function readConditions(reader: Reader): readonly Condition[] | null {
  if (reader.word('ISNULL')) return [{ kind: 'null' }];
  if (reader.word('NOTNULL')) return [{ kind: 'notNull' }];
  if (reader.word('NOT')) return reader.word('NULL') ? [{ kind: 'notNull' }] : null;
  if (reader.word('IS')) return readIs(reader);
  if (reader.word('IN')) return readList(reader);
  if (!reader.word('BETWEEN')) return null;
  const from = reader.constant();
  const to = reader.word('AND') ? reader.constant() : null;
  if (from === null || to === null) return null;
  return [conditionOf('>=', from), conditionOf('<=', to)];
}

function readIs(reader: Reader): readonly Condition[] | null {
  if (reader.word('NULL')) return [{ kind: 'null' }];
  if (reader.word('NOT')) return reader.word('NULL') ? [{ kind: 'notNull' }] : null;
  const value = reader.constant();
  return value === null ? null : [{ kind: 'in', values: [value] }];
}

function readList(reader: Reader): readonly Condition[] | null {
  if (!reader.operator('(')) return null;
  const values: Constant[] = [];
  do {
    const value = reader.constant();
    if (value === null || values.length >= VALUES_MAX) return null;
    values.push(value);
  } while (reader.operator(','));
  return reader.operator(')') ? [{ kind: 'in', values }] : null;
}

/** Values of the parameters and literals of a statement, by token. */
export function constantsOf(tokens: readonly Token[], params: Row): (token: Token) => Constant | null {
  const positions = new Map<Token, number>();
  let count = 0;
  for (const token of tokens) {
    if (token.kind !== 'parameter') continue;
    const position = token.text === '?' ? count + 1 : Number(token.text.slice(1));
    count = Math.max(count, position);
    positions.set(token, position - 1);
  }
  return (token) => {
    if (token.kind === 'string') return token.text.slice(1, -1).replaceAll("''", "'");
    if (token.kind === 'number') return numberOf(token.text);
    const position = positions.get(token);
    const value = position === undefined ? null : params[position];
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  };
}

/** Null from 16 digits on: there SQLite may read another double than JavaScript does. */
function numberOf(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) && text.replace('.', '').length <= 15 ? Number(text) : null;
}
