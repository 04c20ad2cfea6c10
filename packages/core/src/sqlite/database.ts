/**
 * The synchronous SQLite interface that every driver meets: sql.js in tabs, better-sqlite3 and @photostructure/sqlite on Node, Durable Object
 * SQL later. Its conformance suite is test/contract/database-contract.ts.
 *
 * What no driver offers, so that all can meet it: TEMP tables, ATTACH, transaction control as SQL text (BEGIN, SAVEPOINT, COMMIT), more than
 * 100 parameters a statement, BigInt, named parameters, `user_version`.
 *
 * Values: a safe integer binds as INTEGER (-0 as 0), another number as REAL, NaN as NULL. Text is stored unchanged; NUL and half a surrogate pair
 * are refused, as is everything that is no SqlValue (callers map booleans and dates). INTEGERs come back as numbers; one outside ±(2^53−1)
 * fails the read with `sql_failed` rather than being rounded. Blobs come back as fresh Uint8Arrays that stay valid. `"…"` is a name, never a string.
 */
export type SqlValue = null | number | string | Uint8Array;
export type Row = readonly SqlValue[];

export const SQL_PARAMETERS_MAX = 100;

export interface RunResult {
  /** Rows the statement itself inserted, updated or deleted; trigger and foreign-key effects do not count. */
  readonly changes: number;
}

/** A prepared statement. Stays usable until the database closes; may be used again while no iteration of it is open. */
export interface Statement {
  /** Result column names; empty where the statement returns no rows. */
  readonly columns: readonly string[];
  /** Whether it inserts, updates or deletes rows. */
  readonly writes: boolean;
  /** @throws AlcoveError `constraint_failed`, `room_full`, `sql_failed`, as do the others. */
  run(params?: Row): RunResult;
  all(params?: Row): Row[];
  get(params?: Row): Row | undefined;
  /** Rows one at a time. Nothing else may run on the database until the iteration ends or is returned. */
  iterate(params?: Row): IterableIterator<Row>;
}

export interface Database {
  readonly engine: 'sqljs' | 'better-sqlite3' | 'photostructure' | 'durable-object';
  /** One statement. Cached by its text (bounded, least recently used out first), so preparing again is cheap. */
  prepare(sql: string): Statement;
  /** One or more statements without parameters or results: DDL. */
  exec(sql: string): void;
  /**
   * Runs `fn` in a transaction, nested calls in savepoints; commits when it returns, rolls back just its own level when it throws, and throws on.
   * The outermost commit is as durable as the driver's settings say when this returns. A Promise as result is refused (`mutator_async`) and rolled back.
   */
  transaction<T>(fn: () => T): T;
  /** True while a transaction of `transaction` still stands; false if SQLite has rolled it back on its own (disk full, OR ROLLBACK). */
  readonly inTransaction: boolean;
  /** Foreign-key enforcement and actions. Only outside a transaction. Drivers start with it on, and with recursive triggers on. */
  setForeignKeys(enabled: boolean): void;
  /** Idempotent. Statements are unusable after it. */
  close(): void;
}
