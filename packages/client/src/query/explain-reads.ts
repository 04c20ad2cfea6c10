import { AlcoveError } from '@alcove/core/error';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { shapeOfOne } from '@alcove/core/sqlite/statement-shape';
import type { BTree } from './schema-map.ts';

/** What a query reads of one table: these columns, and which rows there are. `all`: no column can be left out. */
export type ColumnsRead = ReadonlySet<string> | 'all';

/** Operations that look at which entries a b-tree has, in which order, but at no column beyond an index's key. */
const POSITIONS = new Set(
  `Rewind Last Next Prev SeekLT SeekLE SeekGE SeekGT SeekRowid SeekHit NotExists NotFound Found NoConflict IfNoHope IdxLE IdxGT IdxLT IdxGE IdxRowid Rowid
   DeferredSeek FinishSeek NullRow IfNullRow CursorHint IfEmpty IfSizeBetween`.split(/\s+/),
);
/** Operations that look at nothing but whether entries exist. */
const COUNTS = new Set(['Count', 'Close', 'ColumnsUsed']);
const OPENS = new Set(['OpenRead', 'ReopenIdx']);
/** Read a whole record, or hand the cursor on to where it cannot be followed. */
const WHOLE_RECORDS = new Set(['RowData', 'RowCell', 'Sequence', 'Offset', 'OpenDup']);

/**
 * SQLite's own plan of a query, for `readsOf`.
 * @throws AlcoveError `query_invalid` where it is no plain read of one statement; `sql_failed` where SQLite refuses it.
 */
export function explain(database: Database, sql: string, params: Row): readonly Row[] {
  assertReads(sql);
  const plan = database.prepare(`EXPLAIN ${sql}`).all(params);
  if (plan.some(([, opcode, , p2]) => opcode === 'Transaction' && p2 !== 0))
    throw new AlcoveError('query_invalid', 'the query writes; a query may only read', { hint: 'Write through a mutator.' });
  return plan;
}

/**
 * What a query of this plan reads: tables by name, and of each the columns whose values the plan looks at. Whatever else may change in them cannot
 * change the result, since the plan computes it without looking. Holds for other parameters and plans too: all plans compute the same result.
 */
export function readsOf(plan: readonly Row[], trees: ReadonlyMap<number, BTree>): Map<string, ColumnsRead> {
  const cursors = new Map<number, BTree>();
  const reads = new Map<string, Set<string> | 'all'>();
  for (const [, opcode, p1, p2, p3] of plan) {
    if (typeof opcode !== 'string' || typeof p1 !== 'number' || typeof p2 !== 'number') continue;
    if (OPENS.has(opcode)) {
      const tree = p3 === 0 ? trees.get(p2) : undefined;
      if (tree === undefined) cursors.delete(p1);
      else {
        cursors.set(p1, tree);
        if (!reads.has(tree.table)) reads.set(tree.table, new Set());
      }
      continue;
    }
    const tree = cursors.get(p1);
    if (tree !== undefined) noteRead(reads, tree, opcode, p2);
  }
  return reads;
}

function noteRead(reads: Map<string, Set<string> | 'all'>, tree: BTree, opcode: string, position: number): void {
  const columns = reads.get(tree.table);
  if (columns === undefined || columns === 'all' || COUNTS.has(opcode)) return;
  const usesCursor = opcode === 'Column' || POSITIONS.has(opcode) || WHOLE_RECORDS.has(opcode);
  if (!usesCursor) return;
  const column = opcode === 'Column' ? tree.columns[position] : undefined;
  // The rowid among an index's columns is no column of ours; anything else without a name is not understood.
  const unknown = opcode === 'Column' && (column === undefined || (column === null && !tree.isIndex));
  if (tree.opaque || unknown || WHOLE_RECORDS.has(opcode)) {
    reads.set(tree.table, 'all');
    return;
  }
  for (const name of tree.keyColumns) columns.add(name);
  if (typeof column === 'string') columns.add(column);
}

function assertReads(sql: string): void {
  const { verb } = shapeOfOne(sql);
  if (verb === 'SELECT' || verb === 'VALUES') return;
  throw new AlcoveError('query_invalid', `a query begins with SELECT, WITH or VALUES, this is ${verb}`, {
    hint: 'Write through a mutator.',
  });
}
