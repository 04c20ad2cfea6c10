import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageOf, HelloMessage } from '@alcove/core/protocol/client-message';
import { chooseCodec, encodeMessage } from '@alcove/core/protocol/codec';
import type { MutationResult, ServerMessageInput } from '@alcove/core/protocol/server-message';
import type { RoomAccess } from '../access/access.ts';
import { subjectOf } from '../access/access.ts';
import type { MadeVersion } from './commit-run.ts';
import { EphemeralState } from './ephemeral-state.ts';
import type { HydrationReason } from './hydrate.ts';
import { checkIdentity, checkSchema, sessionOf, userOf, welcomeOf } from './joining.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { RoomParts } from './room-parts.ts';
import type { Schedule } from './schedule.ts';
import type { Session } from './sessions.ts';
import { sessionView } from './sessions.ts';
import { SessionFeeds } from './session-feeds.ts';
import { SessionWatch } from './session-watch.ts';
import { Sessions } from './sessions.ts';
import { reachesResultsOf, resultsAt } from './settle.ts';
import { RoomSettling } from './settling.ts';

/** The room's recurring steps. */
export type RoomStep = 'ephemeral' | 'expiry' | 'states' | 'flush' | 'poll' | 'rows' | 'idle' | 'reads' | 'housekeeping';

type OnEnd = (session: Session, error: AlcoveError | null) => void;

/** Connections of a room from hello to their end: who is in, where each stands in the stream, what each is sent. */
export class Connections {
  readonly sessions = new Sessions();
  readonly feeds: SessionFeeds<MadeVersion>;
  readonly ephemeral: EphemeralState;
  readonly watch: SessionWatch;
  readonly #parts: RoomParts;
  readonly #olderSchemas: ReadonlyMap<string, boolean>;
  /** Called for every session that ended, after it is out; with the error, where it did not leave by itself. */
  readonly #onEnd: OnEnd;

  constructor(parts: RoomParts, schedule: Schedule<RoomStep>, olderSchemas: ReadonlyMap<string, boolean>, onEnd: OnEnd) {
    this.#parts = parts;
    this.#olderSchemas = olderSchemas;
    this.#onEnd = onEnd;
    this.feeds = new SessionFeeds(parts, this.sessions, new RoomSettling(parts), {
      wantPoll: (atMs) => schedule.want('poll', atMs),
      wantRows: (atMs) => schedule.want('rows', atMs),
      send: (session, message) => this.send(session, message),
      end: (session, error) => this.end(session, error),
    });
    this.ephemeral = new EphemeralState(parts, {
      wantTick: (atMs) => schedule.want('ephemeral', atMs),
      wantExpiry: (atMs) => schedule.want('expiry', atMs),
    });
    this.watch = new SessionWatch({
      sessions: this.sessions,
      runtime: parts.runtime,
      idleTimeoutMs: parts.limits.idleTimeoutMs,
      want: (atMs) => schedule.want('idle', atMs),
      end: (session, error) => this.end(session, error),
    });
  }

