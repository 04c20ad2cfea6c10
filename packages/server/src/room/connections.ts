import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageOf, HelloMessage } from '@alcove/core/protocol/client-message';
import { chooseCodec, encodeMessage } from '@alcove/core/protocol/codec';
import type { MutationResult, ServerMessageInput } from '@alcove/core/protocol/server-message';
import type { RoomAccess } from '../access/access.ts';
import { subjectOf } from '../access/access.ts';
import { viewOf } from '../access/view.ts';
import { CatchUp } from '../change-stream/catch-up.ts';
import type { MadeVersion } from './commit-run.ts';
import { EphemeralState } from './ephemeral-state.ts';
import { hydrationAt, hydrationOf } from './hydrate.ts';
import type { HydrationReason, Standing } from './hydrate.ts';
import { checkIdentity, checkSchema, sessionOf, userOf, welcomeOf } from './joining.ts';
import { userKeyOf } from './mutation-rates.ts';
import type { RoomParts } from './room-parts.ts';
import type { ImageOffer } from './room-ports.ts';
import { RowSnapshots } from './row-snapshots.ts';
import type { Schedule } from './schedule.ts';
import type { Session } from './sessions.ts';
import { Sessions, sessionView } from './sessions.ts';
import { Subscribers } from './subscribers.ts';

/** The room's recurring steps. */
export type RoomStep = 'ephemeral' | 'expiry' | 'states' | 'flush' | 'poll' | 'rows' | 'idle' | 'reads' | 'housekeeping';

type OnEnd = (session: Session, error: AlcoveError | null) => void;

/** How a session gets what it lacks. */
type Hydration = { readonly by: 'image'; readonly image: ImageOffer } | { readonly by: 'rows' | 'nothing'; readonly image: null };

/** Connections of a room from hello to their end: who is in, where each stands in the stream, what each is sent. */
export class Connections {
  readonly sessions = new Sessions();
  readonly stream: Subscribers;
  readonly rows: RowSnapshots;
  readonly ephemeral: EphemeralState;
  readonly #parts: RoomParts;
  readonly #schedule: Schedule<RoomStep>;
  readonly #olderSchemas: ReadonlyMap<string, boolean>;
  /** Called for every session that ended, after it is out; with the error, where it did not leave by itself. */
  readonly #onEnd: OnEnd;
  /** Monotonic time at which the first token of a session runs out, perhaps of one that is gone. */
  #accessEndsMs = Number.POSITIVE_INFINITY;

  constructor(parts: RoomParts, schedule: Schedule<RoomStep>, olderSchemas: ReadonlyMap<string, boolean>, onEnd: OnEnd) {
    this.#parts = parts;
    this.#schedule = schedule;
    this.#olderSchemas = olderSchemas;
    this.#onEnd = onEnd;
    const catchUp = new CatchUp(parts, parts.definition.model);
    const end = (session: Session, error: AlcoveError): void => this.end(session, error);
    const rehydrate = (session: Session): void => this.rehydrate(session, 'backlog');
    const rulesFailed = (session: Session, error: AlcoveError): void => this.#rulesFailed(session, error);
    const wantPoll = (atMs: number): void => schedule.want('poll', atMs);
    this.stream = new Subscribers(parts, this.sessions, catchUp, { wantPoll, rehydrate, rulesFailed, end });
    this.rows = new RowSnapshots(parts, {
      wantStep: (atMs) => schedule.want('rows', atMs),
      sent: (session, version) => this.stream.begin(session, version),
      restart: rehydrate,
      end,
    });
    this.ephemeral = new EphemeralState(parts, {
      wantTick: (atMs) => schedule.want('ephemeral', atMs),
      wantExpiry: (atMs) => schedule.want('expiry', atMs),
    });
  }

