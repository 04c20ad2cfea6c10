import type { Token } from '@alcove/core/sqlite/tokenize';

/** One table of a FROM clause; `table` null: something else than a plain name (a table-valued function). Names in upper case. */
export interface FromItem {
  readonly table: string | null;
  readonly alias: string | null;
}

export interface SelectParts {
  readonly items: readonly FromItem[];
  /** Parts of WHERE, and of ON where no join is an outer one, that all must be true for a row of the result. */
  readonly conjuncts: readonly (readonly Token[])[];
  readonly hasOuterJoin: boolean;
}

const COMPOUND = new Set(['WITH', 'UNION', 'INTERSECT', 'EXCEPT', 'VALUES', 'RECURSIVE']);
const JOIN_WORDS = new Set(['NATURAL', 'LEFT', 'RIGHT', 'FULL', 'OUTER', 'INNER', 'CROSS']);
const OUTER_WORDS = new Set(['LEFT', 'RIGHT', 'FULL', 'OUTER']);
const AFTER_FROM = new Set(['WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW']);
const AFTER_WHERE = new Set(['GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW']);

const isWord = (token: Token | undefined, text: string): boolean => token?.kind === 'word' && token.text === text;
const isOperator = (token: Token | undefined, text: string): boolean => token?.kind === 'operator' && token.text === text;

/**
 * The parts of a statement that is one plain SELECT over named tables; null for everything else, which then is narrowed by no condition: subqueries,
 * compounds, common table expressions, parentheses in FROM, a column named by a word that is read as SQL here.
 */
export function selectParts(tokens: readonly Token[]): SelectParts | null {
  if (!isWord(tokens[0], 'SELECT')) return null;
  const count = (text: string): number => tokens.filter((token) => isWord(token, text)).length;
  if (count('SELECT') > 1) return null;
  // SQLite takes END and WINDOW for names where no keyword fits, CASE never.
  if (count('END') !== count('CASE') || count('WINDOW') > 0) return null;
  if (tokens.some((token) => token.kind === 'word' && COMPOUND.has(token.text))) return null;
  const depths = depthsOf(tokens);
  const at = (from: number, words: ReadonlySet<string>): number => {
    const index = tokens.findIndex((token, i) => i >= from && depths[i] === 0 && token.kind === 'word' && words.has(token.text));
    return index === -1 ? tokens.length : index;
  };
  // IS DISTINCT FROM is no FROM clause.
  const from = tokens.findIndex((token, i) => depths[i] === 0 && isWord(token, 'FROM') && !isWord(tokens[i - 1], 'DISTINCT'));
  if (from === -1) return null;
  const fromEnd = at(from, AFTER_FROM);
  const parsed = parseFrom(tokens.slice(from + 1, fromEnd));
  if (parsed === null) return null;
  const where = isWord(tokens[fromEnd], 'WHERE') ? tokens.slice(fromEnd + 1, at(fromEnd, AFTER_WHERE)) : [];
  const expressions = parsed.hasOuterJoin ? [where] : [where, ...parsed.conditions];
  return {
    items: parsed.items,
    hasOuterJoin: parsed.hasOuterJoin,
    conjuncts: expressions.flatMap((expression) => conjunctsOf(expression)),
  };
}

/** Nesting of each token in parentheses and CASE … END; an opening one counts as outside, a closing one too. */
function depthsOf(tokens: readonly Token[]): number[] {
  let depth = 0;
  return tokens.map((token) => {
    if (isOperator(token, ')') || isWord(token, 'END')) depth -= 1;
    const own = depth;
    if (isOperator(token, '(') || isWord(token, 'CASE')) depth += 1;
    return own;
  });
}

interface ParsedFrom {
  readonly items: readonly FromItem[];
  readonly conditions: readonly (readonly Token[])[];
  readonly hasOuterJoin: boolean;
}

