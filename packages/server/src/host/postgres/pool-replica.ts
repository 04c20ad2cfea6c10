import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { PoolClient } from 'pg';
import { EndSource } from '../../read/end-source.ts';
import type { EndSignal, ReadAnswer, ReadRequest, Replica, ReplicaLag } from '../../read/replica.ts';
import type { RoomDigest } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { UnderWay } from '../../read/under-way.ts';
import { historyOf, versionOf } from './pg-bookmark.ts';
import { PgConnections } from './pg-connections.ts';
import { lsnOf, type PgPosition, POSITION_SQL, positionOf } from './pg-position.ts';
import { pgTurn } from './pg-turn.ts';
import { failureKindOf, sqlStateOf, unavailable, wordsOf } from './read-failure.ts';
import { StandbyWatch } from './standby-watch.ts';

/** A read of an app's own, on its way through the router: its rows go to whoever asked, and never through the answer. */
export interface PoolRead extends ReadRequest {
  run(client: PoolClient): Promise<void>;
}

export interface PoolReplicaOptions {
  readonly id: string;
  readonly url: string;
  readonly runtime: Runtime;
  readonly pool: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Where the primary stands; absent: this is it. */
  readonly primary?: (signal: EndSignal) => Promise<PgPosition | null>;
}

const CHECK_TIMEOUT_MS = 4_000;
const INSERTED_SQL = `SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS lsn, pg_catalog.pg_current_wal_insert_lsn() > pg_catalog.pg_current_wal_flush_lsn() AS behind`;
/** A commit of its own that waits for the disk, and for no standby: with it everything before it is there. */
const WRITE_OUT_SQL = `BEGIN READ WRITE; SET LOCAL synchronous_commit = local; SELECT pg_catalog.pg_logical_emit_message(true, 'alcove', ''); COMMIT`;
/** A write; and what only a primary can do, such as giving a transaction its number. */
const ONLY_ON_PRIMARY: ReadonlySet<string | null> = new Set(['25006', '55000']);
const PLAIN_TEXT = { getTypeParser: () => (text: unknown) => text };

/** One PostgreSQL of an app's own tables: a pool of connections, behind the same router as the replicas of rooms. Its versions are LSNs, its histories timelines. */
export class PoolReplica implements Replica {
  readonly id: string;
  readonly dialect = 'postgres';
  readonly #options: PoolReplicaOptions;
  readonly #connections: PgConnections;
  /** Of writes and transactions: as long as one is kept, it takes none from reads and looks, nor these from it. */
  readonly #lent: PgConnections;
  readonly #watch: StandbyWatch | null;
  readonly #running = new UnderWay<EndSource>();
  /** Where it stood when it was last looked at: at least there it is. */
  #seen: BookmarkParts = { historyId: '', version: 0 };
  #isClosed = false;

  constructor(options: PoolReplicaOptions) {
    const { id, url, pool, connectTimeoutMs, statementTimeoutMs, runtime, primary } = options;
    this.id = id;
    this.#options = options;
    const connections = { runtime, url, max: pool, connectTimeoutMs, statementTimeoutMs };
    this.#connections = new PgConnections(connections);
    this.#lent = new PgConnections(connections);
    this.#watch = primary === undefined ? null : new StandbyWatch({ id, runtime, primary, position: (signal) => this.position(signal) });
  }

