import { AlcoveError } from '@alcove/core/error';
import { tokenize } from '@alcove/core/sqlite/tokenize';
import { isStorableText } from '@alcove/core/sqlite/identifier';
import type { RuleValue } from '../access/rule-sql.ts';

/** The text with its `?` replaced by values, in order: as if they were bound. @throws AlcoveError `rule_failed` for text that SQLite cannot hold. */
export function withLiterals(sql: string, params: readonly RuleValue[]): string {
  const places = tokenize(sql).filter(({ kind }) => kind === 'parameter');
  let text = '';
  let end = 0;
  for (const [index, place] of places.entries()) {
    text += sql.slice(end, place.start) + literal(params[index] ?? null);
    end = place.end;
  }
  return text + sql.slice(end);
}

function literal(value: RuleValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') {
    if (isStorableText(value)) return `'${value.replaceAll("'", "''")}'`;
    throw new AlcoveError('rule_failed', 'a rule compares with text that holds NUL or half a character');
  }
  if (Number.isSafeInteger(value)) return value < 0 ? `(${value})` : Object.is(value, -0) ? '0' : String(value);
  if (!Number.isFinite(value)) return value > 0 ? '9e999' : '(-9e999)';
  // With a point or an exponent, so that it stays a REAL.
  const text = String(value);
  const real = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 ? `(${real})` : real;
}
