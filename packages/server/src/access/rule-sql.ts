import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { RowCondition } from '@alcove/core/schema/row-rules';
import { SQL_PARAMETERS_MAX } from '@alcove/core/sqlite/database';
import { conditionText } from '@alcove/core/sqlite/built-query';
import { whyRefused } from '@alcove/core/sqlite/sql-guard';
import type { Token } from '@alcove/core/sqlite/tokenize';
import { tokenize } from '@alcove/core/sqlite/tokenize';

/** What goes into SQLite beside a rule's text; finite and plain, so that it crosses to other processes as JSON. */
export type RuleValue = null | number | string;

/** A rule's answer for one user: the same for all rows, or what SQLite decides by each row's own columns. */
export type RuleSql = boolean | { readonly sql: string; readonly params: readonly RuleValue[] };

/** Whoever was not authenticated. */
const NOBODY: Claims = Object.freeze({});

/**
 * Asks a rule for one user.
 * @param what Names the rule in errors, which are for the operator: `visibleTo of table notes`.
 * @throws AlcoveError `rule_failed` where the rule throws or gives no answer, or one that looks at more than the row: other tables, the clock, chance.
 */
export function askRule(what: string, claims: Claims | null, rule: (claims: Claims) => RowCondition): RuleSql {
  let condition: RowCondition;
  try {
    condition = rule(claims ?? NOBODY);
  } catch (cause) {
    throw new AlcoveError('rule_failed', `${what} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (typeof condition === 'boolean') return condition;
  if (condition === undefined)
    throw new AlcoveError('rule_failed', `${what} gave no condition`, { hint: 'Return a condition, true or false.' });
  return checked(what, textOf(what, condition));
}

function textOf(what: string, condition: RowCondition): { readonly sql: string; readonly params: readonly unknown[] } {
  try {
    return conditionText(condition);
  } catch (cause) {
    throw new AlcoveError('rule_failed', `${what} gave no Drizzle condition: ${AlcoveError.from(cause).message}`, { cause });
  }
}

/** A list of a claim's, which `isOneOf` binds as one value. Of all statements inside a condition this one reads no table. */
const LIST_OF_A_CLAIM = /\(SELECT value FROM json_each\(\?\)\)/g;
/** What would read other rows, and names of a row's place, which is another one in each database. */
const REFUSED_WORDS = new Set(['SELECT', 'WITH', 'VALUES', 'EXISTS', 'ROWID', 'OID', '_ROWID_']);

function checked(what: string, { sql, params }: { readonly sql: string; readonly params: readonly unknown[] }): RuleSql {
  const values = params.map((value) => ruleValue(what, value));
  if (values.length > SQL_PARAMETERS_MAX / 2) {
    throw new AlcoveError('rule_failed', `${what} binds ${values.length} values; ${SQL_PARAMETERS_MAX / 2} at most`, {
      hint: 'Use isOneOf(column, list) for lists: it binds one.',
    });
  }
  const tokens = tokenize(sql.replaceAll(LIST_OF_A_CLAIM, '()'));
  const refused = tokens.find(
    ({ kind, text }, index) =>
      kind === 'semicolon' ||
      kind === 'named' ||
      (kind === 'word' && (REFUSED_WORDS.has(text) || (text === 'IN' && tokens[index + 1]?.text !== '('))), // IN takes a table's name, too
  );
  const reason = reasonAgainst(sql, values, tokens, refused);
  if (reason !== null) {
    throw new AlcoveError('rule_failed', `${what} may look at the row and the claims alone, and ${reason}`, {
      hint: 'A rule looks at the row and the claims alone, not at other tables, the clock or chance: put what it needs into a claim, or into a column that a mutator keeps.',
    });
  }
  return { sql, params: values };
}

function reasonAgainst(sql: string, values: readonly RuleValue[], tokens: readonly Token[], refused: Token | undefined): string | null {
  if (refused !== undefined) return `it holds ${refused.text}`;
  return isWhole(tokens) ? whyRefused(`SELECT (${sql})`, values) : 'its parentheses do not match';
}

/** Whether it stays one expression between the parentheses it is put into. */
function isWhole(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const { kind, text } of tokens) {
    if (kind === 'operator' && text === '(') depth += 1;
    if (kind === 'operator' && text === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/**
 * What is missing in the claims is NULL, which is equal to nothing. Infinity (JSON's 1e999) is refused: values are told apart, and handed to other processes, as
 * JSON, where it is null.
 */
function ruleValue(what: string, value: unknown): RuleValue {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const bound = typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
  throw new AlcoveError('rule_failed', `${what} binds ${bound}; text, finite numbers, booleans and null can be`);
}
