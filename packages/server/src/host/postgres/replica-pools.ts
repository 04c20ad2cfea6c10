import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { StatementCache } from '@alcove/core/sqlite/statement-cache';
import type { Pool, PoolClient, QueryResult } from 'pg';
import { classifyPostgres, type PostgresStatementKind } from '../../read/classify-postgres.ts';
import { EndSource } from '../../read/end-source.ts';
import { wholeOf } from '../../read/partly-told.ts';
import type { ReadRoute } from '../../read/read-route.ts';
import { ReadRouter } from '../../read/read-router.ts';
import type { EndSignal } from '../../read/replica.ts';
import type { ResolvedReplica } from '../../read/replica-options.ts';
import type { RouterSnapshot } from '../../read/router-snapshot.ts';
import { inTransaction } from './in-transaction.ts';
import type { ResolvedDatabases } from './database-options.ts';
import { databaseBookmark, type DatabaseBookmark, readDatabaseBookmark } from './pg-bookmark.ts';
import type { PgPosition } from './pg-position.ts';
import { PoolReplica, type PoolRead } from './pool-replica.ts';
import { asPool, RoutedPool } from './routed-pool.ts';

/** How reads of one pool are routed. */
export interface ForReadOptions {
  /** At least what this holds: a standby that has not applied it is waited for, then the primary answers. A function is asked at each read, so that one pool serves a request. */
  readonly at?: DatabaseBookmark | (() => DatabaseBookmark | undefined);
  /** How long standbys may take to get there, in ms. Default 2,000. */
  readonly waitMs?: number;
  /** For one statement, in ms, wherever it runs; past it `query_timeout`. Default 5,000. */
  readonly timeoutMs?: number;
  readonly region?: string;
  readonly purpose?: string;
  readonly priority?: ReadRoute['priority'];
  readonly preferPrimary?: boolean;
  /** Aborted, what runs is ended on the server and rejects with `closed`. */
  readonly signal?: EndSignal;
}

/** Pools over an app's own PostgreSQL tables: reads go to standbys, writes and transactions to the primary. */
export interface ReplicaPools {
  /** As pg's Pool, for Drizzle too. A SELECT goes to a standby, everything else to the primary. */
  forRead(options?: ForReadOptions): Pool;
  /** As pg's Pool: everything goes to the primary. */
  forWrite(): Pool;
  /** Runs `work` in a transaction on the primary; it is rolled back where that throws. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
  /** What has been committed by now, for `forRead({ at })`. Asked of the primary. */
  bookmark(): Promise<DatabaseBookmark>;
  /** For status and metrics. */
  readonly snapshot: RouterSnapshot;
  /** What runs is ended. Idempotent. */
  close(): Promise<void>;
}

const PRIMARY = 'primary';
/** As PostgreSQL calls what it has done: a body that may have set the session, which no text shows. The connection is handed on to nobody. */
const WHOLE_PROGRAMS: ReadonlySet<string> = new Set(['DO', 'CALL']);
const POOLS_HINT =
  'See that the PostgreSQLs of `databases` run and can be reached, the primary first of all; they are asked again by themselves.';
const WAIT_DEFAULT_MS = 2_000;
const TIMEOUT_DEFAULT_MS = 5_000;
/** All databases are one room to the router, so that what is known of a replica's position is known once. */
const ROOM = { name: 'database', id: '' };
/** Texts of statements, each looked at once while it is in use. */
const CLASSIFIED_TEXTS_MAX = 512;
const SIGHT = { key: 'database', tables: [] };

export const openReplicaPools = (databases: ResolvedDatabases, runtime: Runtime): ReplicaPools => new Pools(databases, runtime);

/** Of a server. @param databases Null: it was given none, and whoever asks for them is told. */
export function serverPools(databases: ResolvedDatabases | null, runtime: Runtime): ReplicaPools {
  if (databases !== null) return openReplicaPools(databases, runtime);
  const refuse = (): never => {
    throw new AlcoveError('option_invalid', 'the server has no databases: give createServer `databases: { primary: { url } }`', {
      hint: '`server.replicas` are pools over an app’s own tables in PostgreSQL. Replicas of rooms are the option `replicas`, and are read by `server.room(…).sql`.',
    });
  };
  return {
    forRead: refuse,
    forWrite: refuse,
    transaction: async () => refuse(),
    bookmark: async () => refuse(),
    get snapshot() {
      return refuse();
    },
    close: () => Promise.resolve(),
  };
}

class Pools implements ReplicaPools {
  readonly #router: ReadRouter;
  readonly #primary: PoolReplica;
  readonly #kinds = new StatementCache<PostgresStatementKind>(CLASSIFIED_TEXTS_MAX, () => undefined);

  constructor({ primary, router, replicas }: ResolvedDatabases, runtime: Runtime) {
    this.#router = new ReadRouter(router, runtime);
    const shared = { runtime, connectTimeoutMs: primary.connectTimeoutMs, statementTimeoutMs: primary.statementTimeoutMs };
    this.#primary = new PoolReplica({ ...shared, id: PRIMARY, url: primary.url, pool: primary.pool });
    const settings = {
      id: PRIMARY,
      dialect: 'postgres',
      region: router.region,
      weight: 1,
      tier: 0,
      purposes: [],
      isPrimary: true,
    } as const;
    this.#router.add(this.#primary, { ...settings, concurrencyMax: primary.pool });
    for (const replica of replicas) this.#add(replica, runtime);
  }

