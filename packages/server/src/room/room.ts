import { AlcoveError } from '@alcove/core/error';
import { mintMutation } from '@alcove/core/mutation/mint-mutation';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { Claims, MutatorTx } from '@alcove/core/schema/define-mutator';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import { ownClaims, userIdOf } from '../access/access.ts';
import type { RoomAccess } from '../access/access.ts';
import type { RoutedAnswer } from '../read/read-route.ts';
import { Admission } from './admission.ts';
import { serverClientId } from './commit-run.ts';
import { Committer } from './committer.ts';
import { Connections } from './connections.ts';
import type { RoomStep } from './connections.ts';
import { Housekeeping } from './housekeeping.ts';
import type { MessageSurroundings } from './messages.ts';
import { heardByHello, heardOf, performSet, receiveFrame, stillArriving } from './messages.ts';
import { statsOf } from './room-stats.ts';
import type { RoomStats } from './room-stats.ts';
import type { RoomParts } from './room-parts.ts';
import { Schedule } from './schedule.ts';
import { SessionReads } from './session-reads.ts';
import type { Session } from './sessions.ts';
import { StateSets } from './state-sets.ts';
import type { Answer, Work } from './work.ts';

export type { RoomStats } from './room-stats.ts';

/** A call of a mutator by the server's own code. */
export interface ServerCall {
  readonly name: string;
  readonly args: unknown;
  /** Claims that the mutator sees as `ctx.user`; null: nobody's. Rights are not asked: the caller is the server. */
  readonly user: Claims | null;
  /** The call takes effect at most once under this key, across restarts; a repeat gets the first result. Remembered within `idempotencyKeysMax` and `idempotencyKeyRetentionMs` (100,000 keys, 30 days after the last call). */
  readonly idempotencyKey?: string;
}

/** Codes after which nothing that a session pushed before may run any more. */
const RIGHTS_LOST: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden']);

/** An idempotency key becomes part of a stored id. */
const IDEMPOTENCY_KEY_CHARACTERS_MAX = 256;

/**
 * A room: one SQLite database, one writer, one history. Driven: it does nothing but in these calls, has no timers and no sockets, and asks its host
 * for flushes and ticks through its ports. Made by `openRoom`.
 *
 * Nothing of a commit leaves before the host has said `durable`; the host says it after `flush` returned and the disk has it, with `stats.version`.
 * After `ports.failed` every call does nothing; the host closes the database, opens it anew and makes another room.
 */
export class Room {
  /** Each figure is found out when it is read. */
  readonly stats: RoomStats;
  readonly #parts: RoomParts;
  readonly #schedule: Schedule<RoomStep>;
  readonly #admission: Admission;
  readonly #connections: Connections;
  readonly #committer: Committer;
  readonly #housekeeping: Housekeeping;
  readonly #states: StateSets;
  readonly #reads: SessionReads;
  #phase: 'open' | 'draining' | 'failed' | 'closed' = 'open';
  #flushRequested = false;
  #serverMutationId = 0;

