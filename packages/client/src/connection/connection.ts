import { AlcoveError, type ErrorBody, exhaustive } from '@alcove/core/error';
import type { ClientMessageInput, HelloMessage } from '@alcove/core/protocol/client-message';
import { chooseCodec, type Codec, decodeServerMessage, encodeMessage } from '@alcove/core/protocol/codec';
import type { ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  type ConnectionTimes,
  initialConnection,
  nextConnection,
  wakeAtMs,
} from './connection-state.ts';
import { unopened } from './connection-end.ts';
import type { OpenSocket, Socket } from './socket.ts';

export interface ConnectionOptions {
  readonly runtime: Runtime;
  readonly url: string;
  readonly openSocket: OpenSocket;
  token(): string | null | Promise<string | null>;
  /** Asked when the socket is open: what to say first. */
  hello(): Omit<HelloMessage, 'token' | 'type' | 'protocol' | 'codecs'> & { protocol: number };
  readonly times: ConnectionTimes;
  readonly messageBytesMax: number;
  /** A checked message of the newest socket, welcome first; pings are answered here. */
  onMessage(message: ServerMessage): void;
  /** A live session ended; another attempt follows unless the state says otherwise. */
  onLost(error: ErrorBody): void;
  /** After every change of the state's phase. */
  onPhase(state: ConnectionState): void;
}

/** Performs what the machine of connection-state.ts decides: sockets, timers, encoding. One at a time; an old socket is dead to it. */
export class Connection {
  readonly #options: ConnectionOptions;
  #state: ConnectionState = initialConnection;
  #toldPhase: ConnectionState['phase'] = 'idle';
  #socket: { readonly id: number; readonly socket: Socket } | null = null;
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  #isHidden = false;
  #codec: Codec = 'json';
  /** On the socket when it was looked at last. */
  #backlogBytes = 0;
  /** Some of it has left since the last timer. */
  #hasMoved = false;
  #roundTripMs: number | null = null;
  #heardAtMs: number | null = null;
  /** The room's wall time minus this side's monotonic one, at the welcome: ends of tokens are in the former. */
  #roomTimeOffsetMs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Round trip of the last ping; null before the first. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Wall time of the last message. */
  get heardAtMs(): number | null {
    return this.#heardAtMs;
  }

  get bufferedBytes(): number {
    return this.#socket?.socket.bufferedAmount ?? 0;
  }

