import type { Row } from './database.ts';
import { StatementCache } from './statement-cache.ts';
import { splitStatements, verbOf } from './statement-shape.ts';
import { VALUES_TABLE } from './system-tables.ts';
import { tablesRead } from './tables-read.ts';
import { type Token, tokenize } from './tokenize.ts';

/** Texts of an app's mutators; each is looked at once while it is in use. */
const GUARDED_TEXTS_MAX = 512;

const ALLOWED_VERBS = new Set(['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']);
const RANDOM = new Set(['random', 'randomblob']);
const CURRENT = new Set(['CURRENT_TIMESTAMP', 'CURRENT_DATE', 'CURRENT_TIME']);
/** Functions of time, and which argument is the first time: without it they take the machine's clock. */
const TIME_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ['date', 0],
  ['time', 0],
  ['datetime', 0],
  ['julianday', 0],
  ['unixepoch', 0],
  ['strftime', 1],
  ['timediff', 0],
]);
/** Arguments that stand for the machine's clock or its time zone. */
const MACHINE_TIMES = new Set(['now', 'subsec', 'subsecond', 'localtime', 'utc']);

/** Between why something is refused and what a mutator uses instead. */
const INSTEAD = '; use ';

interface Verdict {
  readonly refused: string | null;
  /** A bound value may then be 'now'. */
  readonly usesTime: boolean;
}

const verdicts = new StatementCache<Verdict>(GUARDED_TEXTS_MAX, () => undefined);

/**
 * Why a mutator may not run `sql`, or null. Refused is what would make the run in the tab and the run in the room differ (random numbers, the
 * machine's clock and time zone, tables of the engine), what is the room's own business (transactions, schema, PRAGMA, other files, tables named `alcove_…`,
 * of which only `alcove_values` may be read: tabs have no others) and OR ROLLBACK, which would erase the mutations before this one. Strings, comments and quoted names are told from SQL. With `params` bound values
 * are looked at too. A text that SQLite cannot read passes: SQLite says it better.
 */
export function refusedIn(sql: string, params: Row = []): string | null {
  let verdict = verdicts.get(sql);
  if (verdict === undefined) {
    verdict = verdictOn(sql);
    verdicts.set(sql, verdict);
  }
  if (verdict.refused !== null || !verdict.usesTime) return verdict.refused;
  const machineTime = params.find((value) => typeof value === 'string' && MACHINE_TIMES.has(value.toLowerCase()));
  return machineTime === undefined ? null : `the time '${String(machineTime)}' is the machine's own${INSTEAD}ctx.now`;
}

/** As refusedIn, for SQL that is not a mutator's: without what a mutator would use instead. */
export const whyRefused = (sql: string, params: Row = []): string | null => refusedIn(sql, params)?.split(INSTEAD, 1)[0] ?? null;

function verdictOn(sql: string): Verdict {
  const statements = splitStatements(tokenize(sql));
  if (statements.length > 1) return { refused: `${statements.length} statements in one text`, usesTime: false };
  const [tokens] = statements;
  if (tokens === undefined) return { refused: 'no statement', usesTime: false };
  const verb = verbOf(tokens);
  if (!ALLOWED_VERBS.has(verb)) return { refused: `${verb} is not for mutators`, usesTime: false };
  const refused = ownTable(tokens) ?? ownTableRead(tokens) ?? firstRefused(tokens);
  return { refused, usesTime: tokens.some((token, index) => TIME_FUNCTIONS.has(calledName(tokens, index, token) ?? '')) };
}

function firstRefused(tokens: readonly Token[]): string | null {
  for (const [index, token] of tokens.entries()) {
    const reason = refusedAt(tokens, index, token);
    if (reason !== null) return reason;
  }
  return null;
}