  /** Lets a connection in whose hello was read and authorised; one that cannot come in is told why and ended. */
  join(connectionId: string, hello: HelloMessage, access: RoomAccess): void {
    try {
      if (this.sessions.get(connectionId) !== undefined) throw new AlcoveError('hello_repeated', 'this connection has said hello already');
      if (this.sessions.size >= this.#parts.limits.sessionsMax) throw this.#overloaded();
      checkSchema(this.#parts, hello.schema, this.#olderSchemas);
      checkIdentity(this.#parts, this.sessions, hello, access);
      this.#checkUser(hello, access);
      this.#letIn(connectionId, hello, access);
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
    this.stream.step(session, { type: 'end' });
    this.sessions.remove(session);
    this.rows.cancel(session);
    this.ephemeral.leave(session, clean);
    this.#onEnd(session, error);
  }

  /**
   * The replica holds that point: an image was loaded, or something was missing in between. Where rows are on their way it is a late word from before
   * them, and they decide.
   */
  follow(session: Session, { historyId, version, hash }: ClientMessageOf<'follow'>): void {
    if (session.state.phase === 'rows') return;
    const reason = hydrationAt({ historyId, version, hash }, this.#standing());
    if (reason === 'resume') this.stream.begin(session, version);
    else this.rehydrate(session, reason);
  }

  /** A follower's file stands there: it gets the log from there on, or takes a copy of the room's file and says so again. */
  followLog(session: Session, at: ClientMessageOf<'followLog'>): void {
    if (session.access.isFollower !== true) {
      const message = 'the whole log is for servers that bring the follower token';
      return this.send(session, { type: 'error', code: 'forbidden', message, re: 'followLog' });
    }
    this.rows.cancel(session);
    session.takesRecords = true;
    const reason = hydrationAt(at, this.#standing());
    if (reason === 'resume') this.stream.begin(session, at.version);
    else this.rehydrate(session, reason);
  }

  /** The stream cannot go on for the session, or it asked: it gets a fresh snapshot. */
  rehydrate(session: Session, reason: HydrationReason): void {
    this.rows.cancel(session);
    if (session.takesRecords) {
      this.stream.step(session, { type: 'hydrate', by: 'image' });
      return this.send(session, { type: 'rehydrate', reason, view: sessionView(session), image: null });
    }
    if (session.state.phase === 'live' || session.state.phase === 'behind') session.owedFrom = session.state.sent;
    try {
      const hydration = this.#hydrationFor(session);
      this.send(session, { type: 'rehydrate', reason, view: sessionView(session), image: hydration.image });
      this.#hydrate(session, hydration);
    } catch (error) {
      this.end(session, AlcoveError.from(error));
    }
  }

  /**
   * The host verified a fresh token. Claims by which it sees other rows mean a fresh snapshot.
   * @throws AlcoveError `forbidden` for another subject, `rule_failed`.
   */
  renewAccess(session: Session, access: RoomAccess): void {
    if (subjectOf(access.claims) !== session.subject) throw new AlcoveError('forbidden', 'the fresh token is of another user');
    const readerClass = this.#parts.readers.classOf(access.claims);
    session.access = access;
    this.#watchAccess(session);
    this.send(session, { type: 'user', user: userOf(access.claims) });
    if (readerClass.id === session.readerClass.id) return;
    session.readerClass = readerClass;
    this.rehydrate(session, 'view');
  }

  publish(made: MadeVersion): void {
    this.stream.publish(made);
  }

  /** To be called before anything is done for anybody: whose token has run out has no rights, also where the tick that says so is late. */
  endExpired(): void {
    if (this.#parts.runtime.monotonicMs() >= this.#accessEndsMs) this.endSilent();
  }

  /** Ends sessions that were silent for too long or whose token ran out. */
  endSilent(): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    for (const session of [...this.sessions]) {
      if (nowMs - session.heardMs >= this.#parts.limits.idleTimeoutMs)
        this.end(session, new AlcoveError('idle_timeout', 'the client has been silent for too long', { limit: 'idleTimeoutMs' }));
      else if (session.accessUntilMs !== null && nowMs >= session.accessUntilMs)
        this.end(session, new AlcoveError('unauthenticated', 'the token has expired'));
    }
    this.#accessEndsMs = Math.min(...[...this.sessions].map(({ accessUntilMs }) => accessUntilMs ?? Number.POSITIVE_INFINITY));
    if (this.sessions.size === 0) return;
    this.#schedule.want('idle', Math.min(nowMs + this.#parts.limits.idleTimeoutMs / 4, this.#accessEndsMs));
  }

  send(session: Session, message: ServerMessageInput): void {
    this.#parts.ports.send(session.connectionId, encodeMessage(message, session.codec, this.#parts.runtime), 'main');
  }

  /** Results for one connection alone, where it is still there. */
  tell(connectionId: string, results: readonly MutationResult[]): void {
    const session = this.sessions.get(connectionId);
    if (session !== undefined) this.send(session, { type: 'results', results: [...results] });
  }

  #letIn(connectionId: string, hello: HelloMessage, access: RoomAccess): void {
    const before = this.sessions.ofClient(hello.clientId);
    if (before !== undefined) this.end(before, new AlcoveError('session_replaced', 'a newer connection of this client took over'));
    const session = sessionOf(this.#parts, connectionId, hello, access, this.#parts.meta.read());
    const reason = hydrationOf(hello.resume, sessionView(session), this.#standing());
    const hydration: Hydration | null = reason === 'resume' ? null : this.#hydrationFor(session);
    this.sessions.add(session);
    this.send(session, welcomeOf(this.#parts, session, hello, reason, hydration?.image ?? null));
    this.ephemeral.join(session);
    this.#watchAccess(session);
    this.#schedule.want('idle', session.heardMs + this.#parts.limits.idleTimeoutMs / 4);
    if (hydration !== null) this.#hydrate(session, hydration);
    else this.stream.begin(session, hello.resume?.version ?? 0);
  }

  /** Perhaps the row was mended since: the room's rows as they stand now decide. An image may be of before, and lead here again. */
  #rulesFailed(session: Session, error: AlcoveError): void {
    if (!session.snapshots.includes('rows')) return this.end(session, this.#parts.readers.refusal(error));
    session.snapshots = ['rows'];
    this.rehydrate(session, 'backlog');
  }

  #hydrate(session: Session, hydration: Hydration): void {
    if (hydration.by === 'nothing') return this.stream.begin(session, this.#parts.gate.durable);
    this.stream.step(session, { type: 'hydrate', by: hydration.by });
    if (hydration.by === 'rows') this.rows.add(session);
  }

  /** The first of its kinds that can be had. A client that takes none follows the stream from here on without a snapshot. */
  #hydrationFor(session: Session): Hydration {
    for (const kind of session.snapshots) {
      if (kind === 'rows') return { by: 'rows', image: null };
      // An image has all of the room's tables, and an older client would refuse it.
      const image = session.isOlder ? null : this.#offerImage(session);
      if (image !== null) return { by: 'image', image };
    }
    if (session.snapshots.length === 0) return { by: 'nothing', image: null };
    throw new AlcoveError('overloaded', 'there is no image to be had just now, and the client takes no rows', {
      retryAfterMs: this.#parts.limits.retryAfterMs,
    });
  }

  #offerImage({ readerClass }: Session): ImageOffer | null {
    const { historyId, gate, log, definition, ports } = this.#parts;
    const schema = definition.model.schemaId;
    return ports.offerImage({
      historyId,
      version: gate.durable,
      floor: log.floor.version,
      schema,
      view: viewOf(readerClass, schema),
      readerClass,
    });
  }

  #standing(): Standing {
    return { log: this.#parts.log, historyId: this.#parts.historyId, durable: this.#parts.gate.durable };
  }

  #watchAccess(session: Session): void {
    const { expiresInMs } = session.access;
    session.accessUntilMs = expiresInMs === undefined ? null : this.#parts.runtime.monotonicMs() + expiresInMs;
    if (session.accessUntilMs === null) return;
    this.#accessEndsMs = Math.min(this.#accessEndsMs, session.accessUntilMs);
    this.#schedule.want('idle', session.accessUntilMs);
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
