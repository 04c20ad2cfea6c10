import type { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { ConnectionHandlers, HostConnection } from '../../../packages/server/src/host/node/host-connection.ts';
import type { Frame, Link } from './link.ts';

export interface SimConnectionParts {
  readonly link: Link;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'setTimer'>;
  /** Whether what comes while nobody reads was read before that. */
  hadRead(): boolean;
  /** A frame is about to be handed on. */
  reads(frame: Frame): void;
  /** Whether a frame leaves; it does not where its process dies with it. */
  sends(frame: Frame): boolean;
  /** Once, however it ended. */
  ended(): void;
}

/** The platform tells its own close so much later. */
const OWN_CLOSE_MS = 1;
const OWN_CLOSE_CODE = 1006;

/** The server's end of a link, as the Node host's code knows sockets. */
export class SimConnection implements HostConnection {
  readonly id: string;
  readonly isRelayed = false;
  readonly #parts: SimConnectionParts;
  #handlers: ConnectionHandlers = { message: () => undefined, arriving: () => undefined, closed: () => undefined };
  #holds = 0;
  #slow: { readonly atMs: number; readonly timer: Timer } | null = null;
  #unread: Frame[] = [];
  #isClosing = false;
  #closeCode: number | null = null;

  constructor(parts: SimConnectionParts) {
    this.#parts = parts;
    this.id = parts.link.connectionId;
  }

  set handlers(handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    if (this.#closeCode !== null) handlers.closed(this.#closeCode);
  }

  get bufferedBytes(): number {
    return this.#parts.link.serverBufferedBytes;
  }

  /** A frame of the peer's is here. */
  came(frame: Frame): void {
    const isRead = this.#holds === 0 || (this.#unread.length === 0 && this.#parts.hadRead());
    if (!isRead) this.#unread.push(frame);
    else if (!this.#isClosing) this.#handOn(frame);
  }

  /** The link is over. */
  gone(code: number): void {
    if (this.#closeCode !== null) return;
    this.#closeCode = code;
    this.#unread = [];
    if (!this.#isClosing) this.#parts.ended();
    this.#handlers.closed(code);
  }

  send(frame: Frame): void {
    if (!this.#isClosing && this.#parts.sends(frame)) this.#parts.link.sendFromServer(frame);
  }

  close(error: AlcoveError): void {
    if (this.#isClosing || this.#closeCode !== null) return;
    this.#isClosing = true;
    this.#unread = [];
    this.#parts.link.closeFromServer(error);
    this.#parts.ended();
    this.#parts.runtime.setTimer(OWN_CLOSE_MS, () => this.gone(OWN_CLOSE_CODE));
  }

  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#handOn(next);
  }

  slowDown(ms: number): void {
    const { runtime } = this.#parts;
    const atMs = runtime.monotonicMs() + ms;
    if (this.#closeCode !== null || (this.#slow !== null && this.#slow.atMs >= atMs)) return;
    if (this.#slow === null) this.hold();
    else this.#slow.timer.cancel();
    const timer = runtime.setTimer(ms, () => {
      this.#slow = null;
      this.release();
    });
    this.#slow = { atMs, timer };
  }

  terminate(): void {
    this.#parts.link.abandonServer(0, false);
    this.gone(OWN_CLOSE_CODE);
  }

  /** Frames of this network come whole. */
  overdue(): null {
    return null;
  }

  #handOn(frame: Frame): void {
    this.#parts.reads(frame);
    this.#handlers.message(frame);
  }

  #next(): Frame | undefined {
    return this.#holds > 0 || this.#isClosing ? undefined : this.#unread.shift();
  }
}
