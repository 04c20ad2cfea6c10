import { AlcoveError } from '@alcove/core/error';
import { columnType } from '@alcove/core/schema/column-type';
import type { TableModel } from '@alcove/core/schema/room-model';
import { isStorableText, quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type Token, tokenize } from '@alcove/core/sqlite/tokenize';
import type { RuleValue } from '../access/rule-sql.ts';

/** What a value is in both dialects. `null`: the literal, which goes with all. */
export type NeutralKind = 'text' | 'integer' | 'real' | 'blob' | 'boolean' | 'null';

export interface NeutralSql {
  /** In PostgreSQL's dialect, in parentheses where it needs them. */
  readonly sql: string;
  readonly kind: NeutralKind;
}

/**
 * Says SQLite's SQL in PostgreSQL's where both surely answer alike: columns of one table, values, `= <> < <= > >=`, IS [NOT] NULL/TRUE/FALSE, AND OR NOT, IN, BETWEEN, `||`, coalesce, ifnull, lower, upper.
 * Both sides of a comparison are of one kind, since the dialects differ in what they do where they are not. A boolean column is a number in SQLite, and one here.
 *
 * @param params Of `?`, in order.
 * @throws AlcoveError `rule_failed` for everything else: it names what, and nothing is guessed.
 */
export function neutralSql(sql: string, params: readonly RuleValue[], table: TableModel): NeutralSql {
  return new NeutralParser(sql, params, table).whole();
}

/** As neutralSql, for what is true, false or NULL of a row. */
export function neutralCondition(sql: string, params: readonly RuleValue[], table: TableModel): string {
  const found = neutralSql(sql, params, table);
  return asBoolean(found, 'the condition');
}

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['=', '='],
  ['==', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
]);

class NeutralParser {
  readonly #table: TableModel;
  readonly #params: readonly RuleValue[];
  readonly #tokens: readonly Token[];
  #at = 0;
  #param = 0;

  constructor(sql: string, params: readonly RuleValue[], table: TableModel) {
    this.#table = table;
    this.#params = params;
    this.#tokens = tokenize(sql);
  }

  whole(): NeutralSql {
    const found = this.#or();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw untold(rest.text);
    return found;
  }

