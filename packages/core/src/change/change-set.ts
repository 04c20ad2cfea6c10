import type { Row } from '../sqlite/database.ts';

/**
 * What happened to one row between two states: inserted (before null), deleted (after null) or updated (both, with equal keys). A key that changed
 * is two row changes: the old key deleted, the new one inserted. Rows hold a value for every column of their table, in `columns` order.
 */
export interface RowChange {
  readonly before: Row | null;
  readonly after: Row | null;
}

export interface TableChanges {
  readonly table: string;
  /** Column names, in the order of the rows' values. */
  readonly columns: readonly string[];
  /** Positions in `columns` of the primary key's columns, in key order. */
  readonly key: readonly number[];
  /** At most one entry a key. */
  readonly rows: readonly RowChange[];
}

/** All changes between two states of a room, at most one entry a table, tables in the order of the room's model. */
export interface ChangeSet {
  readonly tables: readonly TableChanges[];
}

export const EMPTY_CHANGE_SET: ChangeSet = { tables: [] };
