import { AlcoveError } from '@alcove/core/error';
import type { Row } from '@alcove/core/sqlite/database';
import { toSqlValues } from '@alcove/core/sqlite/drizzle-rows';
import { NAMES_AS_THEY_ARE } from '@alcove/core/sqlite/naming-dialect';
import { assertPostgresSql } from '@alcove/core/sqlite/postgres-rows';
import { PgDialect } from 'drizzle-orm/pg-core';

class NamingPgDialect extends PgDialect {
  /** Read by the dialect it extends, whose types leave it out. */
  readonly casing = NAMES_AS_THEY_ARE;
}
const dialect = new NamingPgDialect();

/**
 * sql`…` as PostgreSQL reads it: parameters are `$1` and so on. Tables and columns of the room's schema may stand in it.
 * @throws AlcoveError `query_invalid` for anything else, and for values that cannot be bound.
 */
export function postgresQueryOf(query: unknown): { readonly sql: string; readonly params: Row } {
  const { sql, params } = dialect.sqlToQuery(assertPostgresSql(query));
  try {
    return { sql, params: toSqlValues(params, sql) };
  } catch (cause) {
    const { message, hint } = AlcoveError.from(cause);
    throw new AlcoveError('query_invalid', message, { hint, cause });
  }
}