  get #isLive(): boolean {
    return this.#state.phase === 'live';
  }

  /** `connect` false ends the session and makes no other until it is true. */
  start(connect = true): void {
    this.#take({ type: connect ? 'start' : 'disconnect' });
  }

  close(): void {
    this.#take({ type: 'close' });
  }

  hint(hint: 'online' | 'offline' | 'visible' | 'hidden' | 'authChanged'): void {
    if (hint === 'hidden' || hint === 'visible') this.#isHidden = hint === 'hidden';
    if (hint !== 'hidden') this.#take({ type: 'hint', hint });
  }

  /** This side cannot go on with the session; a new one is opened as `error` allows. */
  breakOff(error: ErrorBody): void {
    this.#take({ type: 'broken', socketId: this.#state.past.socketId, error });
  }

  /** False where there is no live session: the message is not kept. */
  send(message: ClientMessageInput): boolean {
    if (this.#state.phase !== 'live' || this.#socket === null) return false;
    this.#lookAtBacklog();
    this.#socket.socket.send(encodeMessage(message, this.#codec, this.#options.runtime));
    this.#backlogBytes = this.bufferedBytes;
    return true;
  }

  #take(input: ConnectionInput): void {
    const { runtime, times } = this.#options;
    const step = nextConnection(
      this.#state,
      input,
      { nowMs: runtime.monotonicMs(), random: runtime.random(), isHidden: this.#isHidden },
      times,
    );
    this.#state = step.state;
    this.#setTimer();
    for (const effect of step.effects) this.#perform(effect);
    // An effect may have moved the state on already, and told it.
    if (this.#state.phase === this.#toldPhase) return;
    this.#toldPhase = this.#state.phase;
    this.#options.onPhase(this.#state);
  }

  #setTimer(): void {
    const atMs = wakeAtMs(this.#state);
    if (this.#timer?.atMs === atMs) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (atMs === null) return;
    const delayMs = Math.max(0, atMs - this.#options.runtime.monotonicMs());
    const timer = this.#options.runtime.setTimer(delayMs, () => {
      this.#timer = null;
      this.#lookAtBacklog();
      if (this.#hasMoved) this.#take({ type: 'leaving', socketId: this.#state.past.socketId });
      this.#hasMoved = false;
      this.#take({ type: 'timer' });
    });
    this.#timer = { atMs, timer };
  }

  /** As long as what was sent leaves, silence is no death. What is gone at once proves nothing: the system takes a little even where nobody is left. */
  #lookAtBacklog(): void {
    const { bufferedBytes } = this;
    this.#hasMoved ||= bufferedBytes > 0 && bufferedBytes < this.#backlogBytes;
    this.#backlogBytes = bufferedBytes;
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'askToken':
        return this.#askToken(effect.socketId);
      case 'open':
        return this.#open(effect.socketId);
      case 'hello':
        return this.#sayHello(effect.token);
      case 'auth':
        this.send({ type: 'auth', token: effect.token });
        return;
      case 'ping':
        this.send({ type: 'ping', at: this.#options.runtime.monotonicMs() });
        return;
      case 'closeSocket':
        this.#socket?.socket.close(effect.code, effect.reason);
        this.#socket = null;
        return;
      case 'lost':
        this.#socket = null;
        return this.#options.onLost(effect.error);
      default:
        return exhaustive(effect);
    }
  }

  #askToken(socketId: number): void {
    const failed = (cause: unknown): void =>
      this.#take({ type: 'tokenFailed', socketId, error: this.#tokenError(AlcoveError.from(cause)) });
    let token: string | null | Promise<string | null>;
    try {
      token = this.#options.token();
    } catch (cause) {
      return failed(cause);
    }
    if (token === null || typeof token === 'string') return this.#take({ type: 'token', socketId, token });
    token.then((said) => this.#take({ type: 'token', socketId, token: said }), failed);
  }

  /** Most often a network that is away, and tried again. An `auth` that gives what is no token does so each time. */
  #tokenError(error: AlcoveError): ErrorBody {
    if (error.code !== 'option_invalid') return { code: 'connection_lost', message: `no token was to be had: ${error.message}` };
    // A live session goes on with the token it has: of this nobody else would hear.
    if (this.#isLive)
      this.#options.runtime.log.error(`no fresh token was to be had: ${error.message}. ${error.hint}`, { code: error.code });
    return error.toBody();
  }

  #open(socketId: number): void {
    const { url } = this.#options;
    let hasOpened = false;
    const socket = this.#options.openSocket(url, {
      onOpen: () => {
        hasOpened = true;
        this.#take({ type: 'opened', socketId });
      },
      onMessage: (frame) => this.#receive(socketId, frame),
      onClose: (code, reason) => {
        if (hasOpened || code !== 1006) return this.#take({ type: 'socketClosed', socketId, code, reason });
        this.#take({ type: 'unopened', socketId, error: unopened(url, reason === '' ? String(code) : reason) });
      },
    });
    this.#codec = 'json';
    this.#backlogBytes = 0;
    this.#hasMoved = false;
    this.#socket = { id: socketId, socket };
  }

  #sayHello(token: string | null): void {
    const hello: ClientMessageInput = { type: 'hello', ...this.#options.hello(), token, codecs: ['deflate'] };
    this.#socket?.socket.send(encodeMessage(hello, 'json', this.#options.runtime));
  }

  #receive(socketId: number, frame: string | Uint8Array): void {
    if (socketId !== this.#state.past.socketId) return;
    const { runtime, messageBytesMax } = this.#options;
    let message: ServerMessage | null;
    try {
      message = decodeServerMessage(frame, runtime, { messageBytesMax });
    } catch (cause) {
      return this.#take({ type: 'broken', socketId, error: AlcoveError.from(cause).toBody() });
    }
    this.#heardAtMs = runtime.nowMs();
    this.#take({ type: 'heard', socketId });
    if (message !== null) this.#dispatch(socketId, message);
  }

  #dispatch(socketId: number, message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(socketId, message);
      case 'ping':
        this.send({ type: 'pong', ...(message.at === undefined ? {} : { at: message.at }) });
        return;
      case 'pong':
        if (message.at !== undefined) this.#roundTripMs = Math.max(0, this.#options.runtime.monotonicMs() - message.at);
        if (this.#isLive) this.#options.onMessage(message);
        return;
      case 'coming':
        return this.#take({ type: 'coming', socketId, bytes: Math.min(message.bytes, this.#options.messageBytesMax) });
      case 'error':
        if (!isAnswer(message)) this.#take({ type: 'told', socketId, error: errorBodyOf(message) });
        return this.#options.onMessage(message);
      case 'user':
        if (!this.#isLive) return;
        this.#take({ type: 'renewed', socketId, expiresInMs: this.#expiresInMs(message.user) });
        return this.#options.onMessage(message);
      default:
        // Before welcome nothing has a meaning.
        if (this.#isLive) this.#options.onMessage(message);
    }
  }

  #welcome(socketId: number, welcome: ServerMessageOf<'welcome'>): void {
    if (this.#isLive) {
      return this.#take({ type: 'broken', socketId, error: { code: 'bad_message', message: 'a second welcome on one connection' } });
    }
    this.#codec = chooseCodec([welcome.codec]);
    const { heartbeatIntervalMs, idleTimeoutMs } = welcome.limits;
    this.#roomTimeOffsetMs = welcome.serverNowMs - this.#options.runtime.monotonicMs();
    this.#take({ type: 'welcome', socketId, heartbeatIntervalMs, idleTimeoutMs, expiresInMs: this.#expiresInMs(welcome.user) });
    if (this.#isLive) this.#options.onMessage(welcome);
  }

  /** For how long the claims hold, by the room's clock; null: they have no end. */
  #expiresInMs(user: ServerMessageOf<'user'>['user']): number | null {
    const exp = user?.['exp'];
    if (typeof exp !== 'number') return null;
    return Math.max(0, exp * 1_000 - this.#options.runtime.monotonicMs() - this.#roomTimeOffsetMs);
  }
}

/** What clients say that an error may answer without ending the session; where it does end it, its close code tells. */
const ANSWERED: ReadonlySet<string> = new Set(['presence', 'cursor', 'ephemeral', 'value', 'flush', 'followLog']);

const isAnswer = ({ re }: ServerMessageOf<'error'>): boolean => re !== undefined && ANSWERED.has(re);

function errorBodyOf(message: ServerMessageOf<'error'>): ErrorBody {
  const { code, hint, retryAfterMs } = message;
  return {
    code,
    message: message.message,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
