import { AlcoveError } from '@alcove/core/error';
import {
  decodeRelayWord,
  encodeRelayWord,
  RELAY_WORD_BYTES_MAX,
  type RelayWord,
  unwrapRelayed,
  wrapRelayed,
} from '@alcove/core/protocol/relay';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { ConnectionHandlers, HostConnection } from './host-connection.ts';

export interface RelayedConnectionOptions {
  /** The follower's socket. */
  readonly link: HostConnection;
  /** On that socket. */
  readonly session: number;
  readonly runtime: Runtime;
  /** Once, however it ended. */
  ended(): void;
}

const LEFT_CODE = 1000;
const LOST_CODE = 1006;

/** A tab's connection to a follower, as its primary knows it: a number on the follower's socket. */
export class RelayedConnection implements HostConnection {
  readonly id: string;
  readonly isRelayed = true;
  readonly #options: RelayedConnectionOptions;
  #handlers: ConnectionHandlers = { message: () => undefined, arriving: () => undefined, closed: () => undefined };
  #closeCode: number | null = null;

  constructor(options: RelayedConnectionOptions) {
    this.#options = options;
    this.id = `${options.link.id}/${options.session}`;
  }

  set handlers(handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    if (this.#closeCode !== null) handlers.closed(this.#closeCode);
  }

  /** Of the follower's socket: whoever talks while that is full makes it fuller. */
  get bufferedBytes(): number {
    return this.#closeCode === null ? this.#options.link.bufferedBytes : 0;
  }

  send(frame: string | Uint8Array): void {
    const { link, session, runtime } = this.#options;
    if (this.#closeCode === null) link.send(wrapRelayed(session, frame, runtime));
  }

  close({ code, message, retryAfterMs }: AlcoveError): void {
    const { session } = this.#options;
    this.#say({ type: 'relayEnd', session, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    this.#end(LOST_CODE);
  }

  /**
   * By what claims the follower chooses what the session sees.
   * @throws AlcoveError `unauthenticated` for claims that do not go over the wire as they are: a follower that cannot read a word gives up its socket, with everybody on it
   */
  admitted(user: WelcomeMessage['user'], expiresInMs: number | null): void {
    const { session, runtime } = this.#options;
    const word: RelayWord = { type: 'relayAccess', session, user, expiresInMs: expiresInMs === null ? null : Math.ceil(expiresInMs) };
    const frame = unwrapRelayed(encodeRelayWord(word, runtime))?.frame ?? new Uint8Array();
    try {
      decodeRelayWord(frame, runtime, { messageBytesMax: RELAY_WORD_BYTES_MAX });
    } catch (cause) {
      const { message } = AlcoveError.from(cause);
      runtime.log.error('claims cannot be told to a follower, and whoever has them does not come in through one', { reason: message });
      throw new AlcoveError('unauthenticated', 'the claims of this user are no JSON that servers can tell each other', { cause });
    }
    this.#say(word);
  }

  /** Its follower reads nothing of it before it is welcomed. */
  hold(): void {}
  release(): void {}

  slowDown(ms: number): void {
    this.#say({ type: 'relayHold', session: this.#options.session, ms: Math.ceil(ms) });
  }

  terminate(): void {
    this.#end(LOST_CODE);
  }

  /** Its messages come whole. */
  overdue(): null {
    return null;
  }

  /** A frame of the tab's. */
  came(frame: Uint8Array): void {
    if (this.#closeCode === null) this.#handlers.message(frame);
  }

  /** The tab's socket, or the follower's, is gone. */
  left(clean: boolean): void {
    if (this.#closeCode !== null) return;
    this.#end(clean ? LEFT_CODE : LOST_CODE);
    this.#handlers.closed(clean ? LEFT_CODE : LOST_CODE);
  }

  #end(code: number): void {
    if (this.#closeCode !== null) return;
    this.#closeCode = code;
    this.#options.ended();
  }

  #say(word: RelayWord): void {
    if (this.#closeCode === null) this.#options.link.send(encodeRelayWord(word, this.#options.runtime));
  }
}
