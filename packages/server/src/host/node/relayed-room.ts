import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import {
  decodeRelayWord,
  encodeRelayWord,
  RELAY_ALIVE_MAX,
  RELAY_OVERHEAD_BYTES,
  RELAY_WORD_BYTES_MAX,
  RELAY_WORDS,
  type RelayWord,
  wrapRelayed,
} from '@alcove/core/protocol/relay';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { Readers } from '../../access/readers.ts';
import type { RowRules } from '../../access/row-rules.ts';
import { logBytesSince } from '../../change-log/log-bytes.ts';
import type { TakenVersions } from '../../follow/followed-room.ts';
import { RelayedStates, type StatesMessage } from '../../follow/relayed-states.ts';
import { type ServedPorts, ServedRoom } from '../../follow/served-room.ts';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import { Gate } from '../../room/gate.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { RoomLimits } from '../../room/room-options.ts';
import type { ImageOffer, ImageRequest } from '../../room/room-ports.ts';
import type { ImageWanted } from '../../snapshot/image-cache.ts';
import type { ServedFile } from '../../follow/followed-copy.ts';
import type { HostConnection } from './host-connection.ts';
import type { HostLimits } from './host-limits.ts';
import type { LinkListener } from '../../follow/link-listener.ts';
import { RelayBacklog } from './relay-backlog.ts';
import { SessionNumbers } from './session-numbers.ts';
import { TickTimer } from './tick-timer.ts';

/** The way to the primary, of which the room is told as a LinkListener. */
export interface RelayLink {
  readonly bufferedBytes: number;
  relay(frame: Uint8Array): void;
  giveUp(error: AlcoveError): void;
}

export interface RelayedRoomOptions {
  readonly address: RoomAddress;
  readonly definition: AnyRoom;
  readonly runtime: Runtime;
  readonly limits: HostLimits;
  readonly roomLimits: RoomLimits;
  readonly meter: LimitMeter;
  /** Null: the definition has none. */
  rules(): RowRules | null;
  offerImage(request: ImageRequest, wanted: ImageWanted): ImageOffer | null;
  /** The connection is in the room, or was turned away: what came of it before. */
  taken(connectionId: string): readonly (string | Uint8Array)[];
  /** Another file took the place of the one that was served before. */
  replaced(): void;
  /** It said something before it was welcomed. */
  early(connectionId: string, frame: string | Uint8Array): void;
}

/** What a follower saw of a tab's socket. */
export interface TabInfo {
  readonly address: string;
  readonly origin: string | undefined;
  readonly isLocal: boolean;
}

interface Tab {
  readonly connection: HostConnection;
  readonly hello: HelloMessage;
  readonly frame: string | Uint8Array;
  readonly info: TabInfo;
  /** On the present socket to the primary; null while there is none. */
  session: number | null;
  isWelcome: boolean;
}

/** A tab that the primary does not want to hear is not read for so long at most. */
const HOLD_MS_MAX = 10_000;
/** The primary hears that a tab is alive so much of a heartbeat later at most. */
const ALIVE_PARTS = 4;
/** Codes of a peer that goes on purpose. */
const CLEAN_CLOSE_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005]);
/** After it tabs that lost their session come again; each waits up to twice as long. */
const RETRY_MS = 500;

/**
 * The tabs of one followed room on this host: their sockets and timers, their numbers on the way to the primary. Tabs that come while there is no such way wait for it,
 * for as long as a hello may take; those that are in when it is lost are sent away, to come again.
 */
export class RelayedRoom implements LinkListener {
  readonly #options: RelayedRoomOptions;
  readonly #link: () => RelayLink;
  readonly #tabs = new Map<string, Tab>();
  readonly #numbers = new SessionNumbers();
  readonly #tick: TickTimer;
  readonly #backlog: RelayBacklog;
  #served: ServedRoom | null = null;
  #file: ServedFile | null = null;
  #states: RelayedStates | null = null;
  #welcome: WelcomeMessage | null = null;
  #alive: Timer | null = null;

  constructor(options: RelayedRoomOptions, link: () => RelayLink) {
    this.#options = options;
    this.#link = link;
    this.#tick = new TickTimer(options.runtime, () => this.#call((served) => served.tick()));
    this.#backlog = new RelayBacklog({ ...options, bufferedBytes: () => link().bufferedBytes });
  }

  get oldest(): number {
    return this.#served?.oldest ?? Number.MAX_SAFE_INTEGER;
  }

  get sessions(): number {
    return this.#served?.sessions ?? 0;
  }

