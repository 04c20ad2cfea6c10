import type { Database, Row } from '@alcove/core/sqlite/database';
import { CAPTURE_TABLE_PREFIX } from '@alcove/core/sqlite/system-tables';

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

/** What an index's column is that is an expression. */
const EXPRESSION = -2;

const CAPTURE = `substr(m.tbl_name, 1, ${CAPTURE_TABLE_PREFIX.length}) = '${CAPTURE_TABLE_PREFIX}'`;
const INDEX_COLUMNS = 'm.rootpage, m.tbl_name, x.cid, x.name, x.key, l.partial';

/**
 * The columns of every b-tree's records, one a row, in order: `key` is null of a table's own, and `partial` set of an index alone. One statement, since a tab that is
 * opened waits for it. A table without rowid is its primary key's index, which has no entry of its own; virtual generated columns (hidden = 2) are not stored.
 */
export const B_TREES = `
SELECT ${INDEX_COLUMNS}, x.seqno AS position
  FROM sqlite_schema m JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name JOIN pragma_index_xinfo(m.name) x
  WHERE m.type = 'index' AND m.rootpage > 0 AND NOT (${CAPTURE})
UNION ALL
SELECT m.rootpage, m.tbl_name, x.cid, x.name, x.key, NULL, x.seqno
  FROM sqlite_schema m JOIN pragma_index_list(m.tbl_name) l ON l.origin = 'pk' JOIN pragma_index_xinfo(l.name) x
  WHERE m.type = 'table' AND m.rootpage > 0 AND NOT (${CAPTURE}) AND NOT EXISTS (SELECT 1 FROM sqlite_schema i WHERE i.name = l.name)
UNION ALL
SELECT m.rootpage, m.tbl_name, x.cid, x.name, NULL, NULL, x.cid
  FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) x
  WHERE m.type = 'table' AND m.rootpage > 0 AND NOT (${CAPTURE}) AND x.hidden <> 2
    AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.tbl_name) l WHERE l.origin = 'pk' AND NOT EXISTS (SELECT 1 FROM sqlite_schema i WHERE i.name = l.name))
ORDER BY 1, 7`;

/**
 * The b-trees of a database by root page, as `EXPLAIN` names them, capture's aside. Root pages hold for one open database and until its schema changes; a replica's
 * schema never does.
 */
export function schemaMapOf(database: Database): ReadonlyMap<number, BTree> {
  const parts = new Map<number, Row[]>();
  for (const part of database.prepare(B_TREES).all()) {
    const rootPage = Number(part[0]);
    const known = parts.get(rootPage);
    if (known === undefined) parts.set(rootPage, [part]);
    else known.push(part);
  }
  return new Map([...parts].map(([rootPage, rows]) => [rootPage, treeOf(rows)]));
}

function treeOf(parts: readonly Row[]): BTree {
  const partial = parts[0]?.[5] ?? null;
  return {
    table: String(parts[0]?.[1]),
    isIndex: partial !== null,
    columns: parts.map(([, , , name]) => (typeof name === 'string' ? name : null)),
    keyColumns: parts.flatMap(([, , , name, key]) => (key === 1 && typeof name === 'string' ? [name] : [])),
    opaque: partial === 1 || parts.some(([, , cid]) => cid === EXPRESSION),
  };
}
