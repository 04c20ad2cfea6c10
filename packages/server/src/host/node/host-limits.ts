import type { LimitsOf, LimitTable } from '../../limits/limits.ts';
import { DAY, KB, limit, MB, MINUTE, resolveLimits, SECOND } from '../../limits/limits.ts';
import { ROUTER_LIMIT_NAMES } from '../../read/router-limits.ts';
import { ROOM_LIMIT_NAMES } from '../../room/room-options.ts';

/** Every bound of the Node host beside those of its rooms. What happens at the bound stands beside it. */
export const HOST_LIMITS = {
  // --- sockets
  /** Open sockets; past it a request for one is answered 503 `overloaded`. */
  connectionsMax: limit(20_000, 1, 1_000_000),
  /** Of them, those that are not in a room yet: before hello, or while they are authenticated. */
  connectionsUnwelcomedMax: limit(2_000, 1, 1_000_000),
  /** From the open socket to the end of authentication; past it `hello_timeout`. */
  helloTimeoutMs: limit(10 * SECOND, 50, 10 * MINUTE),
  /** Between two bytes of a message; past it `idle_timeout`. */
  halfMessageTimeoutMs: limit(30 * SECOND, 50, 10 * MINUTE),
  /** From the first byte of a message to its last, however steadily they come; past it `idle_timeout`. At messageBytesMax that is under 2 KB/s. */
  messageTimeoutMs: limit(10 * MINUTE, 100, 60 * MINUTE),
  /** Messages that may come while somebody is let in; past it `rate_limited`. Reading stops meanwhile, so they are what one read had in it. */
  messagesBeforeWelcomeMax: limit(256, 1, 100_000),
  /** For the peer's answer to a close frame; past it the socket is cut. */
  closeTimeoutMs: limit(5 * SECOND, 10, MINUTE),
  /** Past either a socket is not read for a while: its sender is slowed down. */
  socketBytesPerSecondMax: limit(8 * MB, KB, 1_000 * MB),
  socketFramesPerSecondMax: limit(20_000, 1, 1_000_000),
  /** Pings and pongs; past it `rate_limited`. */
  socketControlFramesPerSecondMax: limit(50, 1, 1_000_000),

  /** Requests a minute that bring something else than the admin token, or than the follower token; past it 429 `rate_limited`. The right one always passes. */
  wrongTokensPerMinuteMax: limit(100, 1, MB),

  // --- followers
  /** Sessions of tabs in one room that come through one follower; past it `overloaded`. As many as a room has at all. */
  relaySessionsMax: limit(10_000, 1, 1_000_000),
  /**
   * Bytes that wait on a follower's way to its primary past which tabs that say something are not read until it has drained; past the second those are told
   * `overloaded` that have said more than their part of it since. After a pong is missing for long the way is given up and taken anew.
   */
  relayBacklogBytesMax: limit(1 * MB, 1 * KB, 100 * MB),
  relayBacklogBytesHard: limit(32 * MB, 1 * KB, 1_000 * MB),
  /** Results that a follower keeps for one tab that is not at their version yet; past it `backlog_exceeded`. Two bursts of a session's mutations. */
  relayResultsMax: limit(40_000, 1, 1_000_000),

  // --- rooms
  /**
   * Mutations a second that last, and how many more may come at once after a quiet time, of a user (claims with a `sub`) in all rooms of the process; past it
   * `rate_limited`, retryable. Twice what one room takes of a user.
   */
  userMutationsPerSecondEverywhereMax: limit(4_000, 1, 10 * MB),
  userMutationsEverywhereBurst: limit(80_000, 1, 10 * MB),
  /** Open at once; at it the longest idle one is closed, and where none is idle a join is `overloaded`. */
  openRoomsMax: limit(1_000, 1, 100_000),
  /** A room without sessions and work is closed after it. */
  roomIdleTimeoutMs: limit(MINUTE, 10, DAY),
  /** A room whose file cannot be opened is not tried again for so long. */
  openRetryMs: limit(SECOND, 1, MINUTE),
  /** How often idle rooms are looked for, logs are moved into their files and heads are put on disk. */
  sweepIntervalMs: limit(5 * SECOND, 10, MINUTE),
  /** A write-ahead log above it is moved into its file with all readers waited for, so that it can shrink. */
  walBytesMax: limit(64 * MB, MB, 10_000 * MB),

  // --- images
  /** A room whose file is smaller sends rows: they are faster than a request and a process. */
  imageRoomBytesMin: limit(128 * KB, 0, 100_000 * MB),
  imageBuildsMax: limit(1, 1, 64),
  /** Builds that run or wait; past it readers get rows. */
  imageBuildsPendingMax: limit(32, 1, 10_000),
  /** A build that takes longer is ended with SIGKILL; its readers are told `snapshot_failed`. */
  imageBuildTimeoutMs: limit(MINUTE, 100, 60 * MINUTE),
  /** After a failed build readers get rows for so long. */
  imageRetryMs: limit(10 * SECOND, 10, 60 * MINUTE),
  /** A builder process without work ends after it. */
  imageBuilderIdleMs: limit(10 * SECOND, 10, 60 * MINUTE),
  /** Images on disk, gzipped; the least recently used go first. */
  imageCacheBytesMax: limit(1_000 * MB, MB, 1_000_000 * MB),
  imageTicketTtlMs: limit(MINUTE, 100, 60 * MINUTE),
  /** Sent at once; past it `overloaded`. */
  imageDownloadsMax: limit(256, 1, 100_000),
  /** A download that takes nothing for so long is ended. */
  imageStallTimeoutMs: limit(30 * SECOND, 100, 60 * MINUTE),

  // --- reads on the server
  /** A statement that takes longer is ended with its process: `query_timeout`. */
  readTimeoutMs: limit(5 * SECOND, 10, 60 * MINUTE),
  /** Of one answer; past either it is `truncated`. */
  readRowsMax: limit(10_000, 1, 10 * MB),
  readBytesMax: limit(MB, KB, 100 * MB),
  /** Of one value or row inside a statement; a longer one is `result_too_large`. */
  readValueBytesMax: limit(MB, KB, 100 * MB),
  /** Memory that a statement may take; past it it ends with its process, `result_too_large`. */
  readHeapBytesMax: limit(256 * MB, 16 * MB, 100_000 * MB),
  /** Reads that wait for a reader process, and for how long; past either `replica_unavailable`. */
  readQueueMax: limit(256, 0, 100_000),
  readQueueTimeoutMs: limit(10 * SECOND, 10, 10 * MINUTE),
  /** A reader process without work ends after it; starting one costs about 100 ms. */
  readerIdleMs: limit(30 * SECOND, 10, 60 * MINUTE),

  // --- stopping
  /** All of a drain; what is not done then is cut. Below the 10 s that supervisors wait before they kill. */
  drainTimeoutMs: limit(8 * SECOND, 100, 10 * MINUTE),
} as const satisfies LimitTable;

/** What the meter of a process counts. */
export const LIMIT_NAMES: ReadonlySet<string> = new Set([
  ...ROOM_LIMIT_NAMES,
  ...Object.keys(HOST_LIMITS),
  ...ROUTER_LIMIT_NAMES,
  'messageFragmentsMax',
]);

/** Bounds of the process, by name; units are in the names. */
export type HostLimits = LimitsOf<typeof HOST_LIMITS>;

/** Sockets that are in no room yet are some of all: where all are fewer, so are they. @throws AlcoveError `option_invalid`, see `resolveLimits`. */
export const resolveHostLimits = (given: Partial<HostLimits>): HostLimits => {
  const limits = resolveLimits(HOST_LIMITS, given, { owner: 'the host' });
  return { ...limits, connectionsUnwelcomedMax: Math.min(limits.connectionsUnwelcomedMax, limits.connectionsMax) };
};
