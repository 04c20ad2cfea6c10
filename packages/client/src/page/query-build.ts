import { queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';

/** Builds a query, synchronously: a Drizzle select, or sql`…`. */
export type QueryBuild<Query> = (db: SyncDrizzle) => Query;

/** @throws AlcoveError `query_invalid` where the build is asynchronous, is no query or does more than read. */
export function built<Query>(build: QueryBuild<Query> | Query) {
  // A function is a build; queries themselves are objects.
  return queryOf(typeof build === 'function' ? (build as QueryBuild<Query>)(sessionlessDrizzle()) : build);
}