function parseFrom(tokens: readonly Token[]): ParsedFrom | null {
  const depths = depthsOf(tokens);
  const segments: Token[][] = [[]];
  let hasOuterJoin = false;
  for (const [index, token] of tokens.entries()) {
    const last = segments.at(-1) ?? [];
    if (depths[index] === 0 && (isOperator(token, ',') || isWord(token, 'JOIN'))) segments.push([]);
    else if (depths[index] === 0 && token.kind === 'word' && JOIN_WORDS.has(token.text)) hasOuterJoin ||= OUTER_WORDS.has(token.text);
    else last.push(token);
  }
  const parsed = segments.map(parseItem);
  const items: FromItem[] = [];
  const conditions: (readonly Token[])[] = [];
  for (const part of parsed) {
    if (part === null) return null;
    items.push(part.item);
    if (part.on.length > 0) conditions.push(part.on);
  }
  return { items, conditions, hasOuterJoin };
}

/** `[main.]name | function(…)`, `[AS] alias`, `INDEXED BY x | NOT INDEXED`, `ON … | USING (…)`. */
function parseItem(tokens: readonly Token[]): { item: FromItem; on: readonly Token[] } | null {
  let next = 0;
  const name = (): string | null => {
    const text = identifierOf(tokens[next]);
    if (text !== null) next += 1;
    return text;
  };
  const word = (text: string): boolean => {
    if (!isWord(tokens[next], text)) return false;
    next += 1;
    return true;
  };
  let table = name();
  if (table === null) return null;
  if (isOperator(tokens[next], '.')) {
    next += 1;
    if (table !== 'MAIN') return null;
    table = name();
    if (table === null) return null;
  }
  const isFunction = isOperator(tokens[next], '(');
  if (isFunction) next = closingOf(tokens, next) + 1;
  const bare = !['ON', 'USING', 'INDEXED', 'NOT'].some((clause) => isWord(tokens[next], clause));
  const alias = word('AS') || bare ? name() : null;
  if (word('INDEXED')) next += 2;
  else if (word('NOT')) next += 1;
  const item: FromItem = { table: isFunction ? null : table, alias };
  if (word('ON')) return { item, on: tokens.slice(next) };
  if (word('USING')) next = closingOf(tokens, next) + 1;
  return next === tokens.length ? { item, on: [] } : null;
}

function closingOf(tokens: readonly Token[], opening: number): number {
  let depth = 0;
  for (let index = opening; index < tokens.length; index += 1) {
    if (isOperator(tokens[index], '(')) depth += 1;
    if (isOperator(tokens[index], ')')) depth -= 1;
    if (depth === 0) return index;
  }
  return tokens.length;
}

/** What AND joins, through parentheses; where OR is at the top, the whole as one. */
function conjunctsOf(tokens: readonly Token[]): (readonly Token[])[] {
  if (tokens.length === 0) return [];
  if (isOperator(tokens[0], '(') && closingOf(tokens, 0) === tokens.length - 1) return conjunctsOf(tokens.slice(1, -1));
  const depths = depthsOf(tokens);
  if (tokens.some((token, index) => depths[index] === 0 && isWord(token, 'OR'))) return [tokens];
  const parts: Token[][] = [[]];
  let inBetween = false;
  for (const [index, token] of tokens.entries()) {
    const top = depths[index] === 0;
    if (top && isWord(token, 'BETWEEN')) inBetween = true;
    const splits = top && isWord(token, 'AND') && !inBetween;
    if (top && isWord(token, 'AND')) inBetween = false;
    if (splits) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  if (parts.length === 1) return [tokens];
  return parts.flatMap((part) => conjunctsOf(part));
}

/** A bare or quoted name in upper case: SQLite's names differ by case in neither form. Null: no name. */
export function identifierOf(token: Token | undefined): string | null {
  if (token?.kind === 'word') return token.text;
  if (token?.kind !== 'name' || token.text.length < 2) return null;
  const quote = token.text.charAt(0);
  const inner = token.text.slice(1, -1);
  return (quote === '[' ? inner : inner.replaceAll(quote + quote, quote)).toUpperCase();
}
