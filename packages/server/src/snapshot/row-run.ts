import type { ChangeSet } from '@alcove/core/change/change-set';
import { keyOf, keyText } from '@alcove/core/change/row-key';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import type { TableShape } from '@alcove/core/change/table-shape';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { ReaderClass, TableFilter } from '../access/reader-class.ts';
import type { Readers } from '../access/readers.ts';
import { filteredSelect, readRulesOf } from '../access/row-rules.ts';
import { overRows } from '../access/rule-failure.ts';

export interface RowChunk {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export interface ChunkBounds {
  readonly snapshotChunkRowsMax: number;
  readonly snapshotChunkBytesMax: number;
}

/** Whose snapshot it is. */
export interface RunSight {
  readonly readers: Pick<Readers, 'rowsFor'>;
  readonly readerClass: ReaderClass;
}

/** Rows as they were at the snapshot's version, of keys touched since; null: there was none. */
type Overlay = Map<string, Row | null>;

/**
 * Reads all replicated rows that a class of readers sees exactly as they are when it is made, in chunks, while the room goes on committing in between.
 *
 * ```
 * new RowRun → ( next → chunk · observe(change set of a commit) )* → next → null
 * ```
 *
 * Rows are read in key order as they are now. A commit that touches a key which was not read yet leaves the key's before-image in an overlay; reading
 * then passes the key over, and when the table ends the overlay's rows are given instead. Keys behind the reading position were given as they were.
 */
export class RowRun {
  readonly #database: Database;
  readonly #model: RoomModel;
  readonly #shapes: readonly TableShape[];
  readonly #bounds: ChunkBounds;
  readonly #sight: RunSight;
  readonly #counts: readonly number[];
  #overlays: Overlay[];
  #table = 0;
  /** Key read last in the table that is being read; null: none yet. */
  #after: Row | null = null;
  /** The table's own rows are all read; the overlay's come next. */
  #atOverlay = false;
  #given = 0;
  #overlayRows = 0;

  /**
   * @param sight What of the rows is given.
   * @param counts Of another run over the same rows.
   * @throws AlcoveError `rule_failed`, in words for the operator, where the class's rules fail over a row; so do the others
   */
  constructor(database: Database, model: RoomModel, bounds: ChunkBounds, sight: RunSight, counts?: readonly number[]) {
    this.#database = database;
    this.#model = model;
    this.#shapes = replicatedShapes(model);
    this.#bounds = bounds;
    this.#sight = sight;
    this.#overlays = this.#shapes.map(() => new Map());
    this.#counts = counts ?? this.#shapes.map(({ name }) => countRows(database, name, sight.readerClass.filters.get(name)));
  }

  /** Rows of each table that will be given. */
  get tables(): { table: string; rows: number }[] {
    return this.#shapes.map(({ name }, index) => ({ table: name, rows: this.#counts[index] ?? 0 }));
  }

  /** Rows given so far. */
  get given(): number {
    return this.#given;
  }

  /** Before-images held; bounded by whoever drives it. */
  get overlayRows(): number {
    return this.#overlayRows;
  }