  constructor(parts: RoomParts, olderSchemas: ReadonlyMap<string, boolean>) {
    this.#parts = parts;
    this.#schedule = new Schedule((atMs) => parts.ports.requestTick(atMs));
    this.#admission = new Admission(parts);
    this.#connections = new Connections(parts, this.#schedule, olderSchemas, (session, error) => this.#left(session, error));
    const fail = (error: AlcoveError): void => this.#fail(error);
    const requestFlush = (): void => this.#requestFlush();
    const around = { parts, connections: this.#connections, admission: this.#admission, schedule: this.#schedule };
    this.#committer = new Committer({ ...around, requestFlush, fail });
    this.#housekeeping = new Housekeeping({ ...around, fail });
    this.#housekeeping.start();
    this.#states = new StateSets(parts, {
      perform: (session, message) => performSet(this.#messageSurroundings(), session, message),
      wantRelease: (atMs) => this.#schedule.want('states', atMs),
    });
    this.#reads = new SessionReads(parts, this.#connections, this.#schedule);
    this.stats = statsOf(parts, this.#admission, this.#connections);
  }

  /** Where readers of the database itself must stand: the durable head. For images and followers. */
  get head(): { readonly historyId: string; readonly version: number; readonly hash: string | null } {
    const { log, gate, historyId } = this.#parts;
    return { historyId, version: gate.durable, hash: log.hashAt(gate.durable) };
  }

  /**
   * A connection whose hello the host has read, authenticated and authorised (access/front.ts). It is welcomed, or told why not and disconnected. A connection
   * of the same client that is still there is ended first (`session_replaced`). `isRelayed`: of a tab at a follower, which tells it of rows and states; here it has results and answers.
   */
  join(connectionId: string, hello: HelloMessage, access: RoomAccess, isRelayed = false): void {
    if (this.#phase !== 'open') return this.#connections.refuse(connectionId, hello, this.#unavailable());
    this.#connections.join(connectionId, hello, access, isRelayed);
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined) heardByHello(this.#messageSurroundings(), session);
  }

  /** A frame of a connection that joined, whole. Frames of others are ignored: the connection has just been ended. */
  receive(connectionId: string, frame: string | Uint8Array): void {
    if (this.#isOver) return;
    this.#connections.watch.endExpired();
    const session = this.#connections.sessions.get(connectionId);
    if (session === undefined) return;
    receiveFrame(this.#messageSurroundings(), session, frame);
  }

  /** The session has said something, and was answered elsewhere. */
  heard(connectionId: string): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined && !this.#isOver) heardOf(this.#messageSurroundings(), session);
  }

  /**
   * A message of the connection is on its way and moves: the session is alive, and is told that the room is, since a pong may have to wait behind that message. To be
   * called every few seconds while it lasts.
   */
  arriving(connectionId: string): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined && !this.#isOver) stillArriving(this.#messageSurroundings(), session);
  }

  /**
   * The connection is gone. `clean`: the other side closed it on purpose (close code 1000, 1001 or 1005), so the session's presence and states go at once;
   * else they wait for it to come back, until they expire. Late or repeated calls are harmless.
   */
  leave(connectionId: string, how: 'clean' | 'lost' = 'lost'): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined && !this.#isOver) this.#connections.remove(session, how === 'clean');
  }

  /** The host's answer to `ports.renewAccess`. */
  renewAccess(connectionId: string, access: RoomAccess): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session === undefined || this.#isOver) return;
    try {
      const { readerClass } = session;
      this.#connections.renewAccess(session, access);
      if (session.readerClass !== readerClass) this.#reads.reclass(session);
    } catch (error) {
      this.#connections.end(session, AlcoveError.from(error), 'auth');
    }
  }

