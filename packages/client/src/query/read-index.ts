import type { ChangeSet, RowChange, TableChanges } from '@alcove/core/change/change-set';
import { sameRow } from '@alcove/core/change/row-key';
import type { TableShape } from '@alcove/core/change/table-shape';
import type { Row, SqlValue } from '@alcove/core/sqlite/database';
import type { ColumnsRead } from './explain-reads.ts';
import { type Constant, mayMeet, type RowFilter } from './row-filter.ts';

/** What one query reads of one table. */
export interface TableReads {
  readonly table: string;
  readonly columns: ColumnsRead;
  /** A row that meets none of them does not matter; empty: every row does. */
  readonly filters: readonly RowFilter[];
}

interface Reader<Query> {
  readonly query: Query;
  /** Positions of the columns read; null: all. */
  readonly columns: readonly number[] | null;
  readonly filters: readonly RowFilter[];
}

/** Readers of one table: by a value that a column must have, where each of their filters asks for one; else in `anyRow`. */
class TableReaders<Query> {
  readonly anyRow = new Set<Reader<Query>>();
  readonly byColumn = new Map<number, Map<Constant, Set<Reader<Query>>>>();

  add(reader: Reader<Query>): void {
    const values = valuesOf(reader.filters);
    if (values === null) this.anyRow.add(reader);
    else for (const { column, value } of values) this.#at(column, value).add(reader);
  }

  remove(reader: Reader<Query>): void {
    this.anyRow.delete(reader);
    for (const { column, value } of valuesOf(reader.filters) ?? []) {
      const byValue = this.byColumn.get(column);
      const readers = byValue?.get(value);
      readers?.delete(reader);
      if (readers?.size === 0) byValue?.delete(value);
      if (byValue?.size === 0) this.byColumn.delete(column);
    }
  }

  #at(column: number, value: Constant): Set<Reader<Query>> {
    const byValue = this.byColumn.get(column) ?? new Map<Constant, Set<Reader<Query>>>();
    this.byColumn.set(column, byValue);
    const readers = byValue.get(value) ?? new Set<Reader<Query>>();
    byValue.set(value, readers);
    return readers;
  }
}

/** Where to find the reader: per filter the first column that must have one of some values. Null: some filter has none. */
function valuesOf(filters: readonly RowFilter[]): { column: number; value: Constant }[] | null {
  if (filters.length === 0) return null;
  const values: { column: number; value: Constant }[] = [];
  for (const { conditions } of filters) {
    const keyed = conditions.find(({ condition }) => condition.kind === 'in');
    if (keyed?.condition.kind !== 'in') return null;
    for (const value of keyed.condition.values) values.push({ column: keyed.column, value });
  }
  return values;
}

/** From here on testing every changed row against every query that has no key costs more than running the queries: they all count as touched. */
const TESTS_MAX = 100_000;

/**
 * Finds the queries that a change set can touch, in time by what it touches: rows lead to the queries that asked for their values. Finds too many rather
 * than too few; never too few.
 */
export class ReadIndex<Query> {
  readonly #shapes: ReadonlyMap<string, TableShape>;
  readonly #tables = new Map<string, TableReaders<Query>>();
  readonly #readersOf = new Map<Query, { readonly table: string; readonly reader: Reader<Query> }[]>();

  constructor(shapes: readonly TableShape[]) {
    this.#shapes = new Map(shapes.map((shape) => [shape.name, shape]));
  }

  /** Replaces what was known of the query. Tables outside of the model never change and are left out. */
  set(query: Query, reads: readonly TableReads[]): void {
    this.delete(query);
    const own: { table: string; reader: Reader<Query> }[] = [];
    for (const { table, columns, filters } of reads) {
      const shape = this.#shapes.get(table);
      if (shape === undefined) continue;
      const reader: Reader<Query> = { query, columns: columns === 'all' ? null : positionsOf(shape, columns), filters };
      const readers = this.#tables.get(table) ?? new TableReaders<Query>();
      this.#tables.set(table, readers);
      readers.add(reader);
      own.push({ table, reader });
    }
    this.#readersOf.set(query, own);
  }

  delete(query: Query): void {
    for (const { table, reader } of this.#readersOf.get(query) ?? []) this.#tables.get(table)?.remove(reader);
    this.#readersOf.delete(query);
  }

  touchedBy(changes: ChangeSet): Set<Query> {
    const touched = new Set<Query>();
    for (const table of changes.tables) {
      const readers = this.#tables.get(table.table);
      if (readers !== undefined) this.#addTouched(touched, readers, table);
    }
    return touched;
  }

  #addTouched(touched: Set<Query>, readers: TableReaders<Query>, { rows }: TableChanges): void {
    const testAll = rows.length * readers.anyRow.size <= TESTS_MAX;
    const left = new Set(readers.anyRow);
    for (const change of rows) {
      const changed = changedColumns(change);
      const test = (reader: Reader<Query>): boolean => touches(reader, change, changed);
      for (const reader of left) {
        if (!touched.has(reader.query) && testAll && !test(reader)) continue;
        touched.add(reader.query);
        left.delete(reader);
      }
      for (const [column, byValue] of readers.byColumn) {
        for (const cell of cellsAt(change, column)) {
          for (const reader of byValue.get(cell) ?? []) if (!touched.has(reader.query) && test(reader)) touched.add(reader.query);
        }
      }
    }
  }
}

/** Null: a column read is no part of rows in change sets (a generated one); then every change counts. */
function positionsOf(shape: TableShape, columns: ReadonlySet<string>): readonly number[] | null {
  const positions = [...columns].map((name) => shape.columns.indexOf(name));
  return positions.includes(-1) ? null : positions;
}

/** Which columns an update changed, by position; null where the row came or went. */
function changedColumns({ before, after }: RowChange): readonly boolean[] | null {
  return before === null || after === null ? null : before.map((cell, index) => !sameCell(cell, after[index]));
}

const sameCell = (a: SqlValue, b: SqlValue | undefined): boolean =>
  a === b || (a instanceof Uint8Array && b instanceof Uint8Array && sameRow([a], [b]));

function touches<Query>({ columns, filters }: Reader<Query>, { before, after }: RowChange, changed: readonly boolean[] | null): boolean {
  if (changed !== null && columns !== null && !columns.some((column) => changed[column] === true)) return false;
  return filters.length === 0 || filters.some((filter) => meets(filter, before) || meets(filter, after));
}

function meets({ conditions }: RowFilter, row: Row | null): boolean {
  return row !== null && conditions.every(({ column, condition }) => mayMeet(condition, row[column] ?? null));
}

/** The values of a column before and after that a constant can equal. */
function cellsAt({ before, after }: RowChange, column: number): Constant[] {
  const old = before?.[column];
  const now = after?.[column];
  const cells: (SqlValue | undefined)[] = old === now ? [old] : [old, now];
  return cells.filter((cell) => typeof cell === 'string' || typeof cell === 'number');
}