function refusedAt(tokens: readonly Token[], index: number, token: Token): string | null {
  const previous = tokens[index - 1]?.text;
  const next = tokens[index + 1]?.text;
  if (token.kind === 'word' && CURRENT.has(token.text) && previous !== '.' && next !== '.')
    return `${token.text} is the machine's own time${INSTEAD}ctx.now`;
  if (token.text === 'ROLLBACK' && previous === 'OR' && ['INSERT', 'UPDATE'].includes(tokens[index - 2]?.text ?? '')) {
    return `OR ROLLBACK would undo the mutations before this one${INSTEAD}OR ABORT`;
  }
  const name = calledName(tokens, index, token);
  if (name === undefined) return null;
  if (RANDOM.has(name)) return `${name}() differs on each run${INSTEAD}ctx.random or ctx.id`;
  const firstTime = TIME_FUNCTIONS.get(name);
  return firstTime === undefined ? null : refusedTime(name, argumentsAt(tokens, index + 1), firstTime);
}

/** The lower-case name of the function called at `index`; not of a table or a CTE whose columns are listed the same way. */
function calledName(tokens: readonly Token[], index: number, token: Token): string | undefined {
  if ((token.kind !== 'word' && token.kind !== 'name') || tokens[index + 1]?.text !== '(') return undefined;
  if (tokens[index - 1]?.text === 'INTO') return undefined;
  return bareName(token).toLowerCase();
}

function refusedTime(name: string, args: readonly (readonly Token[])[], firstTime: number): string | null {
  if (args.length <= firstTime) return `${name}() without a time is the machine's own time${INSTEAD}ctx.now`;
  for (const token of args.flat()) {
    const text = token.kind === 'string' ? token.text.slice(1, -1).toLowerCase() : '';
    if (MACHINE_TIMES.has(text)) return `${name}('${text}') is the machine's own time${INSTEAD}ctx.now`;
  }
  return null;
}

/** The tokens of each argument of the call whose parenthesis opens at `open`. */
function argumentsAt(tokens: readonly Token[], open: number): Token[][] {
  const args: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(open)) {
    if (token.text === ')') depth -= 1;
    if (depth === 0 && token.text === ')') break;
    if (depth === 1 && token.text === ',') args.push([]);
    else if (depth > 0) args.at(-1)?.push(token);
    if (token.text === '(') depth += 1;
  }
  return args.length === 1 && args[0]?.length === 0 ? [] : args;
}

/** Refuses writes to tables of the room itself. */
function ownTable(tokens: readonly Token[]): string | null {
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'word' || !startsTarget(tokens, index, token.text)) continue;
    const target = tokens[index + 2]?.text === '.' ? tokens[index + 3] : tokens[index + 1];
    const name = target === undefined ? '' : bareName(target);
    if (/^(?:alcove|sqlite)_/i.test(name)) return `${name} is the room's own table`;
  }
  return null;
}

/** Refuses reads of tables that a tab does not have, or not with the same rows: the two runs would differ. */
function ownTableRead(tokens: readonly Token[]): string | null {
  for (const token of tablesRead(tokens)) {
    const name = bareName(token).toLowerCase();
    if (name === VALUES_TABLE) continue;
    if (name.startsWith('alcove_')) return `${name} is the room's own table, which tabs do not have`;
    if (/^(?:sqlite|pragma)_/.test(name) || name === 'dbstat') return `${name} differs between the tab and the room`;
  }
  return null;
}

/** Whether the word at `index` is followed by the table that is written to. */
function startsTarget(tokens: readonly Token[], index: number, word: string): boolean {
  const previous = tokens[index - 1]?.text;
  if (word === 'INTO') return true;
  if (word === 'FROM') return previous === 'DELETE';
  if (word === 'UPDATE') return tokens[index + 1]?.text !== 'OR' && previous !== 'DO';
  return previous === 'OR' && tokens[index - 2]?.text === 'UPDATE';
}

/** A name without its quotes; where a table's name stands SQLite takes a string for one too. */
function bareName({ kind, text }: Token): string {
  if (kind !== 'name' && kind !== 'string') return text;
  const quote = text.charAt(0);
  const inner = text.slice(1, -1);
  return quote === '[' ? inner : inner.replaceAll(quote + quote, quote);
}
