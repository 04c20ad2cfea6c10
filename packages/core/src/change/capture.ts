import { AlcoveError } from '../error.ts';
import type { RoomModel } from '../schema/room-model.ts';
import type { Database, Row, Statement } from '../sqlite/database.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { CAPTURE_STATE_TABLE } from '../sqlite/system-tables.ts';
import { captureTable, countSql, HAS_ROW, TABLES_A_STATEMENT, takeSql } from './capture-ddl.ts';
import { type ChangeSet, EMPTY_CHANGE_SET, type RowChange, type TableChanges } from './change-set.ts';
import { keyText, sameRow } from './row-key.ts';
import { changeSetBytes } from './size.ts';
import { replicatedShapes, type TableShape } from './table-shape.ts';

/**
 * What one take may hold, by changeSetBytes. It becomes one message, whose JSON is at most six times as long: every client takes that, where a longer
 * one would end each session that meets it.
 */
export const CHANGE_SET_BYTES_MAX = 10_000_000;

interface TableStatements {
  readonly take: Statement;
  readonly clear: Statement;
}

/**
 * Reads what triggers have caught of every write to a replicated table, by whatever statement, cascade or conflict clause.
 *
 *   installCapture → new Capture → start → writes … → take → writes … → take → stop
 *
 * All its state is rows: rolling a savepoint back takes what was captured in it back too, and a `start` or `take` in it. Between `stop` and `start`
 * nothing is captured (apply, loading a snapshot). One Capture a database.
 */
export class Capture {
  readonly #database: Database;
  readonly #shapes: readonly TableShape[];
  readonly #counts: readonly Statement[];
  readonly #setActive: Statement;
  /** Prepared at first use: most tables of a room are seldom written. */
  readonly #statements: (TableStatements | undefined)[] = [];
  /** Tables with captured rows, as the last count found them. */
  #counted: readonly number[] = [];

  constructor(database: Database, model: RoomModel) {
    this.#database = database;
    this.#shapes = replicatedShapes(model);
    this.#counts = countSql(this.#shapes.length).map((sql) => database.prepare(sql));
    this.#setActive = database.prepare(`UPDATE ${quoteIdentifier(CAPTURE_STATE_TABLE)} SET active = ?1 WHERE active <> ?1`);
  }

  /** From now on writes are captured. What was captured before and not taken is still there. */
  start(): void {
    this.#setActive.run([1]);
  }

  stop(): void {
    this.#setActive.run([0]);
  }

  /**
   * The changes since the last take: per key the row at the first touch and the row now; keys that are as they were are left out. First
   * the rows that were there, then new ones, each in the order of their keys. Forgets them. To be called inside the transaction of the writes.
   * @throws AlcoveError `sql_failed` where a row holds an INTEGER outside ±(2^53−1) or text that no driver reads, `mutator_limit` above
   * CHANGE_SET_BYTES_MAX; nothing is forgotten then.
   */
  take(): ChangeSet {
    this.rowCount();
    return this.takeCounted();
  }

  /** As `take`, straight after `rowCount`, with nothing written or rolled back between the two: it does not look again which tables were touched. */
  takeCounted(): ChangeSet {
    const touched = this.#counted;
    if (touched.length === 0) return EMPTY_CHANGE_SET;
    this.#counted = [];
    const tables: TableChanges[] = [];
    for (const index of touched) {
      const shape = this.#shapes[index];
      if (shape === undefined) continue;
      const rows = pairRows(this.#statementsOf(index, shape).take.all(), shape);
      if (rows.length > 0) tables.push({ table: shape.name, columns: shape.columns, key: shape.key, rows });
    }
    const changeSet = { tables };
    refuseOversize(changeSet);
    for (const index of touched) this.#statements[index]?.clear.run();
    return changeSet;
  }

  /** How many keys were touched since the last take: an upper bound of the changes it would give. Counts rows, so its cost grows with them, slowly. */
  rowCount(): number {
    let rows = 0;
    const touched: number[] = [];
    for (const [part, statement] of this.#counts.entries()) {
      const [count, flags] = statement.get() ?? [];
      rows += Number(count ?? 0);
      let left = Number(flags ?? 0);
      for (let index = part * TABLES_A_STATEMENT; left > 0; index += 1) {
        if (left % 2 === 1) touched.push(index);
        left = Math.floor(left / 2);
      }
    }
    this.#counted = touched;
    return rows;
  }

  #statementsOf(index: number, shape: TableShape): TableStatements {
    const known = this.#statements[index];
    if (known !== undefined) return known;
    const made = {
      take: this.#database.prepare(takeSql(shape, index)),
      clear: this.#database.prepare(`DELETE FROM ${captureTable(index)}`),
    };
    this.#statements[index] = made;
    return made;
  }
}

/** @throws AlcoveError `mutator_limit` above CHANGE_SET_BYTES_MAX. */
export function refuseOversize(changeSet: ChangeSet): void {
  const bytes = changeSetBytes(changeSet);
  if (bytes <= CHANGE_SET_BYTES_MAX) return;
  throw new AlcoveError(
    'mutator_limit',
    `the changes hold ${bytes} bytes, rows before and after counted; at most ${CHANGE_SET_BYTES_MAX} go into one commit`,
    {
      hint: 'Write less at a time: fewer rows or smaller ones.',
      limit: 'changeSetBytesMax',
    },
  );
}

/** `taken`: what takeSql gives. */
function pairRows(taken: readonly Row[], { key }: TableShape): RowChange[] {
  const now = new Map<string, Row>();
  const before: Row[] = [];
  for (const cells of taken) {
    const row = cells.slice(1);
    if (cells[0] === HAS_ROW) now.set(keyText(row, key), row);
    else before.push(row);
  }
  const changes: RowChange[] = [];
  for (const row of before) {
    const text = keyText(row, key);
    const after = now.get(text) ?? null;
    now.delete(text);
    if (after === null || !sameRow(row, after)) changes.push({ before: row, after });
  }
  for (const after of now.values()) changes.push({ before: null, after });
  return changes;
}