  forRead(options: ForReadOptions = {}): Pool {
    return asPool(
      new RoutedPool({
        query: (text, run) => this.#query(text, run, options),
        connect: () => this.#primary.connect(),
      }),
    );
  }

  forWrite(): Pool {
    return asPool(
      new RoutedPool({
        query: async (text, run) => {
          this.#kindOf(text);
          return this.#written(run);
        },
        connect: () => this.#primary.connect(),
      }),
    );
  }

  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(await this.#primary.connect(), work);
  }

  async bookmark(): Promise<DatabaseBookmark> {
    const position = await this.#primary.committed(new EndSource().signal);
    if (!position.isStandby) return databaseBookmark(position);
    throw new AlcoveError('replica_unavailable', 'the primary of the pools is a standby now', {
      hint: 'Name the server that was promoted as `primary` of `databases`, and start anew.',
    });
  }

  get snapshot(): RouterSnapshot {
    return this.#router.snapshot();
  }

  close(): Promise<void> {
    return this.#router.close();
  }

  async #query(text: string, run: (client: PoolClient) => Promise<QueryResult>, options: ForReadOptions): Promise<QueryResult> {
    if (this.#kindOf(text) !== 'read') return this.#written(run);
    try {
      return await this.#routed(text, run, options);
    } catch (error) {
      // A function wrote, as a standby found out before anything was done.
      if (error instanceof AlcoveError && error.code === 'sql_refused' && error.cause !== undefined) return this.#written(run);
      throw plainFailure(error);
    }
  }

  /** @throws AlcoveError `sql_refused` for what begins or ends a transaction, or sets the session: statements of a pool may each go over another connection. */
  #kindOf(text: string): Exclude<PostgresStatementKind, 'transaction'> {
    let kind = this.#kinds.get(text);
    if (kind === undefined) {
      kind = classifyPostgres(text);
      this.#kinds.set(text, kind);
    }
    if (kind !== 'transaction') return kind;
    throw new AlcoveError(
      'sql_refused',
      `a pool cannot run ${text.trim().slice(0, 30)}: its next statement may go over another connection`,
      {
        hint: 'Use replicas.transaction(…), or a client of connect().',
      },
    );
  }

  async #routed(text: string, run: (client: PoolClient) => Promise<QueryResult>, options: ForReadOptions): Promise<QueryResult> {
    const { at, waitMs = WAIT_DEFAULT_MS, timeoutMs = TIMEOUT_DEFAULT_MS, region = null, purpose = null } = options;
    const { priority = 'normal', preferPrimary = false, signal = new EndSource().signal } = options;
    const bookmark = typeof at === 'function' ? at() : at;
    let result: QueryResult | null = null;
    const read: PoolRead = {
      room: ROOM,
      sql: text,
      params: [],
      sight: SIGHT,
      atLeast: bookmark === undefined ? null : readDatabaseBookmark(bookmark),
      bounds: { timeoutMs, rowsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER },
      run: async (client) => {
        result = await run(client);
      },
    };
    await this.#router.read(read, { region, purpose, priority, preferPrimary }, waitMs, signal, 'postgres');
    if (result === null) throw new AlcoveError('internal', 'a read was answered without being run');
    return result;
  }

  async #written(run: (client: PoolClient) => Promise<QueryResult>): Promise<QueryResult> {
    const client = await this.#primary.connect();
    let isBroken = true;
    try {
      const result = await run(client);
      if (isInTransaction(client))
        throw new AlcoveError('sql_refused', 'the text left a transaction open on a connection of a pool, and was rolled back', {
          hint: 'Use replicas.transaction(…), or a client of connect().',
        });
      isBroken = [result].flat().some(({ command }) => WHOLE_PROGRAMS.has(command));
      return result;
    } catch (error) {
      // An answer of PostgreSQL's leaves the connection as it was; anything else does not.
      isBroken = !(error instanceof Error && 'severity' in error);
      throw error;
    } finally {
      client.release(isBroken);
    }
  }

  #add({ url, settings, connectTimeoutMs, statementTimeoutMs }: ResolvedReplica, runtime: Runtime): void {
    const { id, concurrencyMax: pool } = settings;
    const primary = (signal: EndSignal): Promise<PgPosition | null> =>
      // That it is down is for its own look to find.
      this.#primary.position(signal).then(
        (position) => position,
        () => null,
      );
    this.#router.add(new PoolReplica({ id, url, runtime, pool, connectTimeoutMs, statementTimeoutMs, primary }), settings);
  }
}

/** pg keeps what PostgreSQL said last; its types leave it out. */
const isInTransaction = (client: PoolClient): boolean =>
  (client as unknown as { getTransactionStatus(): string | null }).getTransactionStatus() !== 'I';

/** What PostgreSQL said of a statement, as pg throws it: apps look at its `code`. */
const plainFailure = (error: unknown): unknown =>
  error instanceof AlcoveError && error.code === 'sql_failed' && error.cause !== undefined ? error.cause : wholeOf(error, POOLS_HINT);
