import { is, SQL } from 'drizzle-orm';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { kindOf } from '../unknown-keys.ts';
import { checkParameters } from './bind-values.ts';
import type { Row, SqlValue } from './database.ts';
import { dialect, PreparedQuery, Session, type SyncDrizzle } from './drizzle.ts';
import { rowObject, toSqlValues } from './drizzle-rows.ts';
import { shapeOfOne, shapesOf, type StatementShape } from './statement-shape.ts';
import { WatchedDialect } from './watched-dialect.ts';

/** A Drizzle database that only builds queries, for queryOf; running one is refused with `query_invalid`. */
export function sessionlessDrizzle(): SyncDrizzle {
  return buildingDrizzle;
}

/** A query as it travels: the rows come back as arrays and are mapped where it was built. */
export interface BuiltQuery<T> {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Queries of equal SQL and equal shape map rows alike; empty for sql`…`. */
  readonly shape: string;
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
  const { sql, params, shape: rowsShape, map } = takenApart(query);
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
    return { sql, params: values, shape: rowsShape, map: map as BuiltQuery<RowOf<Q>>['map'] }; // RowOf reads the same builder
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
  readonly shape: string;
  readonly map: BuiltQuery<unknown>['map'];
}

function takenApart(query: unknown): TakenApart {
  if (is(query, SQL)) {
    const { sql, params } = dialect.sqlToQuery(query);
    return { sql, params, shape: '', map: (rows, columns) => rows.map((row) => rowObject(columns, row)) };
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
  return { sql, params, shape: prepared.shape, map: (rows, columns) => prepared.mapRows(rows, columns) };
}

const invalid = (message: string, sql?: string, hint?: string): AlcoveError =>
  new AlcoveError(
    'query_invalid',
    sql === undefined ? message : `${message} (in: ${sql.slice(0, 200)})`,
    hint === undefined ? {} : { hint },
  );

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
