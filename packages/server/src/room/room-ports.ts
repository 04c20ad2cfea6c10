import type { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Row } from '@alcove/core/sqlite/database';
import type { ReaderClass } from '../access/reader-class.ts';
import type { ReadRoute } from '../read/read-route.ts';
import type { Dialect } from '../read/replica.ts';

/**
 * What a room needs of the host that drives it. The room has no timers, sockets or files of its own.
 *
 * ```
 * openRoom → ( join · receive · leave · mutate · flush → durable · tick )* → drain → flush/durable → close
 * ```
 *
 * Every port is called synchronously from within a call into the room and must not call back into the same room before it returns.
 */
export interface RoomPorts {
  /**
   * Queues a frame on the connection's socket, in order. Lane `ephemeral` (presence, cursors, values): the room itself stops sending those while
   * `bufferedBytes` is high; nothing else follows from the lane. A connection that is gone is ignored.
   */
  send(connectionId: string, frame: string | Uint8Array, lane: 'main' | 'ephemeral'): void;
  /** Bytes queued on the socket and not yet handed to the network; 0 for a connection that is gone. */
  bufferedBytes(connectionId: string): number;
  /**
   * Nothing of the connection is to be read for so long: its peer sends in vain, and reading it costs the others. What has been read may still come. A host
   * that cannot do it leaves it out.
   */
  hold?(connectionId: string, ms: number): void;
  /**
   * Ends the connection with the close code of `error.code`, after what was sent before. The room has sent its `error` message already and has
   * forgotten the connection: a later `leave` for it is harmless.
   */
  disconnect(connectionId: string, error: AlcoveError): void;
  /** `flush()` is wanted soon (setImmediate, end of the turn). Called once until the next `flush()` begins. */
  requestFlush(): void;
  /** `tick()` is wanted at or soon after that monotonic time. Only the earliest request counts and a tick answers all; ticking early or too often is harmless. */
  requestTick(atMonotonicMs: number): void;
  /** A place to fetch an image from, at a version in [floor, version] of this history; null: this host can build none, rows are sent. */
  offerImage(request: ImageRequest): ImageOffer | null;
  /** The head as last stored outside the room's file; null: none was ever stored. Asked once, on open. */
  headStored(): RoomHead | null;
  /** A version became durable, or a room was opened. Versions of one history only rise. */
  storeHead(head: RoomHead): void;
  /**
   * A session that a follower tells of rows was let in, or had its token renewed: by these claims, as JSON has them, the follower chooses what it sees. Said before its
   * `welcome` or `user`. `expiresInMs`: of the token; null: for ever.
   */
  admitted?(connectionId: string, user: WelcomeMessage['user'], expiresInMs: number | null): void;
  /** The running session sent a fresh token: verify it, then call `room.renewAccess`, or `room.disconnect` where it is no good. */
  renewAccess(connectionId: string, token: string): void;
  /**
   * A session reads by SQL: find out whether it may, read, then call `room.answerRead`, whatever comes of it. Absent: this host has no readers, and who asks is told
   * `sql_unavailable`.
   */
  read?(connectionId: string, request: number, asked: ReadAsked): void;
  /** Nobody waits for that answer any more. */
  readEnd?(connectionId: string, request: number): void;
  /** The disk failed: the room answers nothing any more and must be closed and opened again from disk. Called once. */
  failed(error: AlcoveError): void;
}

export interface RoomHead {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
}

export interface ImageRequest {
  readonly historyId: string;
  /** The room's durable head. */
  readonly version: number;
  /** An image below it cannot be caught up from the log. */
  readonly floor: number;
  readonly schema: string;
  readonly view: string;
  /** What of the room's rows is in it. */
  readonly readerClass: ReaderClass;
}

export interface ImageOffer {
  readonly path: string;
  readonly ticket: string;
  readonly expiresInMs: number;
}

/** A read of a session. The room has reached `atLeast`. */
export interface ReadAsked {
  /** Name of the query in the definition; null: SQL of the user's own. */
  readonly query: string | null;
  readonly sql: string;
  readonly params: Row;
  readonly dialect: Dialect;
  readonly atLeast: BookmarkParts | null;
  /** Of the room as it is. */
  readonly historyId: string;
  readonly route: ReadRoute;
  /** Whose rows. */
  readonly reader: ReaderClass;
  readonly claims: Claims | null;
  /** Whose turn it takes: opaque, the same in all rooms. */
  readonly user: string;
  /** How long whoever answers may lag behind. */
  readonly waitMs: number;
}
