import type { ChangeSet } from './change-set.ts';

/** The changes that undo `changeSet`: applying one after the other changes nothing. */
export function invertChangeSet(changeSet: ChangeSet): ChangeSet {
  return {
    tables: changeSet.tables.map((table) => ({
      ...table,
      rows: table.rows.map(({ before, after }) => ({ before: after, after: before })),
    })),
  };
}
