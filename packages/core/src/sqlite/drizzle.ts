import { type ExtractTablesWithRelations, fillPlaceholders, type Query, type SQL } from 'drizzle-orm';
import {
  BaseSQLiteDatabase,
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteExecuteMethod,
  SQLitePreparedQuery,
  SQLiteSession,
  type SQLiteTable,
  SQLiteTransaction,
} from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import type { Row, SqlValue } from './database.ts';
import { type JoinsNotNullable, rowMapper, rowObject, rowShape, toSqlValues } from './drizzle-rows.ts';
import { NamingDialect } from './naming-dialect.ts';
import type { WatchedDialect } from './watched-dialect.ts';

type NoSchema = Record<string, never>;
type NoTables = ExtractTablesWithRelations<NoSchema>;

/** A synchronous Drizzle database, the same on every engine. */
export type SyncDrizzle = BaseSQLiteDatabase<'sync', { changes: number }, NoSchema>;

/** How a session's statements meet a database: `run` for effects, `all` for rows, `first` for one. */
export interface Executor {
  run(sql: string, params: Row): number;
  all(sql: string, params: Row): Row[];
  first(sql: string, params: Row): Row | undefined;
  columns(sql: string): readonly string[];
  transaction<T>(fn: () => T): T;
}

/** Turns what builders made into text; knows of no database. */
export const dialect = new NamingDialect();

/** Tells its dialect of every write that is begun. */
export class WritingDatabase extends BaseSQLiteDatabase<'sync', { changes: number }, NoSchema> {
  readonly watched: WatchedDialect;

  constructor(kind: 'sync', watched: WatchedDialect, session: Session, schema: undefined) {
    super(kind, watched, session, schema);
    this.watched = watched;
  }

  override insert<Table extends SQLiteTable>(table: Table) {
    this.watched.begin('insert', table);
    return super.insert(table);
  }

  override update<Table extends SQLiteTable>(table: Table) {
    this.watched.begin('update', table);
    return super.update(table);
  }

  override delete<Table extends SQLiteTable>(table: Table) {
    this.watched.begin('delete', table);
    return super.delete(table);
  }
}

export class Session extends SQLiteSession<'sync', { changes: number }, NoSchema, NoTables> {
  readonly #executor: Executor;
  readonly #watched: WatchedDialect;

  constructor(executor: Executor, watched: WatchedDialect) {
    super(watched);
    this.#executor = executor;
    this.#watched = watched;
  }

  override prepareQuery(query: Query, fields: SelectedFieldsOrdered | undefined, method: SQLiteExecuteMethod): PreparedQuery {
    return new PreparedQuery(this.#executor, query, fields, method);
  }

  /** Drizzle's own wraps what SQLite said in an error of its kind, which would hide the code. */
  override run(query: SQL): { changes: number } {
    return this.prepareQuery(dialect.sqlToQuery(query), undefined, 'run').run();
  }

  override count(): Promise<number> {
    throw new AlcoveError('mutator_async', '$count is asynchronous; select({ n: count() }) is not');
  }

  override transaction<T>(fn: (tx: NestedTransaction) => T): T {
    return this.#executor.transaction(() => fn(new NestedTransaction('sync', this.#watched, this, undefined)));
  }
}

/** As WritingDatabase, from which it cannot be derived. */
class NestedTransaction extends SQLiteTransaction<'sync', { changes: number }, NoSchema, NoTables> {
  readonly #watched: WatchedDialect;

  constructor(kind: 'sync', watched: WatchedDialect, session: Session, schema: undefined) {
    super(kind, watched, session, schema);
    this.#watched = watched;
  }

  override insert<Table extends SQLiteTable>(table: Table) {
    this.#watched.begin('insert', table);
    return super.insert(table);
  }

  override update<Table extends SQLiteTable>(table: Table) {
    this.#watched.begin('update', table);
    return super.update(table);
  }

  override delete<Table extends SQLiteTable>(table: Table) {
    this.#watched.begin('delete', table);
    return super.delete(table);
  }
}

interface SyncConfig extends PreparedQueryConfig {
  type: 'sync';
  run: { changes: number };
}

export class PreparedQuery extends SQLitePreparedQuery<SyncConfig> {
  /** Set by Drizzle's select after it was made. */
  joinsNotNullableMap: JoinsNotNullable;
  readonly #executor: Executor;
  readonly #fields: SelectedFieldsOrdered | undefined;
  #mapRow: ((row: Row) => unknown) | undefined;

  constructor(executor: Executor, query: Query, fields: SelectedFieldsOrdered | undefined, method: SQLiteExecuteMethod) {
    super('sync', method, query);
    this.#executor = executor;
    this.#fields = fields;
  }

  override run(values?: Record<string, unknown>): { changes: number } {
    return { changes: this.#executor.run(this.query.sql, this.#params(values)) };
  }

  override all(values?: Record<string, unknown>): unknown[] {
    return this.mapRows(this.values(values), this.#columns());
  }

  override get(values?: Record<string, unknown>): unknown {
    const row = this.#executor.first(this.query.sql, this.#params(values));
    return row === undefined ? undefined : this.mapRows([row], this.#columns())[0];
  }

  override values(values?: Record<string, unknown>): Row[] {
    return this.#executor.all(this.query.sql, this.#params(values));
  }

  /** As rowShape; empty where the result names its columns itself. */
  get shape(): string {
    return this.#fields === undefined ? '' : rowShape(this.#fields);
  }

  mapRows(rows: readonly Row[], columns: readonly string[]): unknown[] {
    this.#mapRow ??= this.#fields === undefined ? undefined : rowMapper(this.#fields, this.joinsNotNullableMap);
    return rows.map(this.#mapRow ?? ((row) => rowObject(columns, row)));
  }

  /** Names are needed only where no builder says what the columns are. */
  #columns(): readonly string[] {
    return this.#fields === undefined ? this.#executor.columns(this.query.sql) : [];
  }

  #params(values: Record<string, unknown> = {}): SqlValue[] {
    try {
      return toSqlValues(fillPlaceholders(this.query.params, values), this.query.sql);
    } catch (error) {
      throw AlcoveError.from(error, 'sql_failed');
    }
  }
}
