import { AlcoveError, assert } from '../error.ts';
import { CachedStatement, type StatementPort } from './cached-statement.ts';
import type { Database, Row, Statement } from './database.ts';
import type { EngineConnection, EngineStatement } from './engine.ts';
import { sqliteError } from './sqlite-error.ts';
import { StatementCache } from './statement-cache.ts';
import { excerpt, mayChangeSchema, type StatementShape, shapeOfOne, shapesOf } from './statement-shape.ts';

/** Enough for the statements of an app; a prepared one holds some KB in the wasm heap. */
export const STATEMENT_CACHE_MAX = 256;

const NO_PARAMETERS: Row = [];

/** A few nesting levels of SAVEPOINT, ROLLBACK TO and RELEASE. */
const CONTROL_CACHE_MAX = 32;

export interface EngineDatabaseOptions {
  /** How a transaction begins: a writer takes its lock at once, so that it never fails half-way for being late. */
  readonly begin: 'BEGIN' | 'BEGIN IMMEDIATE';
  readonly statementCacheMax?: number;
}

/**
 * A Database over an engine's connection. What SQLite rolls back on its own (disk full, OR ROLLBACK) leaves no transaction behind: until the
 * outermost `transaction` has unwound, every call then fails with the error that caused it, so that nothing is written outside a transaction.
 */
export class EngineDatabase implements Database {
  readonly #connection: EngineConnection;
  readonly #begin: string;
  readonly #cache: StatementCache<CachedStatement>;
  /** Transaction control, one statement a text and nesting level. */
  readonly #control = new StatementCache<EngineStatement>(CONTROL_CACHE_MAX, (statement) => statement.release());
  #depth = 0;
  #lost: AlcoveError | undefined;
  #iterating: (() => void) | undefined;
  #closed = false;
  #schemaChanged = false;

  constructor(connection: EngineConnection, options: EngineDatabaseOptions) {
    this.#connection = connection;
    this.#begin = options.begin;
    this.#cache = new StatementCache(options.statementCacheMax ?? STATEMENT_CACHE_MAX, (statement) => statement.release());
  }

  get engine(): Database['engine'] {
    return this.#connection.engine;
  }

  get inTransaction(): boolean {
    return this.#depth > 0 && this.#lost === undefined;
  }

  /** How many compiled statements are held; never above the bound. */
  get cachedStatements(): number {
    return this.#cache.size;
  }

  prepare(sql: string): Statement {
    this.#refuseClosed();
    const cached = this.#cache.get(sql);
    if (cached !== undefined) return cached;
    const shape = shapeOfOne(sql);
    const port: StatementPort = {
      compile: () => this.#compile(sql, shape, statement),
      guard: (run) => this.#guard(run, sql, shape),
      describe: (ask) => this.#describe(ask, sql),
      iterate: (start) => this.#iterate(start, sql, shape),
    };
    const statement = new CachedStatement(sql, shape, port);
    statement.compiled();
    return statement;
  }

  exec(sql: string): void {
    this.#refuseClosed();
    const shapes = shapesOf(sql);
    const withParameters = shapes.find((shape) => shape.parameterCount > 0);
    if (withParameters !== undefined) throw new AlcoveError('sql_failed', `exec takes no parameters${excerpt(sql)}`);
    try {
      this.#guard(() => this.#connection.execute(sql, shapes), sql);
    } finally {
      // Statements before a failing one may have taken effect.
      if (shapes.some(mayChangeSchema)) this.#forgetStatements();
    }
  }

  transaction<T>(fn: () => T): T {
    const level = this.#depth;
    this.#runControl(level === 0 ? this.#begin : `SAVEPOINT alcove_${level}`);
    this.#depth += 1;
    try {
      const result = fn();
      refusePromise(result);
      this.#commit(level);
      return result;
    } catch (error) {
      this.#rollback(level);
      throw error;
    } finally {
      this.#depth = level;
      if (level === 0) {
        this.#lost = undefined;
        this.#schemaChanged = false;
      }
    }
  }

