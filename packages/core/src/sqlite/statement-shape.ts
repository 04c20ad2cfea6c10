import { AlcoveError } from '../error.ts';
import { SQL_PARAMETERS_MAX } from './database.ts';
import { isStorableText } from './identifier.ts';
import { type Token, tokenize } from './tokenize.ts';

/** One statement of a text: what can be known of it without asking SQLite. */
export interface StatementShape {
  /** The keyword that decides what it does: for `WITH … UPDATE` it is UPDATE. */
  readonly verb: string;
  /** Never empty; no semicolon at the end. */
  readonly tokens: readonly Token[];
  /** How many values it wants: the highest number among `?` and `?n`. */
  readonly parameterCount: number;
}

const WRITES = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);
const READS = new Set(['SELECT', 'VALUES']);
const CHANGES_SCHEMA = new Set(['CREATE', 'DROP', 'ALTER']);
/** What no driver offers as SQL text; `END` and `ROLLBACK` among them. */
const REFUSED = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ATTACH', 'DETACH']);

export const writesRows = (shape: StatementShape): boolean => WRITES.has(shape.verb);
/** Data statements, whose text is not kept in the database file. */
export const isDataStatement = (shape: StatementShape): boolean =>
  WRITES.has(shape.verb) || READS.has(shape.verb) || shape.verb === 'EXPLAIN';
export const mayChangeSchema = (shape: StatementShape): boolean => CHANGES_SCHEMA.has(shape.verb);

/**
 * The shape of the one statement in `sql`.
 * @throws AlcoveError `sql_failed` where there is none, more than one, or parameters no driver offers; `sql_refused` for transaction control,
 * ATTACH and TEMP.
 */
export function shapeOfOne(sql: string): StatementShape {
  const shapes = shapesOf(sql);
  const [shape] = shapes;
  if (shape === undefined) throw new AlcoveError('sql_failed', `no statement in the SQL text${excerpt(sql)}`);
  if (shapes.length > 1) {
    throw new AlcoveError('sql_failed', `${shapes.length} statements where one is prepared${excerpt(sql)}`, {
      hint: 'Prepare one statement at a time, or use exec for DDL.',
    });
  }
  return shape;
}

/** Every statement of `sql`, checked as shapeOfOne says; empty ones between semicolons are left out. */
export function shapesOf(sql: string): StatementShape[] {
  if (!isStorableText(sql)) throw new AlcoveError('sql_failed', `the SQL text holds NUL or half a character${excerpt(sql)}`);
  return splitStatements(tokenize(sql)).map((tokens) => {
    const shape = { verb: verbOf(tokens), tokens, parameterCount: parameterCountOf(tokens, sql) };
    refuseWhatNoDriverOffers(shape, sql);
    return shape;
  });
}

/** A piece of the text for a message. */
export const excerpt = (sql: string): string => ` (in: ${sql.length > 200 ? `${sql.slice(0, 200)}…` : sql})`;

/** Cuts at semicolons; the ones inside a trigger's body belong to it: a trigger ends at `; END`. */
export function splitStatements(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  for (const token of tokens) {
    if (token.kind !== 'semicolon') current.push(token);
    else if (isTrigger(current) && !endsTrigger(current)) current.push(token);
    else if (current.length > 0) {
      statements.push(current);
      current = [];
    }
  }
  if (current.length > 0) statements.push(current);
  return statements;
}

function isTrigger(tokens: readonly Token[]): boolean {
  const words = tokens.slice(0, 6).map((token) => token.text);
  while (words[0] === 'EXPLAIN' || words[0] === 'QUERY' || words[0] === 'PLAN') words.shift();
  return words[0] === 'CREATE' && (words[1] === 'TRIGGER' || ((words[1] === 'TEMP' || words[1] === 'TEMPORARY') && words[2] === 'TRIGGER'));
}

const endsTrigger = (tokens: readonly Token[]): boolean => tokens.at(-1)?.text === 'END' && tokens.at(-2)?.kind === 'semicolon';

/** The keyword that decides what the statement does: after WITH it is the main statement's. */
export function verbOf(tokens: readonly Token[]): string {
  const first = tokens[0]?.text ?? '';
  if (first !== 'WITH') return first;
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.text === '(') depth += 1;
    else if (token.text === ')') depth -= 1;
    else if (depth === 0 && token.kind === 'word' && startsMain(token.text, tokens[index + 1]?.text)) return token.text;
  }
  return first;
}

/** Whether a word after WITH begins the main statement. REPLACE may also be a name, so it counts only before INTO. */
const startsMain = (word: string, next: string | undefined): boolean =>
  READS.has(word) || (WRITES.has(word) && (word !== 'REPLACE' || next === 'INTO'));

function parameterCountOf(tokens: readonly Token[], sql: string): number {
  let count = 0;
  for (const { kind, text } of tokens) {
    if (kind === 'named') throw new AlcoveError('sql_failed', `named parameter ${text}: only ? and ?1 are offered${excerpt(sql)}`);
    if (kind !== 'parameter') continue;
    const number = text === '?' ? count + 1 : Number(text.slice(1));
    if (number < 1 || number > SQL_PARAMETERS_MAX) {
      throw new AlcoveError('sql_failed', `parameter ${number} of a statement: at most ${SQL_PARAMETERS_MAX} are offered${excerpt(sql)}`, {
        hint: 'Hand a long list over as one JSON text and read it with json_each(?).',
      });
    }
    count = Math.max(count, number);
  }
  return count;
}

function refuseWhatNoDriverOffers({ verb, tokens }: StatementShape, sql: string): void {
  const temporary = verb === 'CREATE' && (tokens[1]?.text === 'TEMP' || tokens[1]?.text === 'TEMPORARY');
  if (!temporary && !REFUSED.has(verb)) return;
  throw new AlcoveError('sql_refused', `${temporary ? 'TEMP objects' : verb} cannot be used as SQL text${excerpt(sql)}`, {
    hint: 'Use Database.transaction; TEMP and ATTACH are not offered.',
  });
}
