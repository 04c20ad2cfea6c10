import { assert } from '../error.ts';
import type { RoomModel } from '../schema/room-model.ts';
import type { ChangeSet, RowChange, TableChanges } from './change-set.ts';
import { changesSomething, keyText } from './row-key.ts';
import { sameNames } from './table-shape.ts';

/**
 * One change set that does what `changeSets` do one after the other: per key the first row before and the last row after; keys that end as they
 * began are left out. All must be of one schema: a change of schema between them cannot be merged away. Linear in their rows.
 */
export function mergeChangeSets(model: RoomModel, changeSets: readonly ChangeSet[]): ChangeSet {
  const [only] = changeSets;
  if (changeSets.length === 1 && only !== undefined) return only;
  const merged = new Map<string, { readonly table: TableChanges; readonly rows: Map<string, RowChange> }>();
  for (const changeSet of changeSets) {
    for (const table of changeSet.tables) {
      const known = merged.get(table.table);
      assert(
        known === undefined || sameNames(known.table.columns, table.columns),
        `change sets of two schemas merged: table ${table.table}`,
      );
      const entry = known ?? { table, rows: new Map<string, RowChange>() };
      if (known === undefined) merged.set(table.table, entry);
      for (const change of table.rows) addChange(entry.rows, change, table.key);
    }
  }
  const tables = model.tables.flatMap(({ name }): TableChanges[] => {
    const entry = merged.get(name);
    const rows = entry === undefined ? [] : [...entry.rows.values()].filter(changesSomething);
    return entry === undefined || rows.length === 0 ? [] : [{ ...entry.table, rows }];
  });
  return { tables };
}

/** No-ops stay in the map until the end: their first row before may be needed yet. */
function addChange(rows: Map<string, RowChange>, change: RowChange, key: readonly number[]): void {
  const row = change.after ?? change.before;
  if (row === null) return;
  const text = keyText(row, key);
  const first = rows.get(text);
  rows.set(text, first === undefined ? change : { before: first.before, after: change.after });
}
