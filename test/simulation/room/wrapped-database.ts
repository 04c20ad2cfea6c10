import type { Database, Row, RunResult, Statement } from '@alcove/core/sqlite/database';

/** A database that passes everything on; subclasses change what they want to break. */
export class WrappedDatabase implements Database {
  protected readonly inner: Database;

  constructor(inner: Database) {
    this.inner = inner;
  }

  get wrapped(): Database {
    return this.inner;
  }

  get engine(): Database['engine'] {
    return this.inner.engine;
  }

  get inTransaction(): boolean {
    return this.inner.inTransaction;
  }

  prepare(sql: string): Statement {
    return this.inner.prepare(sql);
  }

  exec(sql: string): void {
    this.inner.exec(sql);
  }

  transaction<T>(fn: () => T): T {
    return this.inner.transaction(fn);
  }

  setForeignKeys(enabled: boolean): void {
    this.inner.setForeignKeys(enabled);
  }

  close(): void {
    this.inner.close();
  }
}

/** The database behind all wrappings. */
export const innermost = (database: Database): Database => (database instanceof WrappedDatabase ? innermost(database.wrapped) : database);

/** A statement of which `run` and the reads can be replaced one by one. */
export interface StatementChanges {
  run?(params: Row): RunResult;
  get?(params: Row): Row | undefined;
  all?(params: Row): Row[];
}

export const changedStatement = (inner: Statement, changes: StatementChanges): Statement => ({
  get columns() {
    return inner.columns;
  },
  get writes() {
    return inner.writes;
  },
  run: (params = []) => (changes.run ?? ((given) => inner.run(given)))(params),
  get: (params = []) => (changes.get ?? ((given) => inner.get(given)))(params),
  all: (params = []) => (changes.all ?? ((given) => inner.all(given)))(params),
  iterate: (params = []) => inner.iterate(params),
});