  /** A run of its own that goes on from here, for a reader that is slower than the others. */
  fork(): RowRun {
    const run = new RowRun(this.#database, this.#model, this.#bounds, this.#sight, this.#counts);
    run.#overlays = this.#overlays.map((overlay) => new Map(overlay));
    run.#table = this.#table;
    run.#after = this.#after;
    run.#atOverlay = this.#atOverlay;
    run.#given = this.#given;
    run.#overlayRows = this.#overlayRows;
    return run;
  }

  /** Must be told of every commit after the run was made, in order, before `next` is called again. */
  observe(changeSet: ChangeSet): void {
    for (const { table, key, rows } of changeSet.tables) {
      const index = this.#shapes.findIndex(({ name }) => name === table);
      const overlay = this.#overlays[index];
      if (overlay === undefined || index < this.#table) continue;
      for (const { before, after } of rows) {
        const row = before ?? after;
        if (row === null) continue;
        const text = keyText(row, key);
        if (overlay.has(text) || (index === this.#table && this.#wasRead(keyOf(row, key)))) continue;
        overlay.set(text, before);
        this.#overlayRows += 1;
      }
    }
  }

  /** The next rows; null: that was all. A chunk is never empty. */
  next(): RowChunk | null {
    for (let shape = this.#shapes[this.#table]; shape !== undefined; shape = this.#shapes[this.#table]) {
      const rows = this.#atOverlay ? this.#overlayChunk() : asking(this.#filterOf(shape), () => this.#tableChunk(shape));
      if (rows.length > 0) {
        this.#given += rows.length;
        return { table: shape.name, columns: shape.columns, rows };
      }
    }
    return null;
  }

  #tableChunk(shape: TableShape): Row[] {
    const overlay = this.#overlays[this.#table];
    const rows: Row[] = [];
    let bytes = 0;
    let read = 0;
    for (const row of this.#select(shape)) {
      read += 1;
      this.#after = keyOf(row, shape.key);
      if (overlay?.has(keyText(row, shape.key)) !== true) {
        rows.push(row);
        bytes += rowBytes(row);
      }
      if (bytes >= this.#bounds.snapshotChunkBytesMax) return rows;
    }
    if (read < this.#bounds.snapshotChunkRowsMax) this.#atOverlay = true;
    return rows;
  }

  #select(shape: TableShape): IterableIterator<Row> {
    const key = shape.key.map((position) => quoteIdentifier(shape.columns[position] ?? '')).join(', ');
    const after = this.#after;
    const filtered = filteredSelect(shape.columns, this.#filterOf(shape));
    const conditions = [filtered.where ?? [], after === null ? [] : `(${key}) > (${after.map(() => '?').join(', ')})`].flat();
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    const sql = `SELECT ${filtered.cells.join(', ')} FROM ${quoteIdentifier(shape.name)}${where} ORDER BY ${key} LIMIT ?`;
    const params = [...filtered.cellParams, ...filtered.whereParams, ...(after ?? []), this.#bounds.snapshotChunkRowsMax];
    return this.#database.prepare(sql).iterate(params);
  }

  #filterOf({ name }: TableShape): TableFilter | undefined {
    return this.#sight.readerClass.filters.get(name);
  }

  /** Takes from the overlay until it is empty, then goes on to the next table. */
  #overlayChunk(): Row[] {
    const overlay = this.#overlays[this.#table] ?? new Map<string, Row | null>();
    const rows: Row[] = [];
    let bytes = 0;
    for (const [text, row] of overlay) {
      if (rows.length >= this.#bounds.snapshotChunkRowsMax || bytes >= this.#bounds.snapshotChunkBytesMax) return rows;
      overlay.delete(text);
      this.#overlayRows -= 1;
      const [seen] = row === null ? [] : this.#sight.readers.rowsFor(this.#shapes[this.#table]?.name ?? '', [row], this.#sight.readerClass);
      if (seen === undefined) continue;
      rows.push(seen);
      bytes += rowBytes(seen);
    }
    this.#table += 1;
    this.#after = null;
    this.#atOverlay = false;
    return rows;
  }

  /** Whether reading has passed this key, in the order of the table's own index. */
  #wasRead(key: Row): boolean {
    if (this.#atOverlay) return true;
    if (this.#after === null) return false;
    const shape = this.#shapes[this.#table];
    const typed = shape?.key.map((position) => `? COLLATE ${shape.types[position]?.collation ?? 'BINARY'}`).join(', ');
    const sql = `SELECT (${typed}) <= (${key.map(() => '?').join(', ')})`;
    return this.#database.prepare(sql).get([...key, ...this.#after])?.[0] === 1;
  }
}

const countRows = (database: Database, table: string, filter: TableFilter | undefined): number => {
  const { where, whereParams } = filteredSelect([], filter);
  const sql = `SELECT count(*) FROM ${quoteIdentifier(table)}${where === null ? '' : ` WHERE ${where}`}`;
  return asking(filter, () => Number(database.prepare(sql).get([...whereParams])?.[0] ?? 0));
};

const asking = <Answer>(filter: TableFilter | undefined, ask: () => Answer): Answer =>
  filter === undefined ? ask() : overRows(readRulesOf(filter), ask);

const rowBytes = (row: Row): number => {
  let bytes = 0;
  for (const cell of row) bytes += 8 + (typeof cell === 'string' || cell instanceof Uint8Array ? cell.length : 0);
  return bytes;
};
