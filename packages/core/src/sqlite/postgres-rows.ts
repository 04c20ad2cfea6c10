import { is, SQL } from 'drizzle-orm';
import { AlcoveError } from '../error.ts';
import { kindOf } from '../unknown-keys.ts';
import type { BuiltQuery, RowOf } from './built-query.ts';
import { rowObject } from './drizzle-rows.ts';

/**
 * What a query of PostgreSQL's dialect returned, which is sql`…` and nothing else: a builder of `db` is SQLite's.
 * @throws AlcoveError `query_invalid`
 */
export function assertPostgresSql(query: unknown): SQL {
  if (is(query, SQL)) return query;
  throw new AlcoveError('query_invalid', `a query of PostgreSQL's dialect returns sql\`…\`, and this one returned ${kindOf(query)}`);
}

/** How its rows are mapped: by the names that PostgreSQL gave the columns. Its text is made where it is run. @throws AlcoveError `query_invalid` */
export function postgresRowsOf<Q>(query: Q): BuiltQuery<RowOf<Q>>['map'] {
  assertPostgresSql(query);
  // RowOf reads the type of that very sql`…`.
  return (rows, columns) => rows.map((row) => rowObject(columns, row)) as RowOf<Q>[];
}
