import type { RowPuts } from '@alcove/core/change/apply';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { keyText, sameRow } from '@alcove/core/change/row-key';
import type { Row } from '@alcove/core/sqlite/database';

/** By table and key: the row that stands afterwards, null for none. */
type Final = Map<string, Map<string, Row | null>>;

/**
 * Whether commits leave exactly the rows behind that mutations left behind when they ran here: the same keys in the same tables, each with the same row. Then
 * applying the commits to the state below the mutations makes the state above them.
 */
export function putsEqualEffects(puts: readonly RowPuts[], effects: readonly ChangeSet[]): boolean {
  const wanted = finalOfPuts(puts);
  const made = finalOfEffects(effects);
  if (wanted.size !== made.size) return false;
  for (const [table, rows] of wanted) {
    const own = made.get(table);
    if (own === undefined || own.size !== rows.size) return false;
    for (const [key, row] of rows) {
      const standing = own.get(key);
      if (standing === undefined || !isSameOutcome(standing, row)) return false;
    }
  }
  return true;
}

const isSameOutcome = (a: Row | null, b: Row | null): boolean => (a === null || b === null ? a === b : sameRow(a, b));

function rowsOf(final: Final, table: string): Map<string, Row | null> {
  const known = final.get(table);
  if (known !== undefined) return known;
  const rows = new Map<string, Row | null>();
  final.set(table, rows);
  return rows;
}

function finalOfPuts(puts: readonly RowPuts[]): Final {
  const final: Final = new Map();
  for (const { table, key, puts: rows, deletes } of puts) {
    const own = rowsOf(final, table);
    const wholeKey = key.map((_, index) => index);
    for (const deleted of deletes) own.set(keyText(deleted, wholeKey), null);
    for (const row of rows) own.set(keyText(row, key), row);
  }
  return final;
}

function finalOfEffects(effects: readonly ChangeSet[]): Final {
  const final: Final = new Map();
  for (const { tables } of effects) {
    for (const { table, key, rows } of tables) {
      const own = rowsOf(final, table);
      for (const { before, after } of rows) own.set(keyText(after ?? before ?? [], key), after);
    }
  }
  return final;
}