  /** Takes a PoolRead. What PostgreSQL says of a statement is thrown as it came, inside `sql_failed`. */
  async read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer> {
    const { atLeast, bounds } = request;
    if (!isPoolRead(request)) throw new AlcoveError('internal', 'a read of a room was sent to a pool of an app’s own');
    const at = await this.#turn(bounds.timeoutMs, signal, async (client) => {
      const standing = atLeast === null ? this.#seen : await this.#reached(client, atLeast);
      await request.run(client);
      return standing;
    });
    return { columns: [], cells: '[]', rows: 0, truncated: false, at };
  }

  async check(signal: EndSignal): Promise<ReplicaLag> {
    if (this.#watch !== null) {
      const { lag, position } = await this.#watch.look(signal);
      this.#seen = versionOf(position);
      return lag;
    }
    const position = await this.position(signal);
    if (position.isStandby) throw unavailable(this.id, 'it is a standby now, and was named as the primary');
    this.#seen = versionOf(position);
    return { versions: 0, ms: 0 };
  }

  position(signal: EndSignal): Promise<PgPosition> {
    return this.#turn(CHECK_TIMEOUT_MS, signal, (client) => this.#positionBy(client));
  }

  /**
   * Where a primary stands that has committed all that was committed before. One that does not wait for its disk (`synchronous_commit = off`) has commits in memory that its own position leaves out; what a
   * standby is waited for must be on its way, so the log is written out up to there.
   */
  committed(signal: EndSignal): Promise<PgPosition> {
    return this.#turn(CHECK_TIMEOUT_MS, signal, async (client) => {
      const position = await this.#positionBy(client);
      if (position.isStandby) return position;
      const { rows } = await client.query<{ lsn: string; behind: boolean }>(INSERTED_SQL);
      const lsn = lsnOf(rows[0]?.lsn ?? '') ?? position.lsn;
      if (rows[0]?.behind === true) await client.query(WRITE_OUT_SQL);
      return { ...position, lsn };
    });
  }

  /** A connection for whoever gives it back by `release`, as pg does. @throws what pg throws */
  async connect(): Promise<PoolClient> {
    return this.#lent.lend();
  }

  async digest(): Promise<RoomDigest> {
    throw new RoomUnavailable(`${this.id} holds no rooms`);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const source of this.#running.items) source.end();
    await Promise.all([this.#connections.close(), this.#lent.close()]);
  }

  /** @throws AlcoveError `read_behind`; RoomUnavailable where the timeline is another one: only the primary can tell what became of what was written on it. */
  async #reached(client: PoolClient, atLeast: BookmarkParts): Promise<BookmarkParts> {
    const position = await this.#positionBy(client);
    const at = versionOf(position);
    if (!atLeast.historyId.startsWith(historyOf(position.system, '')))
      throw new AlcoveError('query_invalid', 'the bookmark is of another database', {
        hint: 'Take one from replicas.bookmark() of these pools.',
      });
    if (position.timeline < Number(atLeast.historyId.split('/')[1]))
      throw unavailable(this.id, `it stayed on timeline ${position.timeline}, and the bookmark is of a later one`);
    // Whatever became of an older timeline, what the primary has is what there is.
    if (this.#watch === null && !position.isStandby)
      return at.historyId === atLeast.historyId && at.version >= atLeast.version ? at : atLeast;
    if (at.historyId !== atLeast.historyId)
      throw new RoomUnavailable(`${this.id} is on timeline ${position.timeline}, and the bookmark is not`);
    if (at.version < atLeast.version) throw new AlcoveError('read_behind', `${this.id} has not applied what the bookmark says`);
    this.#seen = at;
    return at;
  }

  async #positionBy(client: PoolClient): Promise<PgPosition> {
    const { rows } = await client.query<(string | null)[]>({ text: POSITION_SQL, rowMode: 'array', types: PLAIN_TEXT });
    const position = positionOf(rows[0] ?? []);
    if (position === null) throw unavailable(this.id, 'it does not say where it stands');
    return position;
  }

  async #turn<T>(timeoutMs: number, signal: EndSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new AlcoveError('closed', 'the pools are closed');
    const source = new EndSource();
    const ended = (): void => source.end();
    signal.addEventListener('abort', ended, { once: true });
    if (signal.aborted) ended();
    const place = this.#running.add(source);
    try {
      return await pgTurn({ connections: this.#connections, runtime: this.#options.runtime, timeoutMs, signal: source.signal }, work);
    } catch (error) {
      throw this.#failure(error);
    } finally {
      signal.removeEventListener('abort', ended);
      this.#running.remove(place);
    }
  }

  #failure(error: unknown): AlcoveError {
    if (error instanceof AlcoveError) return error;
    const message = wordsOf(error);
    if (failureKindOf(error) === 'unavailable') return unavailable(this.id, message, error);
    if (ONLY_ON_PRIMARY.has(sqlStateOf(error)) && this.#watch !== null)
      return new AlcoveError('sql_refused', `${this.id} takes no writes: ${message}`, { cause: error });
    return new AlcoveError(failureKindOf(error) === 'ended' ? 'query_timeout' : 'sql_failed', message, { cause: error });
  }
}

const isPoolRead = (request: ReadRequest): request is PoolRead => 'run' in request && typeof request.run === 'function';
