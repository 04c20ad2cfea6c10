import { AlcoveError } from '../error.ts';
import type { Database, Row } from './database.ts';
import { type Executor, Session, type SyncDrizzle, WritingDatabase } from './drizzle.ts';
import { WatchedDialect } from './watched-dialect.ts';

/** What a statement did: rows it changed, rows it returned. */
export interface StatementResult {
  readonly changes: number;
  readonly rows: number;
}

export interface StatementHooks {
  /** Before each statement, with what goes to SQLite; what it throws stops the statement. */
  beforeStatement?(sql: string, params: Row): void;
  /** After each statement that did not fail. */
  afterStatement?(result: StatementResult): void;
}

/**
 * A Drizzle database over `database`, for use inside one of its transactions: a statement outside one is refused (`mutator_async`), which is
 * what a builder that was awaited instead of run would become. `tx.transaction` nests as Database.transaction does. SQL errors come as
 * AlcoveErrors. Blob columns give Uint8Arrays on every engine.
 */
export function mutatorTx(database: Database, hooks: StatementHooks = {}): SyncDrizzle {
  const watched = new WatchedDialect();
  return new WritingDatabase('sync', watched, new Session(new DatabaseExecutor(database, hooks), watched), undefined);
}

/**
 * A `tx` is done with: refuses a write that was built with it and never run, which would do nothing without a word.
 * @throws AlcoveError `mutator_async`: a statement of `whose`.
 */
export function refuseUnrunWrites(tx: SyncDrizzle, whose: string): void {
  const unrun = tx instanceof WritingDatabase ? tx.watched.unrun() : null;
  if (unrun === null) return;
  const { verb, table } = unrun;
  throw new AlcoveError('mutator_async', `${whose} built a statement (${verb}, table ${table}) and did not run it: add .run()`, {
    hint: 'End every builder with .run(), .all() or .get().',
  });
}

/** Writes by hand, inside an open transaction; gives what `write` returned. @throws AlcoveError `mutator_async`, as above; whatever `write` throws. */
export function writeWithTx<Value>(database: Database, whose: string, write: (tx: SyncDrizzle) => Value): Value {
  const tx = mutatorTx(database);
  const returned = write(tx);
  refuseUnrunWrites(tx, whose);
  return returned;
}

class DatabaseExecutor implements Executor {
  readonly #database: Database;
  readonly #hooks: StatementHooks;

  constructor(database: Database, hooks: StatementHooks) {
    this.#database = database;
    this.#hooks = hooks;
  }

  run(sql: string, params: Row): number {
    this.#before(sql, params);
    const { changes } = this.#database.prepare(sql).run(params);
    this.#hooks.afterStatement?.({ changes, rows: 0 });
    return changes;
  }

  all(sql: string, params: Row): Row[] {
    this.#before(sql, params);
    const statement = this.#database.prepare(sql);
    const rows = statement.all(params);
    this.#hooks.afterStatement?.({ changes: statement.writes ? rows.length : 0, rows: rows.length });
    return rows;
  }

  first(sql: string, params: Row): Row | undefined {
    this.#before(sql, params);
    const statement = this.#database.prepare(sql);
    // A writing statement changes more rows than the first one it returns.
    const rows = statement.writes ? statement.all(params) : [];
    const row = statement.writes ? rows[0] : statement.get(params);
    this.#hooks.afterStatement?.({ changes: rows.length, rows: row === undefined ? 0 : 1 });
    return row;
  }

  columns(sql: string): readonly string[] {
    return this.#database.prepare(sql).columns;
  }

  transaction<T>(fn: () => T): T {
    this.#refuseOutside();
    return this.#database.transaction(fn);
  }

  #before(sql: string, params: Row): void {
    this.#refuseOutside();
    this.#hooks.beforeStatement?.(sql, params);
  }

  #refuseOutside(): void {
    if (this.#database.inTransaction) return;
    // Where SQLite has rolled the transaction back, this says so with its own code.
    this.#database.prepare('SELECT 1').get();
    throw new AlcoveError('mutator_async', 'a statement was run after its transaction had ended', {
      hint: 'Mutators are synchronous: end builders with .run(), .all() or .get() and await nothing.',
    });
  }
}
