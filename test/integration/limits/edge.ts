import type { ErrorCode } from '@alcove/core/error';
import type { HostLimits, RoomLimits } from '@alcove/server/node';
import type { AnyLimits, LimitedServer } from './limited-server.ts';
import type { Peer } from './peer.ts';

export type LimitName = keyof (RoomLimits & HostLimits);

/** Bounds that are no options and are counted all the same. */
export type FixedName = 'changeSetBytesMax' | 'messageFragmentsMax';

/** What somebody past a limit was told. */
export interface Told {
  readonly code?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Close code of the socket, where it was closed. */
  readonly closed?: number | null | undefined;
  /** Whose session goes on. */
  readonly peer?: Peer;
}

/**
 * A limit, how it is reached and what happens past it. Each runs against a server of its own, with `set`.
 *
 * `code: null`: nothing is refused; slower, later or less is all there is to it, and `over` checks that.
 */
export interface Edge {
  readonly limit: LimitName | FixedName;
  /** Which of several ways there are to pass it. */
  readonly by?: string;
  readonly set: AnyLimits;
  readonly code: ErrorCode | null;
  /** Close code, where the session ends. */
  readonly closes?: number;
  /** Whether a time to wait is told. */
  readonly waits?: boolean;
  /** Just within: passes. */
  under(at: LimitedServer): Promise<void>;
  /** Just past it. */
  over(at: LimitedServer): Promise<Told>;
}
