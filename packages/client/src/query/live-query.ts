import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row, Statement } from '@alcove/core/sqlite/database';
import { diffRows } from './diff-rows.ts';
import { explain, readsOf } from './explain-reads.ts';
import { queryFilters } from './query-filters.ts';
import type { TableReads } from './read-index.ts';
import type { RowsUpdate } from './rows-patch.ts';
import type { BTree } from './schema-map.ts';

/** The replica a query runs on. */
export interface QueryTarget {
  readonly database: Database;
  readonly model: RoomModel;
  /** Made when it is first asked for. */
  trees(): ReadonlyMap<number, BTree>;
}

/** What a run brought. `update` null: the rows are as they were. */
export interface RunOutcome {
  readonly update: RowsUpdate | null;
  readonly error: ErrorBody | null;
}

/** One SQL text with its parameters, its rows, and who wants them. */
export class LiveQuery {
  readonly sql: string;
  readonly params: Row;
  /** Updates each watcher got. */
  readonly watchers = new Map<string, number>();
  columns: readonly string[] = [];
  /** Null: it never ran to its end. */
  rows: readonly Row[] | null = null;
  error: ErrorBody | null = null;
  #statement: Statement | null = null;
  #plan: readonly Row[] = [];

  constructor(sql: string, params: Row) {
    this.sql = sql;
    this.params = params;
  }

  /** Prepares it for a replica, once. @throws AlcoveError `query_invalid`, `sql_failed`. */
  prepare({ database }: QueryTarget): void {
    this.#statement = null;
    this.#plan = explain(database, this.sql, this.params);
    this.#statement = database.prepare(this.sql);
  }

  /** What it reads of the replicated tables, as far as it can be proved, the whole table otherwise; once it is prepared. */
  reads({ model, trees }: QueryTarget): readonly TableReads[] {
    const columns = readsOf(this.#plan, trees());
    this.#plan = [];
    const filters = queryFilters(model, this.sql, this.params);
    return replicatedShapes(model).flatMap(({ name }) => {
      const read = columns.get(name);
      return read === undefined ? [] : [{ table: name, columns: read, filters: filters.get(name) ?? [] }];
    });
  }

  get isPrepared(): boolean {
    return this.#statement !== null;
  }

  /** Forgets the replica, not the rows. */
  detach(): void {
    this.#statement = null;
  }

  /** Runs it and says what changed since the last run that succeeded. Never throws: an error is an outcome, and earlier rows stay. */
  run(rowsMax: number): RunOutcome {
    try {
      const statement = this.#statement;
      if (statement === null) throw new AlcoveError('internal', 'a query ran before it was prepared');
      const next = allRows(statement, this.params, rowsMax);
      const update = this.#updateTo(next, statement.columns);
      this.rows = next;
      this.error = null;
      return { update, error: null };
    } catch (error) {
      return this.fail(error);
    }
  }

  fail(error: unknown): RunOutcome {
    this.error = AlcoveError.from(error).toBody();
    return { update: null, error: this.error };
  }

  #updateTo(next: readonly Row[], columns: readonly string[]): RowsUpdate | null {
    if (this.rows === null || !sameColumns(this.columns, columns)) {
      this.columns = columns;
      return { kind: 'whole', columns, rows: next };
    }
    const parts = diffRows(this.rows, next);
    return parts === null ? null : { kind: 'patch', parts };
  }
}

/** Equal SQL and parameters share one live query. Types count: 1 and '1' are two. */
export function queryKey(sql: string, params: Row): string {
  return JSON.stringify([
    sql,
    params.map((param) =>
      param instanceof Uint8Array ? { blob: [...param] } : typeof param === 'number' ? [param, String(param)] : param,
    ),
  ]);
}

/** @throws AlcoveError `result_too_large` past `rowsMax`, before more are held. */
export function allRows(statement: Statement, params: Row, rowsMax: number): Row[] {
  const rows: Row[] = [];
  for (const row of statement.iterate(params)) {
    if (rows.length >= rowsMax) throw new AlcoveError('result_too_large', `the query has more than ${rowsMax} rows`);
    rows.push(row);
  }
  return rows;
}

const sameColumns = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);
