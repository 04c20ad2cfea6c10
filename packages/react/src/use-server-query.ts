import type { ClientRoom, ServerQuery, ServerQueryOptions, ServerQueryResult } from '@alcove/client';
import { type DependencyList, useMemo } from 'react';
import { useReadable } from './use-readable.ts';

/** Options of `useServerQuery`. */
export interface ServerQueryHookOptions extends ServerQueryOptions {
  /** As in useMemo: what the query is built of. Left out, it is built in every render and shared by its SQL and parameters. */
  readonly deps?: DependencyList | undefined;
}

const ON_SERVER: ServerQueryResult<never> = {
  data: undefined,
  status: 'pending',
  error: undefined,
  isFetching: false,
  truncated: false,
  bookmark: null,
  replica: null,
  lagVersions: null,
  lagMs: null,
  tookMs: null,
  fetchedAtMs: null,
  refresh: () => Promise.resolve(),
};
const onServer = (): ServerQueryResult<never> => ON_SERVER;

/** `rest`: the options of a build; arguments and options of a name. What equal ones share, how often it is asked and for how long it is kept is the room's business. */
export function useServerQueryOf(room: ClientRoom, asked: unknown, rest: readonly unknown[]): ServerQueryResult<unknown> {
  // The hook's own overloads have said what goes with what; the room checks it.
  const serverQuery = room.serverQuery as (asked: unknown, ...rest: readonly unknown[]) => ServerQuery<unknown>;
  const { deps, ...options } = (typeof asked === 'string' ? {} : (rest[0] ?? {})) as ServerQueryHookOptions; // as above
  const open = (): ServerQuery<unknown> => (typeof asked === 'string' ? serverQuery(asked, ...rest) : serverQuery(asked, options));
  // A fresh object never equals the last one: without deps it is built each time.
  const query = useMemo(open, [room, JSON.stringify(options), ...(deps ?? [{}])]);
  return useReadable(query, onServer);
}
