import type { Row } from './database.ts';
import type { SqliteFailure } from './sqlite-error.ts';
import type { StatementShape } from './statement-shape.ts';

/**
 * The little an engine itself must offer; EngineDatabase makes a Database of it, so that transactions, limits, refusals and the statement
 * cache are one code for all engines. Everything thrown here is the engine's own and goes through `failureOf`.
 */
export interface EngineConnection {
  readonly engine: 'sqljs' | 'better-sqlite3' | 'photostructure' | 'durable-object';
  /** One statement, already checked to be one. */
  compile(sql: string, shape: StatementShape): EngineStatement;
  /** Several statements without parameters; rows are dropped; stops at the first that fails. */
  execute(sql: string, shapes: readonly StatementShape[]): void;
  /** Whether a transaction stands. Asked only after an error, so it may cost something. */
  isInTransaction(): boolean;
  failureOf(error: unknown): SqliteFailure;
  close(): void;
}

/** Parameters come checked: as many as the statement wants, of the right types, text storable. */
export interface EngineStatement {
  columnNames(): readonly string[];
  /** Runs to the end, rows dropped; what SQLite's changes() says after it. */
  run(params: Row): number;
  /** Runs to the end. @throws whatever `failureOf` reads, also where an INTEGER does not fit a number. */
  all(params: Row): Row[];
  /** The first row of a statement that only reads; the rest may be left. */
  first(params: Row): Row | undefined;
  iterate(params: Row): IterableIterator<Row>;
  /** Frees what it holds; never used again. */
  release(): void;
}
