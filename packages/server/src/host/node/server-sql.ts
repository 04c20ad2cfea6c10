import { toRows } from '@alcove/core/change/wire';
import type { WireCell } from '@alcove/core/change/wire-rows';
import { AlcoveError } from '@alcove/core/error';
import { parseArguments } from '@alcove/core/mutation/parse-arguments';
import type { AnswerFacts } from '@alcove/core/protocol/answer-facts';
import { type Bookmark, type BookmarkParts, bookmarkOf, readBookmark } from '@alcove/core/protocol/bookmark';
import type { AnyRoom, QueryArgs, QueryName, QueryRow } from '@alcove/core/schema/define-room';
import type { QueryDialect } from '@alcove/core/schema/define-query';
import { type BuiltQuery, queryOf, type RowOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { postgresRowsOf } from '@alcove/core/sqlite/postgres-rows';
import { type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { is, SQL } from 'drizzle-orm';
import { postgresQueryOf } from '../../read/postgres-query.ts';
import type { ReadRoute, RoutedAnswer } from '../../read/read-route.ts';

/** How a read of the server's own code is answered. */
export interface ServerReadOptions {
  /** How new it must be: whatever there is, the room's head (the default), or at least a bookmark. */
  readonly at?: 'any' | 'latest' | Bookmark;
  /** How long it may wait for that, in ms; past it `read_behind`. Default 2,000. */
  readonly waitMs?: number;
  readonly region?: string;
  readonly purpose?: string;
  readonly priority?: ReadRoute['priority'];
  readonly preferPrimary?: boolean;
  /** Of sql`…`: `postgres` asks the server's PostgreSQL mirror. Queries by name have their own. Default: SQLite's. */
  readonly dialect?: QueryDialect;
  /** Aborted, it rejects with `closed`. */
  readonly signal?: AbortSignal;
}

const READ_OPTIONS: KeysOf<ServerReadOptions> = {
  at: true,
  waitMs: true,
  region: true,
  purpose: true,
  priority: true,
  preferPrimary: true,
  dialect: true,
  signal: true,
};

/** Rows, and who read them where. */
export interface ServerResult<Row> extends AnswerFacts {
  readonly rows: readonly Row[];
}

type QueryArguments<Args> = undefined extends Args ? [args?: Args, options?: ServerReadOptions] : [args: Args, options?: ServerReadOptions];

/**
 * Reads a room on its replicas, in processes of their own: rules do not apply, tables that stay in the room are there.
 * @throws AlcoveError (as rejection) `sql_unavailable`, `query_invalid`, `sql_refused`, `sql_failed`, `query_timeout`, `read_behind`, `replica_unavailable`
 */
export type ServerSql<Room extends AnyRoom> = {
  <Query>(build: (db: SyncDrizzle) => Query, options?: ServerReadOptions): Promise<ServerResult<RowOf<Query>>>;
  <Row>(query: SQL<Row>, options?: ServerReadOptions): Promise<ServerResult<RowOf<SQL<Row>>>>;
} & {
  readonly [Name in QueryName<Room>]: (...args: QueryArguments<QueryArgs<Room, Name>>) => Promise<ServerResult<QueryRow<Room, Name>>>;
};

/** A read of the server's own code, ready to go. */
export interface OwnRead {
  readonly sql: string;
  readonly params: BuiltQuery<unknown>['params'];
  readonly dialect: QueryDialect;
  readonly at: 'any' | 'latest' | BookmarkParts;
  readonly waitMs: number;
  readonly route: ReadRoute;
  readonly signal: AbortSignal;
}

const WAIT_DEFAULT_MS = 2_000;

/** `room.sql` of a handle: a function with the definition's queries as its members. */
export function createServerSql<Room extends AnyRoom>(definition: Room, read: (read: OwnRead) => Promise<RoutedAnswer>): ServerSql<Room> {
  const run = async (query: unknown, options: ServerReadOptions, dialect: QueryDialect): Promise<ServerResult<unknown>> => {
    const built = dialect === 'postgres' ? { ...postgresQueryOf(query), map: postgresRowsOf(query) } : queryOf(query);
    return resultOf(built, await read(ownRead(built, options, dialect)));
  };
  const sql = async (build: unknown, options: ServerReadOptions = {}): Promise<ServerResult<unknown>> => {
    if (!is(build, SQL) && typeof build !== 'function')
      throw new AlcoveError('query_invalid', 'sql takes a function that builds a select, or sql`…`');
    const query: unknown = typeof build === 'function' ? build(sessionlessDrizzle()) : build;
    return run(query, options, options.dialect ?? 'sqlite');
  };
  const named = Object.entries(definition.queries).map(([name, { schema, body, dialect }]) => [
    name,
    // Its own schema has made these arguments.
    async (args?: unknown, options: ServerReadOptions = {}) =>
      run(body(sessionlessDrizzle(), parseArguments(name, schema, args) as never), options, dialect),
  ]);
  // Names and types are those of the definition it was made from.
  return Object.freeze(Object.assign(sql, Object.fromEntries(named))) as unknown as ServerSql<Room>;
}

function ownRead({ sql, params }: Pick<BuiltQuery<unknown>, 'sql' | 'params'>, options: ServerReadOptions, dialect: QueryDialect): OwnRead {
  refuseUnknownKeys('option_invalid', 'sql', options, READ_OPTIONS);
  const { at = 'latest', waitMs = WAIT_DEFAULT_MS, region = null, purpose = null, priority = 'normal', preferPrimary = false } = options;
  return {
    sql,
    params,
    dialect,
    at: at === 'any' ? 'any' : at === 'latest' ? 'latest' : readBookmark(at),
    waitMs,
    route: { region, purpose, priority, preferPrimary },
    signal: options.signal ?? new AbortController().signal,
  };
}

function resultOf(built: Pick<BuiltQuery<unknown>, 'map'>, answer: RoutedAnswer): ServerResult<unknown> {
  const { columns, truncated, replica, lag, tookMs } = answer;
  const rows = built.map(toRows(JSON.parse(answer.cells) as WireCell[][]), columns); // our own replicas wrote it
  return { rows, truncated, bookmark: bookmarkOf(answer.at), replica, lagVersions: lag.versions, lagMs: lag.ms, tookMs };
}
