import type { Duplex } from 'node:stream';
import { AlcoveError, ERROR_CODES } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { RawData, WebSocket } from 'ws';
import { FrameWatch } from './frame-watch.ts';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';
import { OutgoingFrames } from './outgoing-frames.ts';
import { TokenBucket } from '../../limits/token-bucket.ts';

export interface ConnectionLimits {
  /** Past them the socket is not read until it is within again; the sender notices its own full buffer, nobody else notices anything. */
  readonly socketBytesPerSecondMax: number;
  readonly socketFramesPerSecondMax: number;
  /** Pings and pongs; past them `rate_limited`: no honest client sends so many, and each ping costs an answer. */
  readonly socketControlFramesPerSecondMax: number;
  /** Between two bytes of a message. */
  readonly halfMessageTimeoutMs: number;
  /** From the first byte of a message to its last. */
  readonly messageTimeoutMs: number;
}

/** What a budget may be overdrawn in one go, in seconds of its rate. */
const BURST_SECONDS = 4;
/** Which limit `ws` keeps to when it ends a socket with that code. */
const LIMIT_OF_WS: Readonly<Record<string, string>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'messageBytesMax',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'messageFragmentsMax',
};
/** A message that takes long to arrive is told this often. */
const ARRIVING_EVERY_MS = 1_000;

export interface ConnectionOptions {
  readonly limits: ConnectionLimits;
  readonly runtime: Runtime;
  readonly handlers: ConnectionHandlers;
  /** Once, before whoever handles it then hears of it. */
  readonly ended: () => void;
  /** A limit of the socket was met, by its name. */
  readonly met: (limit: string) => void;
  /** UTF-8 bytes of a text that is sent to many sockets in a row. */
  readonly textBytes: (text: string) => Uint8Array;
}

/** One socket: budgets and deadlines of what comes in, order and end of what goes out. */
export class SocketConnection implements HostConnection {
  readonly id: string;
  readonly isRelayed = false;
  readonly #socket: WebSocket;
  readonly #runtime: Runtime;
  readonly #limits: ConnectionLimits;
  readonly #watch = new FrameWatch();
  readonly #bytes: TokenBucket;
  readonly #frames: TokenBucket;
  readonly #control: TokenBucket;
  readonly #textBytes: (text: string) => Uint8Array;
  #handlers: ConnectionHandlers;
  readonly #whenEnded: () => void;
  readonly #met: (limit: string) => void;
  readonly #out: OutgoingFrames;
  /** When the message that is half here began, when its last byte came, when that was told last. */
  #half: { readonly sinceMs: number; lastByteMs: number; toldMs: number } | null = null;
  #resume: { readonly atMs: number; readonly timer: Timer } | null = null;
  /** Came with what was read before it was slowed down: one read holds many messages. */
  #kept: (string | Uint8Array)[] = [];
  #holds = 0;
  #closeCode: number | null = null;

