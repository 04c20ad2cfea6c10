import { type AlcoveError, ERROR_CODES } from '@alcove/core/error';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { Pipe } from './pipe.ts';
import type { PipeConditions } from './pipe.ts';

export type Frame = string | Uint8Array;
type Item = { readonly frame: Frame } | { readonly close: number; readonly reason: string };

/** What the server's side of a link tells its host. */
export interface ServerHandlers {
  onFrame(connectionId: string, frame: Frame): void;
  /** Once; nothing follows. `code` is the other side's close code, 1006 where there was none. */
  onClose(connectionId: string, code: number): void;
}

export interface LinkConditions {
  readonly up: PipeConditions;
  readonly down: PipeConditions;
}

/** How a link dies. A side that never hears of it has to find out by itself. */
export interface Cut {
  readonly clientHearsAfterMs: number | null;
  readonly serverHearsAfterMs: number | null;
  /** Frames that travel already still arrive, even after the other side has gone on to another connection. */
  readonly keepUp: boolean;
  readonly keepDown: boolean;
}

const CLOSE_FRAME_BYTES = 8;
const frameBytes = (frame: Frame): number => (typeof frame === 'string' ? frame.length : frame.byteLength);

/** One socket between a tab and the server, as bytes: order is kept, frames arrive whole or not at all, either end may be the last to know that it is over. */
export class Link {
  readonly connectionId: string;
  readonly client: SimProcess;
  readonly server: SimProcess;
  readonly #time: VirtualTime;
  readonly #random: Prng;
  readonly #clientHandlers: SocketHandlers;
  readonly #serverHandlers: ServerHandlers;
  readonly #up: Pipe<Item>;
  readonly #down: Pipe<Item>;
  #clientClosing = false;
  #clientHeardClose = false;
  #serverGone = false;

  constructor(options: {
    connectionId: string;
    client: SimProcess;
    server: SimProcess;
    time: VirtualTime;
    random: Prng;
    conditions: LinkConditions;
    clientHandlers: SocketHandlers;
    serverHandlers: ServerHandlers;
  }) {
    this.connectionId = options.connectionId;
    this.client = options.client;
    this.server = options.server;
    this.#time = options.time;
    this.#random = options.random;
    this.#clientHandlers = options.clientHandlers;
    this.#serverHandlers = options.serverHandlers;
    this.#up = new Pipe(options.time, options.conditions.up, (item) => this.#arriveUp(item));
    this.#down = new Pipe(options.time, options.conditions.down, (item) => this.#arriveDown(item));
  }

  /** Neither side has ended it and no fault has hit it for good. */
  get open(): boolean {
    return !this.#clientClosing && !this.#clientHeardClose && !this.#serverGone;
  }

  get serverGone(): boolean {
    return this.#serverGone;
  }

  /** What the client's engine holds. */
  socket(): Socket {
    const up = this.#up;
    return {
      send: (frame) => {
        if (!this.#clientClosing && !this.#clientHeardClose && this.client.alive) up.send({ frame }, frameBytes(frame));
      },
      close: (code, reason) => this.#closeFromClient(code, reason),
      get bufferedAmount() {
        return up.bufferedBytes;
      },
    };
  }

  opened(): void {
    this.client.enter(() => {
      if (!this.#clientHeardClose && !this.#clientClosing) this.#clientHandlers.onOpen();
    });
  }

  /** The handshake came to nothing. */
  refused(): void {
    this.#serverGone = true;
    this.#tellClient(1006, '');
  }

  get serverBufferedBytes(): number {
    return this.#serverGone ? 0 : this.#down.bufferedBytes;
  }

  sendFromServer(frame: Frame): void {
    if (!this.#serverGone) this.#down.send({ frame }, frameBytes(frame));
  }

  /** After what was sent before, with the error's close code. */
  closeFromServer({ code }: AlcoveError): void {
    if (this.#serverGone) return;
    this.#serverGone = true;
    const entry = ERROR_CODES[code];
    const close = 'closeCode' in entry && entry.closeCode !== undefined ? entry.closeCode : 1011;
    this.#down.send({ close, reason: code }, CLOSE_FRAME_BYTES);
  }

  /** The server's process died: it hears nothing any more. */
  abandonServer(clientHearsAfterMs: number | null, keepDown: boolean): void {
    this.#serverGone = true;
    this.cut({ clientHearsAfterMs, serverHearsAfterMs: null, keepUp: false, keepDown });
  }

  cut({ clientHearsAfterMs, serverHearsAfterMs, keepUp, keepDown }: Cut): void {
    this.#up.cut(keepUp);
    this.#down.cut(keepDown);
    if (clientHearsAfterMs !== null) this.#time.setTimer(clientHearsAfterMs, () => this.#tellClient(1006, ''));
    if (serverHearsAfterMs !== null) this.#time.setTimer(serverHearsAfterMs, () => this.#tellServer(1006));
  }

  /** Half open: one direction swallows everything, or piles it up at the sender; nobody is told. */
  silence(direction: 'up' | 'down', how: 'swallow' | 'pile'): void {
    const pipe = direction === 'up' ? this.#up : this.#down;
    if (how === 'swallow') pipe.silence();
    else pipe.stallUntil(Number.POSITIVE_INFINITY);
  }

  stall(direction: 'up' | 'down', ms: number): void {
    (direction === 'up' ? this.#up : this.#down).stallUntil(this.#time.nowMs + ms);
  }

  #closeFromClient(code: number, reason: string): void {
    if (this.#clientClosing || this.#clientHeardClose) return;
    this.#clientClosing = true;
    this.#up.send({ close: code, reason }, CLOSE_FRAME_BYTES);
    // A platform tells its own close at once, after the handshake, or never.
    const when = this.#random.pick(['soon', 'late', 'never'] as const);
    if (when !== 'never') this.#time.setTimer(when === 'soon' ? 0 : this.#random.int(5, 3_000), () => this.#tellClient(code, reason));
  }

  #arriveUp(item: Item): void {
    if (this.#serverGone) return;
    if ('close' in item) return this.#tellServer(item.close);
    this.server.enter(() => {
      if (!this.#serverGone) this.#serverHandlers.onFrame(this.connectionId, item.frame);
    });
  }

  /** Also to a socket that was closed here, or whose end was told: its handlers may be called late. */
  #arriveDown(item: Item): void {
    if ('close' in item) return this.#tellClient(item.close, item.reason);
    this.client.enter(() => this.#clientHandlers.onMessage(item.frame));
  }

  #tellClient(code: number, reason: string): void {
    this.client.enter(() => {
      if (this.#clientHeardClose) return;
      this.#clientHeardClose = true;
      this.#clientHandlers.onClose(code, reason);
    });
  }

  #tellServer(code: number): void {
    this.server.enter(() => {
      if (this.#serverGone) return;
      this.#serverGone = true;
      this.#serverHandlers.onClose(this.connectionId, code);
    });
  }
}

/** How a link is cut now and then. */
export function cutBy(random: Prng): Cut {
  const hears = (): number | null => random.pick([0, random.int(1, 300), random.int(300, 5_000), null]);
  return { clientHearsAfterMs: hears(), serverHearsAfterMs: hears(), keepUp: random.chance(0.5), keepDown: random.chance(0.5) };
}