  /** Takes a connection whose hello was read. It is read again once it is welcomed. */
  join(connection: HostConnection, hello: HelloMessage, frame: string | Uint8Array, info: TabInfo): void {
    const tab: Tab = { connection, hello, frame, info, session: null, isWelcome: false };
    this.#tabs.set(connection.id, tab);
    connection.handlers = {
      message: (said) => this.#said(tab, said),
      arriving: () => this.#call((served) => served.arriving(connection.id)),
      closed: (code) => this.#closed(tab, CLEAN_CLOSE_CODES.has(code)),
    };
    if (this.#served !== null) this.#open(tab);
  }

  welcomed(welcome: WelcomeMessage): void {
    const { definition, roomLimits, runtime } = this.#options;
    this.#welcome = welcome;
    this.#numbers.startOver();
    this.#states = new RelayedStates({
      definition,
      boot: welcome.boot,
      entriesMax: roomLimits.stateEntriesMax,
      backlogBytesMax: roomLimits.ephemeralBacklogBytesMax,
      socket: this.#socket,
      runtime,
    });
  }

  following(file: ServedFile): void {
    if (this.#welcome === null || this.#states === null || this.#served !== null) return;
    if (this.#file !== null && this.#file !== file) this.#options.replaced();
    this.#file = file;
    this.#served = this.#serve(file, this.#welcome, this.#states);
    for (const tab of [...this.#tabs.values()]) this.#open(tab);
    this.#sayAlive(this.#welcome.limits.heartbeatIntervalMs / ALIVE_PARTS);
  }

  taken(versions: TakenVersions): void {
    this.#call((served) => served.taken(versions));
  }

  states(message: StatesMessage): void {
    this.#states?.take(message);
    this.#call((served) => served.statesChanged());
  }

  primaryAt(version: number): void {
    this.#served?.primaryAt(version);
  }

  relayed(session: number, frame: Uint8Array): void {
    if (session === RELAY_WORDS) return this.#words(frame);
    const connectionId = this.#numbers.connectionOf(session);
    if (connectionId !== undefined) this.#call((served) => served.fromPrimary(connectionId, frame));
  }

  lost({ code, message }: AlcoveError): void {
    const { runtime } = this.#options;
    const served = this.#served;
    this.#served = null;
    this.#tick.cancel();
    this.#alive?.cancel();
    this.#backlog.clear();
    // Those that were not welcomed yet wait for the next way; the others are told that this one is gone.
    for (const tab of [...this.#tabs.values()]) {
      if (tab.isWelcome) continue;
      served?.leave(tab.connection.id);
      this.#release(tab, false);
    }
    const error = (): AlcoveError => new AlcoveError(code, message, { retryAfterMs: Math.ceil(RETRY_MS * (1 + runtime.random())) });
    served?.close(error);
    // Who has said goodbye and kept the socket is nobody's session, and is not made one by the next way.
    for (const tab of [...this.#tabs.values()]) if (tab.isWelcome) this.#disconnect(tab.connection.id, error());
  }

  get #socket(): Pick<ServedPorts, 'send' | 'bufferedBytes'> {
    return {
      send: (connectionId, frame) => this.#tabs.get(connectionId)?.connection.send(frame),
      bufferedBytes: (connectionId) => this.#tabs.get(connectionId)?.connection.bufferedBytes ?? 0,
    };
  }

  #serve({ database, room }: ServedFile, welcome: WelcomeMessage, states: RelayedStates): ServedRoom {
    const { address, definition, runtime, limits, roomLimits, meter, rules, offerImage } = this.#options;
    const { heartbeatIntervalMs, idleTimeoutMs, messageBytesMax } = welcome.limits;
    return new ServedRoom({
      definition,
      id: address.id,
      historyId: room.historyId,
      readers: new Readers(definition, rules(), runtime, room.secret),
      database,
      runtime,
      // What the primary tells tabs of holds here as well.
      limits: { ...roomLimits, heartbeatIntervalMs, idleTimeoutMs, messageBytesMax },
      meter,
      log: room.log,
      gate: new Gate(room.head.version),
      welcome,
      states,
      resultsMax: limits.relayResultsMax,
      ports: {
        ...this.#socket,
        disconnect: (connectionId, error) => this.#disconnect(connectionId, error),
        requestTick: (atMs) => this.#tick.request(atMs),
        offerImage: (request) => offerImage(request, { ...request, logBytesSince: (version) => logBytesSince(database, version) }),
        relay: (connectionId, frame) => this.#relay(connectionId, frame),
        welcomed: (connectionId) => this.#isWelcome(connectionId),
      },
    });
  }

  /** Knocks at the primary for a tab. */
  #open(tab: Tab): void {
    const { connection, hello, frame, info } = tab;
    const session = this.#numbers.give(connection.id);
    tab.session = session;
    const { address, origin, isLocal } = info;
    const about = { address: address.slice(0, 256), ...(origin === undefined ? {} : { origin: origin.slice(0, 512) }), isLocal };
    this.#say({ type: 'relayOpen', session, ...about });
    this.#call((served) => served.join(connection.id, hello));
    this.#relay(connection.id, frame);
  }

  #said({ connection, isWelcome, session }: Tab, frame: string | Uint8Array): void {
    if (!isWelcome) return this.#options.early(connection.id, frame);
    if (session !== null) this.#numbers.said(session);
    this.#call((served) => served.receive(connection.id, frame));
  }

  /** After the welcome comes what the tab said before it, then what it says from now on. */
  #isWelcome(connectionId: string): void {
    const tab = this.#tabs.get(connectionId);
    if (tab === undefined) return;
    tab.isWelcome = true;
    const early = this.#options.taken(connectionId);
    queueMicrotask(() => {
      for (const frame of early) if (this.#tabs.get(connectionId) === tab) this.#said(tab, frame);
      tab.connection.release();
    });
  }

  #closed(tab: Tab, clean: boolean): void {
    if (this.#tabs.get(tab.connection.id) !== tab) return;
    this.#tabs.delete(tab.connection.id);
    this.#call((served) => served.leave(tab.connection.id));
    this.#release(tab, clean);
  }

  #disconnect(connectionId: string, error: AlcoveError): void {
    const tab = this.#tabs.get(connectionId);
    if (tab === undefined) return;
    this.#tabs.delete(connectionId);
    this.#release(tab, false);
    this.#options.taken(connectionId);
    tab.connection.close(error);
  }

  /** Its number is nobody's from now on. The primary is told, where it does not know. */
  #release(tab: Tab, clean: boolean): void {
    const { session } = tab;
    tab.session = null;
    this.#backlog.forget(tab.connection);
    if (session === null || !this.#numbers.takeBack(session)) return;
    this.#say({ type: 'relayLeft', session, clean });
  }

  #relay(connectionId: string, frame: string | Uint8Array): void {
    const tab = this.#tabs.get(connectionId);
    if (tab === undefined || tab.session === null) return;
    const wrapped = wrapRelayed(tab.session, frame, this.#options.runtime);
    const refusal = this.#tooLarge(wrapped) ?? this.#backlog.refusal(tab.connection, wrapped.length, this.#tabs.size);
    if (refusal !== null) return this.#call((served) => served.end(connectionId, refusal));
    this.#link().relay(wrapped);
    this.#backlog.said(tab.connection, wrapped.length);
  }

  /** A frame that the primary takes of nobody would end the socket, with everybody on it. */
  #tooLarge(wrapped: Uint8Array): AlcoveError | null {
    const limit = 'messageBytesMax';
    const max = this.#welcome?.limits[limit] ?? 0;
    if (wrapped.length <= max + RELAY_OVERHEAD_BYTES) return null;
    return new AlcoveError('message_too_large', `the message has more than ${max} bytes, the limit`, { limit });
  }

  /** One that cannot be read may have ended a session, or its rights: nobody goes on as if it had not come. What the file holds is none of it. */
  #words(frame: Uint8Array): void {
    try {
      this.#word(frame);
    } catch (cause) {
      const { address, runtime } = this.#options;
      const error = AlcoveError.from(cause);
      runtime.log.error('a word of the primary cannot be read; the way to it is taken anew', {
        room: address.name,
        id: address.id,
        code: error.code,
        reason: error.message,
      });
      this.#link().giveUp(error);
    }
  }

  #word(frame: Uint8Array): void {
    const word = decodeRelayWord(frame, this.#options.runtime, { messageBytesMax: RELAY_WORD_BYTES_MAX });
    const connectionId = word !== null && 'session' in word ? this.#numbers.connectionOf(word.session) : undefined;
    if (word === null || connectionId === undefined) return;
    switch (word.type) {
      case 'relayAccess':
        return this.#call((served) => served.access(connectionId, word));
      case 'relayHold':
        return this.#tabs.get(connectionId)?.connection.slowDown(Math.min(word.ms, HOLD_MS_MAX));
      case 'relayEnd':
        this.#numbers.takeBack(word.session);
        return this.#call((served) => served.ended(connectionId, AlcoveError.fromBody(word)));
      case 'relayOpen':
      case 'relayLeft':
      case 'relayAlive':
        return;
      default:
        return exhaustive(word);
    }
  }

  /** Presence and idle timeouts are the primary's: it hears who is alive, as often as tabs say so. */
  #sayAlive(everyMs: number): void {
    this.#alive?.cancel();
    this.#alive = this.#options.runtime.setTimer(everyMs, () => {
      for (const sessions of this.#numbers.takeHeard(RELAY_ALIVE_MAX)) this.#say({ type: 'relayAlive', sessions });
      this.#sayAlive(everyMs);
    });
  }

  #say(word: RelayWord): void {
    this.#link().relay(encodeRelayWord(word, this.#options.runtime));
  }

  /** Whatever it throws is a bug, and its state is not to be trusted any more: the tabs come again, over another socket. */
  #call(fn: (served: ServedRoom) => void): void {
    if (this.#served === null) return;
    try {
      fn(this.#served);
    } catch (cause) {
      const { address, runtime } = this.#options;
      const { code, message } = AlcoveError.from(cause);
      runtime.log.error('a followed room failed its tabs, which come again', { room: address.name, id: address.id, code, reason: message });
      this.lost(new AlcoveError('room_failed', 'the room failed here and is served again'));
      this.#link().giveUp(new AlcoveError('room_failed', message));
    }
  }
}
