import { AlcoveError } from '@alcove/core/error';

/**
 * Runs what asks a rule of rows. A rule that SQLite gives up over (malformed JSON, a number too large) fails for whoever it was asked for, and for nobody else; a
 * database that cannot be read is another matter.
 * @param what Names the rule, for the operator: `mayInsert of table notes`.
 * @throws AlcoveError `rule_failed`, without SQLite's words, which may quote the row: `bad JSON path: '…'`.
 */
export function overRows<Answer>(what: string, ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof AlcoveError) || error.code !== 'sql_failed') throw error;
    throw failsOverRow(what);
  }
}

export const failsOverRow = (what: string): AlcoveError =>
  new AlcoveError('rule_failed', `${what} fails over a row that stands there; SQLite’s words may quote the row, and are left out`, {
    hint: 'Have the rule hold over any row: json_valid(column) AND …',
  });