  #or(): NeutralSql {
    return this.#joined('OR', () => this.#and());
  }

  #and(): NeutralSql {
    return this.#joined('AND', () => this.#not());
  }

  #joined(word: 'AND' | 'OR', next: () => NeutralSql): NeutralSql {
    const first = next();
    if (!this.#isWord(word)) return first;
    const parts = [asBoolean(first, word)];
    while (this.#take(word)) parts.push(asBoolean(next(), word));
    return { sql: `(${parts.join(` ${word} `)})`, kind: 'boolean' };
  }

  #not(): NeutralSql {
    if (!this.#take('NOT')) return this.#comparison();
    return { sql: `(NOT ${asBoolean(this.#not(), 'NOT')})`, kind: 'boolean' };
  }

  #comparison(): NeutralSql {
    let left = this.#concatenation();
    for (;;) {
      const next = this.#compared(left);
      if (next === null) return left;
      left = next;
    }
  }

  #compared(left: NeutralSql): NeutralSql | null {
    const operator = this.#operator();
    if (operator !== null) {
      const right = this.#concatenation();
      sameKind([left, right], operator);
      return { sql: `(${left.sql} ${operator} ${right.sql})`, kind: 'boolean' };
    }
    if (this.#take('IS')) return this.#is(left);
    const isNot = this.#isWord('NOT') && this.#take('NOT');
    if (this.#take('IN')) return this.#in(left, isNot);
    if (this.#take('BETWEEN')) return this.#between(left, isNot);
    if (isNot) throw untold('NOT');
    return null;
  }

  #is(left: NeutralSql): NeutralSql {
    const not = this.#take('NOT') ? 'NOT ' : '';
    if (this.#take('NULL')) return { sql: `(${left.sql} IS ${not}NULL)`, kind: 'boolean' };
    for (const word of ['TRUE', 'FALSE'] as const)
      if (this.#take(word)) return { sql: `(${asBoolean(left, `IS ${word}`)} IS ${not}${word})`, kind: 'boolean' };
    const right = this.#concatenation();
    sameKind([left, right], 'IS');
    return { sql: `(${left.sql} IS ${not === '' ? 'NOT ' : ''}DISTINCT FROM ${right.sql})`, kind: 'boolean' };
  }

  #in(left: NeutralSql, isNot: boolean): NeutralSql {
    const list = this.#claimList() ?? this.#list();
    // SQLite says of an empty list what PostgreSQL has no words for.
    if (list.length === 0) return { sql: isNot ? 'TRUE' : 'FALSE', kind: 'boolean' };
    sameKind([left, ...list], 'IN');
    return { sql: `(${left.sql} ${isNot ? 'NOT ' : ''}IN (${list.map(({ sql }) => sql).join(', ')}))`, kind: 'boolean' };
  }

  #between(left: NeutralSql, isNot: boolean): NeutralSql {
    const low = this.#concatenation();
    this.#expect('AND');
    const high = this.#concatenation();
    sameKind([left, low, high], 'BETWEEN');
    return { sql: `(${left.sql} ${isNot ? 'NOT ' : ''}BETWEEN ${low.sql} AND ${high.sql})`, kind: 'boolean' };
  }

  #list(): NeutralSql[] {
    const items: NeutralSql[] = [];
    this.#expect('(');
    if (this.#take(')')) return items;
    do items.push(this.#or());
    while (this.#take(','));
    this.#expect(')');
    return items;
  }

  /** What `isOneOf` makes of a list of a claim's: one value, JSON. */
  #claimList(): NeutralSql[] | null {
    const words = ['(', 'SELECT', 'VALUE', 'FROM', 'JSON_EACH', '(', '?', ')', ')'];
    if (!words.every((word, index) => this.#tokens[this.#at + index]?.text === word)) return null;
    this.#at += words.length;
    const text = this.#nextParam();
    const list: unknown = typeof text === 'string' ? JSON.parse(text) : null;
    if (!Array.isArray(list)) throw untold('a list that is none');
    return list.map((item: unknown) => {
      if (item === null || typeof item === 'string' || (typeof item === 'number' && Number.isFinite(item))) return valueSql(item);
      if (typeof item === 'boolean') return valueSql(item ? 1 : 0);
      throw untold('a list of lists');
    });
  }

  #concatenation(): NeutralSql {
    const first = this.#primary();
    if (this.#tokens[this.#at]?.text !== '|' || this.#tokens[this.#at + 1]?.text !== '|') return first;
    const parts = [first];
    while (this.#take('|')) {
      this.#expect('|');
      parts.push(this.#primary());
    }
    for (const { kind } of parts) if (kind !== 'text' && kind !== 'null') throw untold('|| of what is no text');
    return { sql: `(${parts.map(({ sql }) => sql).join(' || ')})`, kind: 'text' };
  }

  #primary(): NeutralSql {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw untold('an end where a value should stand');
    this.#at += 1;
    const { kind, text } = token;
    if (text === '(' && kind === 'operator') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (text === '-' && kind === 'operator') return this.#negative();
    if (kind === 'parameter' && text === '?') return valueSql(this.#nextParam());
    if (kind === 'string') return valueSql(text.slice(1, -1).replaceAll("''", "'"));
    if (kind === 'number') return numberSql(text);
    if (kind === 'word' && text === 'NULL') return valueSql(null);
    if (kind === 'word' && (text === 'TRUE' || text === 'FALSE')) return { sql: text, kind: 'boolean' };
    if (kind === 'word' && this.#tokens[this.#at]?.text === '(') return this.#call(text);
    if (kind === 'word' || kind === 'name') return this.#column(token);
    throw untold(text);
  }

  #negative(): NeutralSql {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'number') throw untold('-');
    this.#at += 1;
    const { sql, kind } = numberSql(token.text);
    return { sql: `(-${sql})`, kind };
  }

  #call(name: string): NeutralSql {
    const args = this.#list();
    const [first] = args;
    if ((name === 'LOWER' || name === 'UPPER') && args.length === 1 && first !== undefined && ['text', 'null'].includes(first.kind))
      // Of letters beyond ASCII SQLite folds none.
      return { sql: `${name.toLowerCase()}(${first.sql} COLLATE "C")`, kind: 'text' };
    if ((name === 'COALESCE' || name === 'IFNULL') && args.length >= 2) {
      sameKind(args, name);
      const kind = args.find((arg) => arg.kind !== 'null')?.kind ?? 'null';
      return { sql: `coalesce(${args.map(({ sql }) => sql).join(', ')})`, kind };
    }
    throw untold(`${name.toLowerCase()}()`);
  }

  #column(token: Token): NeutralSql {
    let name = bareName(token);
    if (this.#take('.')) {
      if (asciiLower(name) !== asciiLower(this.#table.name)) throw untold(`${name}.`);
      const column = this.#tokens[this.#at];
      if (column === undefined) throw untold('.');
      this.#at += 1;
      name = bareName(column);
    }
    const column = this.#table.columns.find((one) => asciiLower(one.name) === asciiLower(name));
    if (column === undefined) throw untold(name);
    const { affinity, collation } = columnType(column.type);
    const isPlain = affinity !== 'numeric' && collation === 'BINARY';
    // NULL or not is all that can be asked of the others.
    if (!isPlain && !this.#isNullAsked()) throw untold(`the column ${column.name}, of type ${column.type}`);
    return { sql: quoteIdentifier(column.name), kind: affinity === 'numeric' ? 'text' : affinity };
  }

  /** IS NULL or IS NOT NULL comes next. */
  #isNullAsked(): boolean {
    const next = (offset: number): string => this.#tokens[this.#at + offset]?.text ?? '';
    return this.#isWord('IS') && next(next(1) === 'NOT' ? 2 : 1) === 'NULL';
  }

  #nextParam(): RuleValue {
    this.#param += 1;
    return this.#params[this.#param - 1] ?? null;
  }

  #operator(): string | null {
    const [first, second] = [this.#tokens[this.#at], this.#tokens[this.#at + 1]];
    if (first?.kind !== 'operator') return null;
    const isTwo = second?.kind === 'operator' && second.start === first.end && COMPARISONS.has(first.text + second.text);
    const found = COMPARISONS.get(isTwo ? first.text + second.text : first.text);
    if (found === undefined) return null;
    this.#at += isTwo ? 2 : 1;
    return found;
  }

  #isWord(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.text === text && (token.kind === 'word' || token.kind === 'operator');
  }

  #take(text: string): boolean {
    if (!this.#isWord(text)) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw untold(this.#tokens[this.#at]?.text ?? 'an end too early');
  }
}

/** What SQLite takes for true: a number that is not 0. */
function asBoolean({ sql, kind }: NeutralSql, where: string): string {
  if (kind === 'boolean') return sql;
  if (kind === 'null') return 'NULL::boolean';
  if (kind === 'integer' || kind === 'real') return `(${sql} <> 0)`;
  throw untold(`${kind} where ${where} takes what is true or false`);
}

function sameKind(values: readonly NeutralSql[], where: string): void {
  // Whole numbers that a room can hold are the same as doubles.
  const kinds = new Set(values.map(({ kind }) => (kind === 'integer' ? 'real' : kind)).filter((kind) => kind !== 'null'));
  if (kinds.has('boolean')) throw untold(`what is true or false beside ${where}`);
  if (kinds.size > 1) throw untold(`${[...kinds].join(' and ')} beside ${where}`);
}

function valueSql(value: RuleValue): NeutralSql {
  if (value === null) return { sql: 'NULL', kind: 'null' };
  if (typeof value === 'number') return numberSql(Object.is(value, -0) ? '0' : String(value));
  if (!isStorableText(value)) throw untold('text that holds NUL or half a character');
  return { sql: `('${value.replaceAll("'", "''")}'::text COLLATE "C")`, kind: 'text' };
}

function numberSql(text: string): NeutralSql {
  const value = Number(text);
  if (!Number.isFinite(value)) throw untold(text);
  if (!/^-?\d+$/.test(text)) return { sql: `'${value}'::double precision`, kind: 'real' };
  if (!Number.isSafeInteger(value)) throw untold(text);
  return { sql: `${value < 0 ? '(' : ''}${value}${value < 0 ? ')' : ''}::bigint`, kind: 'integer' };
}

function bareName({ kind, text }: Token): string {
  if (kind !== 'name') return text;
  const quote = text.charAt(0);
  return quote === '[' ? text.slice(1, -1) : text.slice(1, -1).replaceAll(quote + quote, quote);
}

const asciiLower = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

const untold = (what: string): AlcoveError =>
  new AlcoveError('rule_failed', `PostgreSQL cannot be asked the same: ${what.slice(0, 100)}`, {
    hint: 'Compare columns with values of their type, with AND, OR, NOT, IN, IS NULL; or leave the room out of the mirror.',
  });
