import { type ExtractTablesWithRelations, fillPlaceholders, is, type Query, SQL } from 'drizzle-orm';
import {
  BaseSQLiteDatabase,
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteExecuteMethod,
  SQLitePreparedQuery,
  SQLiteSession,
  SQLiteSyncDialect,
  type SQLiteTable,
  SQLiteTransaction,
} from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { kindOf } from '../unknown-keys.ts';
import { checkParameters } from './bind-values.ts';
import type { Database, Row, SqlValue } from './database.ts';
import { type JoinsNotNullable, rowMapper, rowObject, toSqlValues } from './drizzle-rows.ts';
import { shapeOfOne, shapesOf, type StatementShape } from './statement-shape.ts';
import { WatchedDialect } from './watched-dialect.ts';

type NoSchema = Record<string, never>;
type NoTables = ExtractTablesWithRelations<NoSchema>;

/** A synchronous Drizzle database, the same on every engine. */
export type SyncDrizzle = BaseSQLiteDatabase<'sync', { changes: number }, NoSchema>;

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

/** How a session's statements meet a database: `run` for effects, `all` for rows, `first` for one. */
interface Executor {
  run(sql: string, params: Row): number;
  all(sql: string, params: Row): Row[];
  first(sql: string, params: Row): Row | undefined;
  columns(sql: string): readonly string[];
  transaction<T>(fn: () => T): T;
}

const dialect = new SQLiteSyncDialect();

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

/** A Drizzle database that only builds queries, for queryOf; running one is refused with `query_invalid`. */
export function sessionlessDrizzle(): SyncDrizzle {
  return buildingDrizzle;
}

/** A query as it travels: the rows come back as arrays and are mapped where it was built. */
export interface BuiltQuery<T> {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** The builder's typed rows; for sql`…` objects by column name, so it needs the result's `columns`. */
  map(rows: readonly Row[], columns: readonly string[]): T[];
}

/**
 * A condition as SQL text, with its values as the columns encode them.
 * @throws AlcoveError `query_invalid` for anything else.
 */
export function conditionText(condition: unknown): { readonly sql: string; readonly params: readonly unknown[] } {
  if (!is(condition, SQL)) throw new AlcoveError('query_invalid', `it is ${kindOf(condition)}`);
  const { sql, params } = dialect.sqlToQuery(condition);
  return { sql, params };
}

/** The row type of a builder of sessionlessDrizzle or of sql<Row>`…`. */
export type RowOf<Q> = Q extends { readonly _: { readonly result: readonly (infer R)[] } }
  ? R
  : Q extends SQL<infer R>
    ? unknown extends R
      ? Record<string, SqlValue>
      : R
    : never;

/**
 * Takes a select built with sessionlessDrizzle, or sql`…`, apart.
 * @throws AlcoveError `query_invalid` for a promise, for anything that is no query, for a statement that does not only read, for more than one
 * statement and for values that cannot be bound.
 */
export function queryOf<Q>(query: Q): BuiltQuery<RowOf<Q>> {
  const { sql, params, map } = takenApart(query);
  try {
    const shape = shapeOfQuery(sql);
    if (!READING_VERBS.has(shape.verb))
      throw invalid(
        `a query only reads, but this one starts with ${shape.verb}`,
        sql,
        'Ask by SELECT, WITH or VALUES; write through a mutator.',
      );
    const values = toSqlValues(params, sql);
    checkParameters(values, shape.parameterCount, sql);
    return { sql, params: values, map: map as BuiltQuery<RowOf<Q>>['map'] }; // RowOf reads the same builder
  } catch (error) {
    if (error instanceof AlcoveError && error.code !== 'query_invalid')
      throw new AlcoveError('query_invalid', error.message, { hint: error.hint, cause: error });
    throw error;
  }
}

/** As shapeOfOne, in words for queries. */
function shapeOfQuery(sql: string): StatementShape {
  const shapes = shapesOf(sql);
  const [shape] = shapes;
  if (shape === undefined) return shapeOfOne(sql); // which says so
  if (shapes.length > 1)
    throw invalid(`${shapes.length} statements where a query is one`, sql, 'Ask for one at a time, or join them with UNION ALL.');
  return shape;
}

const READING_VERBS = new Set(['SELECT', 'VALUES', 'EXPLAIN']);

interface TakenApart {
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly map: BuiltQuery<unknown>['map'];
}

function takenApart(query: unknown): TakenApart {
  if (is(query, SQL)) {
    const { sql, params } = dialect.sqlToQuery(query);
    return { sql, params, map: (rows, columns) => rows.map((row) => rowObject(columns, row)) };
  }
  if (query instanceof Promise) {
    // It would run the builder it holds, and be refused a second time where nobody listens.
    query.catch(() => undefined);
    throw invalid('the query was built asynchronously');
  }
  if (typeof query !== 'object' || query === null || !('prepare' in query) || typeof query.prepare !== 'function') {
    throw invalid(`no query was returned, but ${query === null ? 'null' : `a value of type ${typeof query}`}`);
  }
  const prepared: unknown = query.prepare();
  if (!(prepared instanceof PreparedQuery)) throw invalid('the query was built with another Drizzle database than the one handed in');
  const { sql, params } = prepared.getQuery();
  return { sql, params, map: (rows, columns) => prepared.mapRows(rows, columns) };
}

const invalid = (message: string, sql?: string, hint?: string): AlcoveError =>
  new AlcoveError(
    'query_invalid',
    sql === undefined ? message : `${message} (in: ${sql.slice(0, 200)})`,
    hint === undefined ? {} : { hint },
  );

/** Tells its dialect of every write that is begun. */
class WritingDatabase extends BaseSQLiteDatabase<'sync', { changes: number }, NoSchema> {
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

class Session extends SQLiteSession<'sync', { changes: number }, NoSchema, NoTables> {
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

class PreparedQuery extends SQLitePreparedQuery<SyncConfig> {
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

const refuseToRun = (): never => {
  throw invalid('this Drizzle database builds queries and runs none');
};

const buildingDrizzle: SyncDrizzle = new BaseSQLiteDatabase(
  'sync',
  dialect,
  new Session(
    { run: refuseToRun, all: refuseToRun, first: refuseToRun, columns: refuseToRun, transaction: refuseToRun },
    new WatchedDialect(),
  ),
  undefined,
);
