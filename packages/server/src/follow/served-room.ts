import { mergeChangeSets } from '@alcove/core/change/merge';
import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { ClientMessage, HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { RelayWordOf } from '@alcove/core/protocol/relay';
import type { ServerMessageInput, ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import { subjectOf } from '../access/access.ts';
import type { ToldVersion } from '../room/class-commits.ts';
import { takesNothing, takesNothingError } from '../room/messages.ts';
import type { StreamParts } from '../room/room-parts.ts';
import type { RoomPorts } from '../room/room-ports.ts';
import { Schedule } from '../room/schedule.ts';
import { SessionFeeds } from '../room/session-feeds.ts';
import { SessionWatch } from '../room/session-watch.ts';
import { type Session, Sessions, sessionView } from '../room/sessions.ts';
import type { TakenVersions } from './followed-room.ts';
import { AskedResults } from './asked-results.ts';
import { accessOf, type Guest, guestOf, sessionOfGuest } from './guest.ts';
import { HeldResults } from './held-results.ts';
import type { RelayedStates } from './relayed-states.ts';

/** As RoomPorts has them, called under the same conditions; and the way to the primary. */
export interface ServedPorts extends Pick<RoomPorts, 'send' | 'bufferedBytes' | 'disconnect' | 'requestTick' | 'offerImage'> {
  /** The tab says that to the primary. */
  relay(connectionId: string, frame: string | Uint8Array): void;
  /** It was welcomed: what it says may come from now on. */
  welcomed(connectionId: string): void;
}

export interface ServedRoomOptions extends Omit<StreamParts, 'ports'> {
  readonly ports: ServedPorts;
  /** The primary's welcome to this follower. */
  readonly welcome: WelcomeMessage;
  /** Of the primary's room, told to this follower; the caller feeds it. */
  readonly states: RelayedStates;
  /** Held for one session until it is told of their version. */
  readonly resultsMax: number;
}

/** A message of the primary's for one session: answers that hold a large read among them. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;

type ServedStep = 'states' | 'poll' | 'rows' | 'idle';

/**
 * A followed room as tabs see it: they are told of its rows from the follower's own file, under the row rules and in the order in which the room itself would tell it;
 * all else is between them and the primary. Driven, as Room is; one for each time that the follower's socket to the primary lives.
 *
 * ```
 * tab    join ─────────────────────────▶ primary        hello, as it came
 * primary  access, then fromPrimary(welcome) ─▶ (the file gets there) ─▶ tab      welcome, of both
 * primary  fromPrimary(results) ─▶ held ─┐
 * log      taken ────────────────────────┴─▶ tab        results, then the commit
 * ```
 */
export class ServedRoom {
  readonly #parts: ServedRoomOptions;
  readonly #guests = new Map<string, Guest>();
  readonly #sessions = new Sessions();
  readonly #feeds: SessionFeeds<ToldVersion>;
  readonly #held: HeldResults;
  readonly #watch: SessionWatch;
  readonly #schedule: Schedule<ServedStep>;
  readonly #asked: AskedResults;
  #primaryVersion: number;
  #statesToldMs = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(parts: ServedRoomOptions) {
    const { ports, runtime, welcome, limits } = parts;
    this.#parts = parts;
    this.#primaryVersion = welcome.version;
    this.#schedule = new Schedule((atMs) => ports.requestTick(atMs));
    this.#watch = new SessionWatch({
      sessions: this.#sessions,
      runtime,
      idleTimeoutMs: limits.idleTimeoutMs,
      want: (atMs) => this.#schedule.want('idle', atMs),
      end: ({ connectionId }, error) => this.end(connectionId, error),
    });
    this.#held = new HeldResults(runtime);
    this.#feeds = new SessionFeeds(parts, this.#sessions, this.#held, {
      wantPoll: (atMs) => this.#schedule.want('poll', atMs),
      wantRows: (atMs) => this.#schedule.want('rows', atMs),
      send: (session, message) => this.#send(session, message),
      end: (session, error) => this.end(session.connectionId, error),
    });
    this.#asked = new AskedResults(this.#feeds, ports, runtime);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Lowest version that the log is needed from. */
  get oldest(): number {
    return Math.min(this.#feeds.rows.oldest, this.#parts.gate.durable);
  }

  /** A connection whose hello was read, and is on its way to the primary. */
  join(connectionId: string, hello: HelloMessage): void {
    const { sessionsMax, retryAfterMs } = this.#parts.limits;
    this.#guests.set(connectionId, guestOf(connectionId, hello));
    if (this.#guests.size <= sessionsMax) return;
    const limit = 'sessionsMax';
    this.end(connectionId, new AlcoveError('overloaded', `the room has ${sessionsMax} sessions here, its limit`, { retryAfterMs, limit }));
  }

  /** A frame of a connection that was welcomed. */
  receive(connectionId: string, frame: string | Uint8Array): void {
    this.#watch.endExpired();
    const session = this.#guests.get(connectionId)?.session ?? null;
    if (session === null) return;
    session.heardMs = this.#parts.runtime.monotonicMs();
    if (takesNothing(this.#parts, session)) return this.end(connectionId, takesNothingError());
    let message: ClientMessage | null;
    try {
      message = decodeClientMessage(frame, this.#parts.runtime, this.#parts.limits);
    } catch (cause) {
      return this.end(connectionId, AlcoveError.from(cause, 'bad_message'));
    }
    if (message !== null) this.#handle(session, message, frame);
  }

  /** A message of it is on its way and moves. */
  arriving(connectionId: string): void {
    const session = this.#guests.get(connectionId)?.session ?? null;
    if (session === null) return;
    session.heardMs = this.#parts.runtime.monotonicMs();
    this.#pong(session, {});
  }

  /** The connection is gone. Late or repeated calls are harmless. */
  leave(connectionId: string): void {
    this.#remove(connectionId);
  }

  /** The primary says who the session speaks for. Of a running one that counts with the `user` that follows. */
  access(connectionId: string, word: RelayWordOf<'relayAccess'>): void {
    const guest = this.#guests.get(connectionId);
    if (guest !== undefined) guest.access = accessOf(word);
  }

  /** What the primary says to the session. */
  fromPrimary(connectionId: string, frame: Uint8Array): void {
    const guest = this.#guests.get(connectionId);
    if (guest === undefined) return;
    try {
      this.#heard(guest, frame);
    } catch (cause) {
      this.end(connectionId, AlcoveError.from(cause));
    }
  }

  #heard(guest: Guest, frame: Uint8Array): void {
    const message = decodeServerMessage(frame, this.#parts.runtime, { messageBytesMax: FRAME_BYTES_MAX });
    switch (message?.type) {
      case 'welcome':
        // Its clock is read when the tab is told of it, which may take a while.
        guest.welcome = { ...message, serverNowMs: message.serverNowMs - Math.floor(this.#parts.runtime.monotonicMs()) };
        return this.#letIn(guest);
      case 'results':
        return this.#results(guest, message);
      case 'user':
        return this.#renewed(guest, message);
      case 'refused':
      case 'valueTaken':
      case 'readRows':
      case 'readFailed':
      case 'error':
        return this.#forward(guest, frame, message);
      case 'pong':
        return this.#asked.told(guest);
      case 'rehydrate':
        return this.#asked.cannotBeTold(guest);
      default:
        return; // rows, states and signs of life are told from here
    }
  }

  /** The primary has ended the session, and has told it why. */
  ended(connectionId: string, error: AlcoveError): void {
    this.#parts.meter.saw(error);
    if (this.#remove(connectionId)) this.#parts.ports.disconnect(connectionId, error);
  }

  /** The primary has told this follower of states and values in the room. */
  statesChanged(): void {
    this.#wantStates();
  }

  /** The primary is known to have that version. */
  primaryAt(version: number): void {
    this.#primaryVersion = Math.max(this.#primaryVersion, version);
  }

  /** Right after the file took them, before anything else reads it. */
  taken({ changeSets, ...last }: TakenVersions): void {
    const { gate, definition } = this.#parts;
    for (const changeSet of changeSets) this.#feeds.rows.observe(changeSet);
    gate.durableAt(last.version);
    this.primaryAt(last.version);
    this.#watch.endExpired();
    if (this.#sessions.size > 0) this.#feeds.stream.publish({ ...last, changeSet: mergeChangeSets(definition.model, changeSets) });
    for (const guest of [...this.#guests.values()]) if (guest.session === null) this.#letIn(guest);
  }

  /** Does what is due by now. */
  tick(): void {
    if (this.#isOver) return;
    for (const step of this.#schedule.take(this.#parts.runtime.monotonicMs())) this.#step(step);
    if (!this.#isOver) this.#schedule.settle();
  }

  /** Ends everything: the file, or the way to the primary, is gone. Each waits a while of its own before it comes again. */
  close(error: () => AlcoveError): void {
    for (const connectionId of [...this.#guests.keys()]) this.end(connectionId, error());
    this.#isOver = true;
    this.#schedule.clear();
  }

  #step(step: ServedStep): void {
    switch (step) {
      case 'states':
        return this.#tellStates();
      case 'poll':
        return this.#feeds.stream.poll();
      case 'rows':
        return this.#feeds.rows.step();
      case 'idle':
        return this.#watch.endSilent();
      default:
        return exhaustive(step);
    }
  }

  /** Once the file here is where the room was when the primary welcomed it. */
  #letIn(guest: Guest): void {
    const { gate, runtime, readers, ports, historyId } = this.#parts;
    const { welcome, access, connectionId, hello } = guest;
    if (welcome === null || access === null || gate.durable < welcome.version) return;
    try {
      if (welcome.historyId !== historyId) throw new AlcoveError('room_failed', 'the room has a new history');
      const at = { readers, nowMs: runtime.monotonicMs(), version: gate.durable };
      const session = sessionOfGuest(guest, access, welcome, at);
      // Where the primary cannot tell what was settled since, the replica is made anew, whatever the log here has.
      const start = this.#feeds.startOf(session, welcome.hydration === 'resume' ? hello.resume : null);
      const hydration = welcome.hydration === 'resume' ? start.reason : welcome.hydration;
      guest.session = session;
      guest.welcome = null;
      guest.toldFrom = hydration === 'resume' ? (hello.resume?.version ?? welcome.version) : welcome.version;
      this.#sessions.add(session);
      ports.welcomed(connectionId);
      const { image } = start;
      const serverNowMs = Math.max(0, welcome.serverNowMs + Math.floor(at.nowMs));
      this.#send(session, { ...welcome, serverNowMs, version: gate.durable, view: sessionView(session), hydration, image });
      this.#parts.states.add(connectionId, session.codec);
      this.#wantStates();
      this.#watch.began(session);
      start.begin();
    } catch (cause) {
      this.end(connectionId, AlcoveError.from(cause));
    }
  }

  #handle(session: Session, message: ClientMessage, frame: string | Uint8Array): void {
    const { ports } = this.#parts;
    switch (message.type) {
      case 'hello':
        return this.end(session.connectionId, new AlcoveError('hello_repeated', 'this connection has said hello already'));
      case 'follow':
        return this.#asked.follow(this.#guests.get(session.connectionId), session, message, frame);
      case 'followLog':
        return this.#feeds.followLog(session, message);
      case 'hydrate':
        session.snapshots = message.snapshots;
        return this.#feeds.rehydrate(session, 'asked');
      case 'ping':
        return this.#pong(session, message.at === undefined ? {} : { at: message.at });
      case 'pong':
        return;
      case 'bye':
        ports.relay(session.connectionId, frame);
        this.#remove(session.connectionId);
        return;
      case 'push':
      case 'heard':
      case 'auth':
      case 'presence':
      case 'cursor':
      case 'ephemeral':
      case 'value':
      case 'flush':
      case 'read':
      case 'readEnd':
        return ports.relay(session.connectionId, frame);
      default:
        return exhaustive(message);
    }
  }

  #pong(session: Session, at: { readonly at?: number }): void {
    this.#feeds.stream.tellHeldBack(session);
    this.#send(session, { type: 'pong', version: Math.max(this.#primaryVersion, this.#parts.gate.durable), ...at });
  }

  #results(guest: Guest, { results }: ServerMessageOf<'results'>): void {
    const { connectionId, session } = guest;
    const { resultsMax } = this.#parts;
    // It would be owed them again, however often it came, or asked for them.
    if (session === null || guest.follows !== null) guest.owed += results.length;
    if (this.#held.add(connectionId, results) > resultsMax + guest.owed) {
      const limit = 'relayResultsMax';
      return this.end(
        connectionId,
        new AlcoveError('backlog_exceeded', 'too many results wait for the commits of their versions', { limit }),
      );
    }
    // One that is told of no rows yet has them when that begins.
    if (session === null || (session.state.phase !== 'live' && session.state.phase !== 'behind')) return;
    const now = this.#held.at(session, session.state.sent);
    this.#held.told(session, session.state.sent);
    if (now.length > 0) this.#send(session, { type: 'results', results: [...now] });
    // Their versions may have held nothing for it, and were kept from it.
    if (this.#held.at(session, this.#parts.gate.durable).length > 0) this.#feeds.stream.tellHeldBack(session);
  }

  #renewed(guest: Guest, message: ServerMessageOf<'user'>): void {
    const { session, access } = guest;
    if (session === null || access === null) return;
    if (subjectOf(access.claims) !== session.subject) throw new AlcoveError('forbidden', 'the fresh token is of another user');
    const readerClass = this.#parts.readers.classOf(access.claims);
    this.#watch.renewed(session, access);
    this.#send(session, message);
    if (readerClass.id === session.readerClass.id) return;
    session.readerClass = readerClass;
    this.#feeds.rehydrate(session, 'view');
  }

  /** As it came, where the tab reads that form. */
  #forward({ connectionId, hello }: Guest, frame: Uint8Array, message: ServerMessageInput): void {
    const { runtime, ports } = this.#parts;
    if (hello.codecs.includes('deflate')) return ports.send(connectionId, frame, 'main');
    const text = frame[0] === 0 ? runtime.utf8.decode(frame.subarray(1)) : encodeMessage(message, 'json', runtime);
    ports.send(connectionId, text, 'main');
  }

  #wantStates(): void {
    const { runtime, limits } = this.#parts;
    this.#schedule.want('states', Math.max(runtime.monotonicMs(), this.#statesToldMs + limits.ephemeralTickMs));
  }

  #tellStates(): void {
    const { runtime, limits, meter } = this.#parts;
    this.#statesToldMs = runtime.monotonicMs();
    if (!this.#parts.states.tick()) return;
    meter.met('ephemeralBacklogBytesMax');
    this.#schedule.want('states', this.#statesToldMs + limits.ephemeralTickMs);
  }

  #send({ connectionId, codec }: Session, message: ServerMessageInput): void {
    this.#parts.ports.send(connectionId, encodeMessage(message, codec, this.#parts.runtime), 'main');
  }

  /** Ends a connection for a reason it is told. Nothing happens where it is gone. */
  end(connectionId: string, error: AlcoveError): void {
    const { ports, runtime, meter } = this.#parts;
    const guest = this.#guests.get(connectionId);
    if (guest === undefined) return;
    meter.saw(error);
    const codec = guest.hello.codecs.includes('deflate') ? 'deflate' : 'json';
    ports.send(connectionId, encodeMessage({ type: 'error', ...error.toBody() }, codec, runtime), 'main');
    this.#remove(connectionId);
    ports.disconnect(connectionId, error);
  }

  /** @returns whether it was there. */
  #remove(connectionId: string): boolean {
    const guest = this.#guests.get(connectionId);
    if (guest === undefined) return false;
    this.#guests.delete(connectionId);
    this.#held.forget(connectionId);
    this.#parts.states.remove(connectionId);
    if (guest.session === null) return true;
    this.#feeds.forget(guest.session);
    this.#sessions.remove(guest.session);
    return true;
  }
}