  constructor(id: string, socket: WebSocket, raw: Duplex, options: ConnectionOptions) {
    const { limits, runtime, handlers } = options;
    const nowMs = runtime.monotonicMs();
    const bucket = (perSecond: number): TokenBucket => new TokenBucket({ perSecond, burst: perSecond * BURST_SECONDS, nowMs });
    this.id = id;
    this.#socket = socket;
    this.#runtime = runtime;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#textBytes = options.textBytes;
    this.#whenEnded = options.ended;
    this.#met = options.met;
    this.#out = new OutgoingFrames(socket, runtime);
    this.#bytes = bucket(limits.socketBytesPerSecondMax);
    this.#frames = bucket(limits.socketFramesPerSecondMax);
    this.#control = bucket(limits.socketControlFramesPerSecondMax);
    raw.on('data', (bytes: Buffer) => this.#came(bytes));
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('ping', (data) => this.#controlled() && socket.pong(data));
    socket.on('pong', () => this.#controlled());
    socket.on('close', (code) => this.#closed(code));
    socket.on('error', (error) => this.#broke(error));
  }

  /** From now on these hear of the socket; what ended before is told at once. */
  set handlers(handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    if (this.#closeCode !== null) handlers.closed(this.#closeCode);
  }

  get bufferedBytes(): number {
    return this.ended ? 0 : this.#out.bufferedBytes;
  }

  get ended(): boolean {
    return this.#closeCode !== null;
  }

  send(frame: string | Uint8Array): void {
    if (this.ended || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#out.send(frame, this.#textBytes);
  }

  /** Closes with the error's close code, after what was sent before; of a large frame that is on its way the rest is dropped. The peer has a few seconds to answer, then the socket is cut. */
  close(error: AlcoveError): void {
    const entry = ERROR_CODES[error.code];
    this.#out.drop();
    this.#kept = [];
    if (this.#socket.isPaused) this.#socket.resume(); // its own close frame is to be read
    this.#socket.close('closeCode' in entry ? entry.closeCode : ERROR_CODES.internal.closeCode, error.code);
  }

  /** Reads nothing more until `release`, once for each. What has been read already may still come. */
  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#socket.pause();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    // What was not read meanwhile is not the peer's fault.
    if (this.#half !== null) this.#half.lastByteMs = this.#runtime.monotonicMs();
    this.#socket.resume();
  }

  /** Cuts it. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Called every so often: has a message stood half for too long, and past which limit? One of which bytes come is given its time. */
  overdue(nowMs: number): 'halfMessageTimeoutMs' | 'messageTimeoutMs' | null {
    if (this.#half === null || this.#holds > 0) return null;
    if (nowMs - this.#half.lastByteMs > this.#limits.halfMessageTimeoutMs) return 'halfMessageTimeoutMs';
    return nowMs - this.#half.sinceMs > this.#limits.messageTimeoutMs ? 'messageTimeoutMs' : null;
  }

  /** Runs after `ws` has read the same bytes. */
  #came(bytes: Buffer): void {
    const nowMs = this.#runtime.monotonicMs();
    this.#watch.feed(bytes);
    const counts = this.#watch.takeCounts();
    if (counts.messages > 0 || !this.#watch.half) this.#half = null; // the time of the next message begins
    // A ping between the pieces of a message is none of it.
    if (this.#watch.half && (counts.payload > 0 || this.#half === null)) this.#arriving(nowMs);
    this.#keepTo('socketBytesPerSecondMax', this.#bytes.take(bytes.length, nowMs));
    this.#keepTo('socketFramesPerSecondMax', this.#frames.take(counts.frames, nowMs));
  }

  #keepTo(limit: string, waitMs: number): void {
    if (waitMs === 0) return;
    this.#met(limit);
    this.slowDown(waitMs);
  }

  /** What `ws` itself closes it for. */
  #broke(error: Error): void {
    const limit = 'code' in error ? LIMIT_OF_WS[String(error.code)] : undefined;
    if (limit !== undefined) this.#met(limit);
    this.#runtime.log.debug('a socket broke the protocol', { connectionId: this.id, reason: error.message });
  }

  #arriving(nowMs: number): void {
    this.#half ??= { sinceMs: nowMs, lastByteMs: nowMs, toldMs: nowMs };
    this.#half.lastByteMs = nowMs;
    if (nowMs - this.#half.toldMs < ARRIVING_EVERY_MS) return;
    this.#half.toldMs = nowMs;
    this.#handlers.arriving();
  }

  /** Counts a ping or pong; false where it is one too many, or the socket is closing. */
  #controlled(): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    if (this.#control.take(1, this.#runtime.monotonicMs()) === 0) return true;
    this.#met('socketControlFramesPerSecondMax');
    this.close(new AlcoveError('rate_limited', 'too many pings', { limit: 'socketControlFramesPerSecondMax' }));
    return false;
  }

  /** Reads nothing more for so long, or as long as an earlier word said; what has been read already waits too. */
  slowDown(ms: number): void {
    const atMs = this.#runtime.monotonicMs() + ms;
    if (this.ended || (this.#resume !== null && this.#resume.atMs >= atMs)) return;
    if (this.#resume === null) this.hold();
    else this.#resume.timer.cancel();
    const timer = this.#runtime.setTimer(ms, () => {
      this.#resume = null;
      while (this.#resume === null && this.#handOver()); // each may slow it down again
      this.release();
    });
    this.#resume = { atMs, timer };
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return; // closing: it will not be answered any more
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data;
    const frame = isBinary ? bytes : bytes.toString('utf8');
    if (this.#resume === null) this.#handlers.message(frame);
    else this.#kept.push(frame);
  }

  /** The next of what was kept; false where there is none. */
  #handOver(): boolean {
    const frame = this.#kept.shift();
    if (frame !== undefined) this.#handlers.message(frame);
    return frame !== undefined;
  }

  #closed(code: number): void {
    if (this.#closeCode !== null) return;
    while (this.#handOver()); // it was said before the end
    this.#closeCode = code;
    this.#resume?.timer.cancel();
    this.#out.drop();
    this.#whenEnded();
    this.#handlers.closed(code);
  }
}