  /** Lets a connection in whose hello was read and authorised; one that cannot come in is told why and ended. */
  join(connectionId: string, hello: HelloMessage, access: RoomAccess, isRelayed: boolean): void {
    try {
      if (this.sessions.get(connectionId) !== undefined) throw new AlcoveError('hello_repeated', 'this connection has said hello already');
      if (this.sessions.size >= this.#parts.limits.sessionsMax) throw this.#overloaded();
      checkSchema(this.#parts, hello.schema, this.#olderSchemas);
      checkIdentity(this.#parts, this.sessions, hello, access);
      this.#checkUser(hello, access);
      this.#letIn(connectionId, hello, access, isRelayed);
    } catch (cause) {
      const error = AlcoveError.from(cause);
      const session = this.sessions.get(connectionId);
      if (session === undefined) this.refuse(connectionId, hello, error);
      else this.end(session, error, 'hello');
    }
  }

  /** Ends a connection that never became a session. */
  refuse(connectionId: string, hello: HelloMessage, error: AlcoveError): void {
    this.#parts.meter.saw(error);
    const frame = encodeMessage({ type: 'error', ...error.toBody(), re: 'hello' }, chooseCodec(hello.codecs), this.#parts.runtime);
    this.#parts.ports.send(connectionId, frame, 'main');
    this.#parts.ports.disconnect(connectionId, error);
  }

  /** Ends a session for a reason it is told. */
  end(session: Session, error: AlcoveError, re?: string): void {
    this.#parts.meter.saw(error);
    this.send(session, { type: 'error', ...error.toBody(), ...(re === undefined ? {} : { re }) });
    // Somebody thrown out is gone; who only has to show a fresh token is expected back.
    this.remove(session, error.code === 'forbidden', error);
    this.#parts.ports.disconnect(session.connectionId, error);
  }

  /** Forgets a session. `clean`: it said so itself, its states go at once. */
  remove(session: Session, clean: boolean, error: AlcoveError | null = null): void {
    this.feeds.forget(session);
    this.sessions.remove(session);
    this.ephemeral.leave(session, clean);
    this.#onEnd(session, error);
  }

  /**
   * The host verified a fresh token. Claims by which it sees other rows mean a fresh snapshot.
   * @throws AlcoveError `forbidden` for another subject, `rule_failed`.
   */
  renewAccess(session: Session, access: RoomAccess): void {
    if (subjectOf(access.claims) !== session.subject) throw new AlcoveError('forbidden', 'the fresh token is of another user');
    const readerClass = this.#parts.readers.classOf(access.claims);
    this.watch.renewed(session, access);
    if (session.isRelayed) this.#tellAccess(session);
    this.send(session, { type: 'user', user: userOf(access.claims) });
    if (readerClass.id === session.readerClass.id) return;
    session.readerClass = readerClass;
    if (session.isRelayed) return;
    this.feeds.rehydrate(session, 'view');
  }

  publish(made: MadeVersion): void {
    this.feeds.stream.publish(made);
  }

  send(session: Session, message: ServerMessageInput): void {
    this.#parts.ports.send(session.connectionId, encodeMessage(message, session.codec, this.#parts.runtime), 'main');
  }

  /** Results for one connection alone, where it is still there. */
  tell(connectionId: string, results: readonly MutationResult[]): void {
    const session = this.sessions.get(connectionId);
    if (session !== undefined) this.send(session, { type: 'results', results: [...results] });
  }

  #letIn(connectionId: string, hello: HelloMessage, access: RoomAccess, isRelayed: boolean): void {
    const before = this.sessions.ofClient(hello.clientId);
    if (before !== undefined) this.end(before, new AlcoveError('session_replaced', 'a newer connection of this client took over'));
    const session = sessionOf(this.#parts, { connectionId, hello, access, isRelayed }, this.#parts.meta.read());
    const start = isRelayed ? null : this.feeds.startOf(session, hello.resume);
    this.sessions.add(session);
    const reason = start?.reason ?? this.#beginRelayed(session, hello.resume);
    this.send(session, welcomeOf(this.#parts, session, hello, reason, start?.image ?? null));
    if (!isRelayed) this.ephemeral.join(session);
    this.watch.began(session);
    start?.begin();
  }

  /**
   * Its follower tells it of the room's rows, as soon as it has the welcome: so that has to have what was settled until here, by version, before it.
   * @returns `floor` where that cannot be told from where its replica stands: the follower, whose log may go further back than this one, may not go on from there
   */
  #beginRelayed(session: Session, resume: HelloMessage['resume']): HydrationReason {
    const { historyId, gate } = this.#parts;
    this.#tellAccess(session);
    const resumed = resume?.historyId === historyId ? resume.version : gate.durable;
    const isTold = reachesResultsOf(this.#parts, resumed, gate.durable);
    if (isTold) session.owedFrom = Math.min(resumed, session.owedFrom);
    this.feeds.stream.begin(session, gate.durable);
    return isTold ? 'resume' : 'floor';
  }

  /** Its replica is an image from before it was welcomed: its follower goes on from there once it has what was settled since, or is told that this cannot be told. */
  tellSince(session: Session, { historyId, version }: ClientMessageOf<'follow'>): void {
    const { gate } = this.#parts;
    // Of another history, or ahead: its follower finds that out by itself.
    if (historyId !== this.#parts.historyId || version > gate.durable) return;
    if (!reachesResultsOf(this.#parts, version, gate.durable))
      return this.send(session, { type: 'rehydrate', reason: 'floor', view: sessionView(session), image: null });
    session.owedFrom = Math.min(version, session.owedFrom);
    const results = resultsAt(this.#parts, session, gate.durable);
    if (results.length > 0) this.send(session, { type: 'results', results });
  }

  /** By what claims a follower chooses the session's rows. */
  #tellAccess({ connectionId, access }: Session): void {
    this.#parts.ports.admitted?.(connectionId, userOf(access.claims), access.expiresInMs ?? null);
  }

  /** A client that is there already takes the place of its own session. */
  #checkUser(hello: HelloMessage, access: RoomAccess): void {
    const { userSessionsMax, retryAfterMs } = this.#parts.limits;
    const user = userKeyOf({ subject: subjectOf(access.claims), groupId: hello.groupId ?? hello.clientId });
    if (this.sessions.countOf(user) < userSessionsMax || this.sessions.ofClient(hello.clientId) !== undefined) return;
    const limit = 'userSessionsMax';
    throw new AlcoveError('rate_limited', `this user has ${userSessionsMax} sessions in the room, the limit`, { retryAfterMs, limit });
  }

  #overloaded(): AlcoveError {
    const { sessionsMax, retryAfterMs } = this.#parts.limits;
    return new AlcoveError('overloaded', `the room has ${sessionsMax} sessions, its limit`, { retryAfterMs, limit: 'sessionsMax' });
  }
}
