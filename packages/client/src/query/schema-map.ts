import type { Database } from '@alcove/core/sqlite/database';

/** One b-tree of the database file: a table's own, or an index of it. */
export interface BTree {
  readonly table: string;
  readonly isIndex: boolean;
  /** Column names by position in the b-tree's records; null: no plain column (the rowid, an expression). */
  readonly columns: readonly (string | null)[];
  /** Columns an index orders by. */
  readonly keyColumns: readonly string[];
  /** Entries depend on more than the columns named here: a partial index, or one over expressions. */
  readonly opaque: boolean;
}

/**
 * The b-trees of a database by root page, as `EXPLAIN` names them. Root pages hold for one open database and until its schema changes; a replica's
 * schema never does.
 */
export function schemaMapOf(database: Database): ReadonlyMap<number, BTree> {
  const map = new Map<number, BTree>();
  const entries = database
    .prepare("SELECT rootpage, type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'index') AND rootpage > 0")
    .all();
  for (const [rootPage, type, name, table] of entries) {
    if (typeof rootPage !== 'number' || typeof name !== 'string' || typeof table !== 'string') continue;
    map.set(rootPage, type === 'table' ? tableTree(database, name) : indexTree(database, table, name));
  }
  return map;
}

function tableTree(database: Database, table: string): BTree {
  // A table without rowid is its primary key's index: its records begin with the key.
  const key = database.prepare("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'").get([table])?.[0];
  const inMaster = key !== undefined && database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get([key]) !== undefined;
  if (typeof key === 'string' && !inMaster) return { ...indexTree(database, table, key), isIndex: false };
  // Virtual generated columns (hidden = 2) are not stored.
  const columns = database.prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 2 ORDER BY cid').all([table]);
  return { table, isIndex: false, columns: columns.map(([name]) => String(name)), keyColumns: [], opaque: false };
}

function indexTree(database: Database, table: string, index: string): BTree {
  const parts = database.prepare('SELECT cid, name, key FROM pragma_index_xinfo(?) ORDER BY seqno').all([index]);
  const partial = database.prepare('SELECT partial FROM pragma_index_list(?) WHERE name = ?').get([table, index])?.[0] === 1;
  const columns = parts.map(([, name]) => (typeof name === 'string' ? name : null));
  const keyColumns = parts.flatMap(([, name, key]) => (key === 1 && typeof name === 'string' ? [name] : []));
  const overExpression = parts.some(([cid]) => cid === -2);
  return { table, isIndex: true, columns, keyColumns, opaque: partial || overExpression };
}