  /** The host's answer to `ports.read`. Late ones, of a session or a read that has ended, are harmless. */
  answerRead(connectionId: string, request: number, answer: RoutedAnswer | AlcoveError): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined && !this.#isOver) this.#reads.answer(session, request, answer);
  }

  /** Who is in the room now. A server that follows it is nobody. */
  connected(): { readonly connectionId: string; readonly session: string; readonly user: string | null }[] {
    return [...this.#connections.sessions]
      .filter(({ access }) => access.isFollower !== true)
      .map(({ connectionId, sessionId, access }) => ({ connectionId, session: sessionId, user: userIdOf(access.claims) }));
  }

  /** Ends a session for a reason of the host's: rights were taken back, a token is no good. */
  disconnect(connectionId: string, error: AlcoveError): void {
    const session = this.#connections.sessions.get(connectionId);
    if (session !== undefined && !this.#isOver) this.#connections.end(session, error);
  }

  /** Commits what was admitted: one transaction, one version. Call `durable(stats.version)` once it is on disk. */
  flush(): void {
    this.#flushRequested = false;
    if (!this.#isOver) this.#connections.watch.endExpired();
    if (!this.#isOver) this.#committer.flush();
    if (this.#phase === 'draining') this.#leaveWhenDrained();
  }

  /** Every version up to `version` is on disk: what tells of it leaves now. Lower ones than before change nothing. */
  durable(version: number): void {
    if (this.#isOver) return;
    this.#parts.gate.durableAt(version);
    this.#reads.advanced();
    if (this.#admission.wantsFlush) this.#requestFlush();
  }

  /** Does what is due by now. */
  tick(): void {
    if (this.#isOver) return;
    for (const step of this.#schedule.take(this.#parts.runtime.monotonicMs())) {
      if (!this.#isOver) this.#step(step);
    }
    if (!this.#isOver) this.#schedule.settle();
  }

  /**
   * Runs a mutator for the server's own code. Settles once the commit is durable.
   * @throws AlcoveError (as rejection): what the mutator was rejected with; `overloaded`, `room_full`, `draining`, `closed` where nothing was done;
   *   `unknown_outcome` where the room failed in between, which an idempotency key makes safe to repeat.
   */
  mutate(call: ServerCall): Promise<{ readonly version: number }> {
    return this.#answer((answer) => {
      const { name, args, user, idempotencyKey = null } = call;
      if (idempotencyKey !== null && (idempotencyKey === '' || idempotencyKey.length > IDEMPOTENCY_KEY_CHARACTERS_MAX)) {
        throw new AlcoveError('arguments_invalid', `an idempotency key has 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters`);
      }
      this.#serverMutationId += 1;
      const mutation = mintMutation(
        { clientId: serverClientId(this.#parts.boot), mutationId: this.#serverMutationId, name, args },
        this.#parts.runtime,
      );
      return { kind: 'call', mutation, user: user === null ? null : ownClaims(user), idempotencyKey, answer };
    });
  }

  /** Writes without a mutator, as one atomic part of a version. Settles as `mutate` does; `write` must be synchronous and may run twice. */
  transact(write: (tx: MutatorTx) => void): Promise<{ readonly version: number }> {
    return this.#answer((answer) => ({ kind: 'transact', write, answer }));
  }

  /** Reads the room as it is now, whole: no rule is asked. Settles once all it has seen is durable. @throws AlcoveError (as rejection) `query_invalid`, `sql_failed`, `closed`. */
  query<Query>(build: (db: SyncDrizzle) => Query): Promise<RowOf<Query>[]> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#isOver) throw this.#unavailable();
        const query = queryOf(build(sessionlessDrizzle()));
        const statement = this.#parts.database.prepare(query.sql);
        const rows = query.map(statement.all(query.params), statement.columns);
        this.#parts.gate.after(this.#parts.log.head.version, () => resolve(rows));
      } catch (error) {
        reject(AlcoveError.from(error, 'sql_failed'));
      }
    });
  }

  /**
   * Takes nothing new, writes everything that waits and every unwritten value, and lets the sessions go (`draining`) once that is durable. Calls `flush` itself; the
   * host says `durable` after it, goes on answering `requestFlush`, and may `close` when `stats.isIdle`.
   */
  drain(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'draining';
    this.#housekeeping.writeLeft();
    if (this.#isOver) return;
    for (const session of this.#connections.sessions) this.#states.settle(session);
    this.#admission.flushValues(this.#parts.values.all());
    this.flush();
  }

  /** Ends everything at once: what waits is refused, sessions are ended with `closed`. The database is the host's to close. Idempotent. */
  close(): void {
    if (this.#phase === 'closed') return;
    const error = new AlcoveError('closed', 'the room was closed');
    this.#phase = 'closed';
    this.#endAll(error, error);
  }

  get #isOver(): boolean {
    return this.#phase === 'failed' || this.#phase === 'closed';
  }

  #step(step: RoomStep): void {
    switch (step) {
      case 'ephemeral':
        return this.#connections.ephemeral.tick();
      case 'expiry':
        return this.#connections.ephemeral.expire();
      case 'states':
        return this.#states.release();
      case 'flush':
        return this.#requestFlush();
      case 'poll':
        return this.#connections.feeds.stream.poll();
      case 'rows':
        return this.#connections.feeds.rows.step();
      case 'idle':
        return this.#connections.watch.endSilent();
      case 'reads':
        return this.#reads.tick();
      case 'housekeeping':
        return this.#housekeeping.run();
    }
  }

  #answer(work: (answer: Answer) => Exclude<Work, { kind: 'mutation' }>): Promise<{ readonly version: number }> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#phase !== 'open') throw this.#unavailable();
        this.#admission.add(work({ resolve, reject }));
        this.#requestFlush();
      } catch (error) {
        reject(AlcoveError.from(error));
      }
    });
  }

  #left(session: Session, error: AlcoveError | null): void {
    if (this.#isOver) return; // the file may not be asked any more, and what would be written is dropped
    this.#reads.left(session);
    this.#housekeeping.left(session);
    const keepsRights = error === null || !RIGHTS_LOST.has(error.code);
    if (!keepsRights) this.#admission.withdraw(session);
    this.#states.left(session, keepsRights);
    this.#flushValues(this.#parts.values.setBy(session.clientId));
  }

  #messageSurroundings(): MessageSurroundings {
    return {
      parts: this.#parts,
      connections: this.#connections,
      admission: this.#admission,
      schedule: this.#schedule,
      states: this.#states,
      reads: this.#reads,
      isDraining: this.#phase === 'draining',
      requestFlush: () => this.#requestFlush(),
      refuse: (outcome) => this.#committer.refuse(outcome),
    };
  }

  #flushValues(ids: readonly string[]): void {
    if (ids.length === 0 || this.#isOver) return;
    this.#admission.flushValues(ids);
    this.#requestFlush();
  }

  #requestFlush(): void {
    if (this.#flushRequested || this.#isOver) return;
    this.#flushRequested = true;
    this.#parts.ports.requestFlush();
  }

  /** Everything is written: sessions go as soon as it has been told. */
  #leaveWhenDrained(): void {
    if (this.#admission.wantsFlush) return;
    this.#parts.gate.after(this.#parts.log.head.version, () => {
      for (const session of [...this.#connections.sessions]) this.#connections.end(session, this.#unavailable());
    });
  }

  #unavailable(): AlcoveError {
    const { limits, runtime } = this.#parts;
    if (this.#phase === 'closed') return new AlcoveError('closed', 'the room was closed');
    if (this.#phase === 'failed')
      return new AlcoveError('room_failed', 'the room failed and is opened again', { retryAfterMs: limits.retryAfterMs });
    // Spread, so that a server that comes back is not met by all at once.
    return new AlcoveError('draining', 'the server is stopping', { retryAfterMs: Math.ceil(limits.retryAfterMs * (1 + runtime.random())) });
  }

  #fail(error: AlcoveError): void {
    if (this.#isOver) return;
    this.#parts.runtime.log.error('the room failed and must be opened again', {
      room: this.#parts.id,
      code: error.code,
      message: error.message,
    });
    this.#phase = 'failed';
    this.#endAll(
      new AlcoveError('room_failed', 'the room failed and is opened again', { retryAfterMs: this.#parts.limits.retryAfterMs }),
      error,
    );
    this.#parts.ports.failed(error);
  }

  #endAll(told: AlcoveError, cause: AlcoveError): void {
    this.#parts.gate.abandon();
    this.#committer.abandon(cause);
    for (const work of this.#admission.drop()) if (work.kind !== 'mutation') work.answer.reject(told);
    for (const session of [...this.#connections.sessions]) this.#connections.end(session, told);
    this.#schedule.clear();
  }
}
