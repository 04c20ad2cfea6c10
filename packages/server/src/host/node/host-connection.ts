import type { AlcoveError } from '@alcove/core/error';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';

/** Who hears of a connection. */
export interface ConnectionHandlers {
  message(frame: string | Uint8Array): void;
  /** Bytes of a message came, and it is not whole yet; said every few seconds. */
  arriving(): void;
  /** Once, however it ended. `code` is the close frame's, 1006 where there was none. */
  closed(code: number): void;
}

/** A peer's connection as rooms know it: a socket of its own, or a place on the socket of the follower that the peer is connected to. */
export interface HostConnection {
  readonly id: string;
  readonly isRelayed: boolean;
  /** Bytes that wait to leave on its socket. */
  readonly bufferedBytes: number;
  /** From now on these hear of it; what ended before is told at once. */
  set handlers(handlers: ConnectionHandlers);
  send(frame: string | Uint8Array): void;
  /** Ends it with the error's close code, after what was sent before. */
  close(error: AlcoveError): void;
  /** Nothing more is read until `release`, once for each, as far as that can be. What has been read may still come. */
  hold(): void;
  release(): void;
  /** Nothing more is read for so long, or as long as an earlier word said. */
  slowDown(ms: number): void;
  /** Of a relayed one: by what claims its follower chooses what it sees. */
  admitted?(user: WelcomeMessage['user'], expiresInMs: number | null): void;
  /** Cuts it. */
  terminate(): void;
  /** Which limit a message that is not whole yet has passed. */
  overdue(nowMs: number): 'halfMessageTimeoutMs' | 'messageTimeoutMs' | null;
}