  setForeignKeys(enabled: boolean): void {
    const sql = `PRAGMA foreign_keys = ${enabled ? 'ON' : 'OFF'}`;
    this.outsideTransaction(() => this.#connection.execute(sql, []), sql);
  }

  close(): void {
    if (this.#closed) return;
    this.#iterating?.();
    this.#cache.clear();
    this.#control.clear();
    this.#closed = true;
    this.#connection.close();
  }

  /** For what an engine offers beyond Database and cannot do inside a transaction or an iteration. */
  protected outsideTransaction<T>(run: () => T, what: string): T {
    assert(this.#depth === 0, `${what} inside a transaction`);
    return this.#guard(run, what);
  }

  #commit(level: number): void {
    this.#iterating?.();
    this.#runControl(level === 0 ? 'COMMIT' : `RELEASE alcove_${level}`);
  }

  #rollback(level: number): void {
    this.#iterating?.();
    if (this.#lost === undefined) {
      if (level === 0) {
        this.#runControl('ROLLBACK');
      } else {
        this.#runControl(`ROLLBACK TO alcove_${level}`);
        this.#runControl(`RELEASE alcove_${level}`);
      }
    }
    if (this.#schemaChanged) this.#forgetStatements();
  }

  #runControl(sql: string): void {
    this.#guard(() => {
      let statement = this.#control.get(sql);
      if (statement === undefined) {
        statement = this.#connection.compile(sql, { verb: 'BEGIN', tokens: [], parameterCount: 0 });
        this.#control.set(sql, statement);
      }
      statement.run(NO_PARAMETERS);
    }, sql);
  }

  #compile(sql: string, shape: StatementShape, statement: CachedStatement): EngineStatement {
    // Without what stands after its last token: engines differ in what they let stand there.
    const text = sql.slice(0, shape.tokens.at(-1)?.end);
    const compiled = this.#guard(() => this.#connection.compile(text, shape), sql);
    this.#cache.set(sql, statement);
    return compiled;
  }

  /** Compiled statements still run after DDL, but some report the columns of before. */
  #forgetStatements(): void {
    this.#schemaChanged = this.#depth > 0;
    this.#cache.clear();
  }

  #guard<T>(run: () => T, sql: string, shape?: StatementShape): T {
    this.#refuseClosed();
    if (this.#lost !== undefined)
      throw new AlcoveError(this.#lost.code, `SQLite has rolled the transaction back: ${this.#lost.message}`, { cause: this.#lost });
    if (this.#iterating !== undefined) throw new AlcoveError('sql_failed', `an iteration is still open; end it first${excerpt(sql)}`);
    try {
      return run();
    } catch (error) {
      throw this.#failed(error, sql);
    } finally {
      if (shape !== undefined && mayChangeSchema(shape)) this.#forgetStatements();
    }
  }

  #describe<T>(ask: () => T, sql: string): T {
    this.#refuseClosed();
    try {
      return ask();
    } catch (error) {
      throw this.#failed(error, sql);
    }
  }

  #failed(error: unknown, sql: string): AlcoveError {
    const failure = error instanceof AlcoveError ? error : sqliteError(this.#connection.failureOf(error), excerpt(sql));
    if (this.inTransaction && !this.#connection.isInTransaction()) this.#lost = failure;
    return failure;
  }

  *#iterate(start: () => IterableIterator<Row>, sql: string, shape: StatementShape): IterableIterator<Row> {
    const rows = this.#guard(start, sql, shape);
    let open = true;
    const end = (): void => {
      open = false;
      this.#iterating = undefined;
      rows.return?.();
    };
    this.#iterating = end;
    try {
      for (;;) {
        const next = this.#step(rows, sql);
        if (next.done === true) return;
        yield next.value;
        // Closed from outside: the database or the transaction it belonged to has ended.
        if (!open) return;
      }
    } finally {
      if (open) end();
    }
  }

  #step(rows: IterableIterator<Row>, sql: string): IteratorResult<Row> {
    try {
      return rows.next();
    } catch (error) {
      throw this.#failed(error, sql);
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new AlcoveError('closed', 'the database was closed');
  }
}

function refusePromise(result: unknown): void {
  if (typeof result !== 'object' || result === null || !('then' in result) || typeof result.then !== 'function') return;
  // Its rejection would otherwise be nobody's. A Drizzle builder is thenable too, but running it is not ours to do.
  if (result instanceof Promise) result.catch(() => undefined);
  throw new AlcoveError('mutator_async', 'a transaction returned a promise or an unrun query; it was rolled back', {
    hint: 'Do everything synchronously; end builders with .run(), .all() or .get().',
  });
}
