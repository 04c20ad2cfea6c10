import type { ClientRoom, LiveQuery, QueryBuild, QueryResult } from '@alcove/client';
import { AlcoveError } from '@alcove/core/error';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import { type DependencyList, use, useMemo } from 'react';
import { useReadable } from './use-readable.ts';

const ON_SERVER: QueryResult<never> = { data: undefined, status: 'pending', error: undefined };
const onServer = (): QueryResult<never> => ON_SERVER;

/**
 * A live query. Without `deps` it is built in every render (some tens of µs) and shared by its SQL and parameters; with `deps` only when they change.
 */
export function useQueryOf<Query>(room: ClientRoom, build: QueryBuild<Query> | Query, deps?: DependencyList): QueryResult<RowOf<Query>> {
  return useReadable(useLiveQuery(room, build, deps), onServer);
}

/**
 * The rows of a live query; suspends until there are any and throws the query's error. Rows that are there already are returned without suspending.
 */
export function useSuspenseQueryOf<Query>(
  room: ClientRoom,
  build: QueryBuild<Query> | Query,
  deps?: DependencyList,
): readonly RowOf<Query>[] {
  const query = useLiveQuery(room, build, deps);
  const result = useReadable(query, onServer);
  if (result === ON_SERVER) {
    throw new AlcoveError('query_invalid', 'there is no replica on a server to wait for', {
      hint: 'Render useSuspenseQuery inside a Suspense boundary: the browser takes over there.',
    });
  }
  if (result.error !== undefined) throw result.error;
  return use(query.promise);
}

function useLiveQuery<Query>(
  room: ClientRoom,
  build: QueryBuild<Query> | Query,
  deps: DependencyList | undefined,
): LiveQuery<RowOf<Query>> {
  // A fresh object never equals the last one: without deps the query is built each time.
  return useMemo(() => room.query(build), [room, ...(deps ?? [{}])]);
}
