import { PUSH_MUTATIONS_MAX } from '@alcove/core/protocol/client-message';
import { MESSAGE_DEPTH_MAX } from '@alcove/core/protocol/limits';
import type { MutatorTx } from '@alcove/core/schema/define-mutator';
import type { LimitsOf, LimitTable } from '../limits/limits.ts';
import { DAY, KB, limit, MB, MINUTE, resolveLimits, SECOND } from '../limits/limits.ts';

/** Every bound of a room: its default and the range an option may set it to. What happens at the bound stands beside it. */
export const ROOM_LIMITS = {
  // --- what comes in
  /** One frame; past it `message_too_large`, session closed. 1 MB is what common brokers take; a push of 100 mutations is far smaller. */
  messageBytesMax: limit(MB, 1 * KB, 32 * MB),
  /** One frame after inflating; checked while inflating. */
  messageInflatedBytesMax: limit(4 * MB, 1 * KB, 128 * MB),
  /** Levels of arrays and objects in a message; past it `message_too_deep`, session closed. The arguments of a mutation begin at the fourth, a state at the second. */
  messageDepthMax: limit(MESSAGE_DEPTH_MAX, 4, MESSAGE_DEPTH_MAX),
  /** Mutations in one push; past it `bad_message`. */
  pushMutationsMax: limit(PUSH_MUTATIONS_MAX, 1, PUSH_MUTATIONS_MAX),
  /** Sessions of one room; past it a join is told `overloaded`. */
  sessionsMax: limit(10_000, 1, 1_000_000),
  /** Sessions of one user in the room; past it a join is told `rate_limited`. Far more windows than anybody keeps open. */
  userSessionsMax: limit(100, 1, 1_000_000),
  /** Mutations that one session has waiting for a flush; past it `rate_limited`, retryable. Ten full pushes. */
  sessionQueuedMutationsMax: limit(1_000, 1, 100_000),
  /** The same of one user over all of their sessions, and its bytes. A part of the room's, so that one user alone never fills it. */
  userQueuedMutationsMax: limit(5_000, 1, 1_000_000),
  userQueuedBytesMax: limit(8 * MB, 1 * KB, 1_000 * MB),
  /** All that waits for a flush; past either `overloaded`, retryable. */
  queuedMutationsMax: limit(20_000, 1, 1_000_000),
  queuedBytesMax: limit(32 * MB, 1 * KB, 1_000 * MB),
  /**
   * Mutations a second that last, and how many more may come at once after a quiet time, of a client, of a user over all of their sessions, of the room; past
   * any `rate_limited`, retryable, and who goes on all the same is not read for a while. A slider dragged at 60 Hz is a sixteenth of it; an outbox of
   * 10,000 goes through at full speed, twice over.
   */
  sessionMutationsPerSecondMax: limit(1_000, 1, 10 * MB),
  sessionMutationsBurst: limit(20_000, 1, 10 * MB),
  userMutationsPerSecondMax: limit(2_000, 1, 10 * MB),
  userMutationsBurst: limit(40_000, 1, 10 * MB),
  roomMutationsPerSecondMax: limit(10_000, 1, 10 * MB),
  roomMutationsBurst: limit(200_000, 1, 10 * MB),
  /** A session that says nothing for so long is closed `idle_timeout`; clients ping every heartbeatIntervalMs. */
  heartbeatIntervalMs: limit(15 * SECOND, 100, 10 * MINUTE),
  idleTimeoutMs: limit(45 * SECOND, 200, 60 * MINUTE),
  /** What a retryable refusal asks for. */
  retryAfterMs: limit(SECOND, 1, 10 * MINUTE),

  // --- reads on the server
  /** Reads of one user that run or wait, over all of their sessions; past it `rate_limited`, retryable. */
  userReadsMax: limit(8, 1, 10_000),

  // --- commits
  /** Mutations in one transaction; the rest goes into the next one, so that one commit's time stays bounded. */
  commitMutationsMax: limit(500, 1, 100_000),
  /** After so long in one transaction it is committed as it is. */
  commitTimeBudgetMs: limit(100, 1, MINUTE),
  /**
   * Who has far more waiting than the others gets about so many mutations into one commit while they push too, and the commit about so much time: others
   * wait for it. Eight share an fsync well enough for it to get on: at 3 ms a commit that is 2,000 a second.
   */
  commitShareMutations: limit(8, 1, 100_000),
  commitShareTimeBudgetMs: limit(2, 1, MINUTE),
  /** Rows, statements and time of one mutation; past them `mutator_limit` and `mutator_timeout`, final. */
  mutatorRowsMax: limit(10_000, 1, 10 * MB),
  mutatorStatementsMax: limit(10_000, 1, 10 * MB),
  mutatorTimeBudgetMs: limit(SECOND, 1, 10 * MINUTE),

  // --- change log and remembered clients
  /** Versions, bytes and age the log keeps; past any the floor rises. A client below the floor takes a snapshot. */
  changeLogVersionsMax: limit(100_000, 1, 100 * MB),
  changeLogBytesMax: limit(64 * MB, 1 * KB, 100_000 * MB),
  changeLogAgeMsMax: limit(30 * DAY, SECOND, 3_650 * DAY),
  /** Below the floor the hash of every Nth version is kept, to tell a client of our history from one of another. */
  keptHashEveryVersions: limit(1_000, 1, MB),
  /** Records whose chained hashes are recomputed on open; the tail is where a damaged file hurts first. */
  openVerifyVersionsMax: limit(64, 0, 10 * MB),
  /** Clients remembered, and for how long after their last word; past either the longest silent are forgotten (`client_unknown`). */
  clientsMax: limit(100_000, 1, 10 * MB),
  clientRetentionMs: limit(30 * DAY, SECOND, 3_650 * DAY),
  /** Idempotency keys of the server's own calls remembered, and for how long after the last call under them; past either the longest unused are forgotten. */
  idempotencyKeysMax: limit(100_000, 1, 10 * MB),
  idempotencyKeyRetentionMs: limit(30 * DAY, SECOND, 3_650 * DAY),
  /** Rejections kept of one client; past it nothing more is taken from it until it says `heard`: `rate_limited`, retryable. */
  clientRejectionsMax: limit(1_000, 1, 1_000_000),
  /** What clients have heard of is written at the latest so long after. */
  heardDelayMs: limit(SECOND, 1, MINUTE),
  /** Pruning and forgetting happen this often. */
  housekeepingIntervalMs: limit(MINUTE, 10, DAY),

  // --- what goes out
  /** Bytes queued on a socket past which a session leaves the live stream and is caught up from the log once the socket has drained. */
  subscriberBacklogBytesMax: limit(1 * MB, 1 * KB, 100 * MB),
  /** Bytes queued past which, and time without draining after which, it is closed `backlog_exceeded`. Above the largest commit as a frame, which is queued whole. */
  subscriberBacklogBytesHard: limit(32 * MB, 1 * KB, 1_000 * MB),
  subscriberBacklogMsMax: limit(30 * SECOND, 10, 60 * MINUTE),
  /** Most versions and record bytes of one merged range while catching up. Ranges are aligned so that many readers share their encoding. */
  catchUpVersionsMax: limit(64, 1, 10_000),
  catchUpBytesMax: limit(512 * KB, 1 * KB, 100 * MB),
  /** Encoded ranges kept while somebody catches up; least recently used out first. */
  catchUpCacheBytesMax: limit(8 * MB, 0, 1_000 * MB),
  /** How often a full socket is looked at again. */
  drainPollMs: limit(50, 1, 10 * SECOND),
  /** Rows and about so many bytes in one chunk of a snapshot; between two chunks mutations have their turn. */
  snapshotChunkRowsMax: limit(2_000, 1, MB),
  snapshotChunkBytesMax: limit(256 * KB, 1 * KB, 100 * MB),
  /** Row snapshots at once; others wait their turn. */
  snapshotRunsMax: limit(4, 1, 1_000),
  /**
   * Row snapshots a minute that last, and how many more may begin at once after a quiet time, of a client and of a user over all of their sessions; past either the
   * next one is late. A client takes one where it cannot resume and where its view changes; userSessionsMax of a user come back at once, twice.
   */
  sessionSnapshotsPerMinuteMax: limit(12, 1, MB),
  sessionSnapshotsBurst: limit(10, 1, MB),
  userSnapshotsPerMinuteMax: limit(60, 1, MB),
  userSnapshotsBurst: limit(200, 1, 10 * MB),
  /** Before-images kept of rows that changed while a snapshot was read; past it the snapshot begins again at the newer head. */
  snapshotOverlayRowsMax: limit(100_000, 1, 10 * MB),

  // --- ephemeral state
  /** One presence, cursor or ephemeral state as JSON text; past it `state_too_large`. */
  stateBytesMax: limit(4 * KB, 16, 1 * MB),
  /**
   * Sets of presence, cursors, ephemeral states and values a second that last, and how many more may come at once, of a session and of a user over all of
   * their sessions; past either the last one of each is put off until it fits, those before it are left out. Cursor, slider and presence at 60 Hz are 180.
   */
  sessionStatesPerSecondMax: limit(500, 1, MB),
  sessionStatesBurst: limit(1_000, 1, MB),
  userStatesPerSecondMax: limit(2_000, 1, MB),
  userStatesBurst: limit(4_000, 1, MB),
  /** Ephemeral keys of one session; past it the least recently set is dropped. */
  sessionEphemeralKeysMax: limit(64, 1, 10_000),
  /** Entries of each kind of state in one room; past it the least recently set is dropped. */
  stateEntriesMax: limit(10_000, 1, MB),
  presenceTtlMs: limit(60 * SECOND, 10, DAY),
  cursorTtlMs: limit(30 * SECOND, 10, DAY),
  ephemeralTtlMs: limit(30 * SECOND, 10, DAY),
  /** States and values are sent at most this often (20 Hz): faster than the eye, slower than a mouse. */
  ephemeralTickMs: limit(50, 1, 10 * SECOND),
  /** Bytes queued on a socket past which it gets no states and values until it has drained; well below subscriberBacklogBytesMax, so commits go first. */
  ephemeralBacklogBytesMax: limit(256 * KB, 1, 100 * MB),

  // --- debounced values
  /** One value as JSON text; past it `value_too_large`. */
  valueBytesMax: limit(100 * KB, 16, 100 * KB),
  /** Length of a value's or ephemeral state's key in characters. */
  keyCharactersMax: limit(256, 1, 256),
  /** Rows of alcove_values; past it a new key is refused, `value_invalid`. */
  valueKeysMax: limit(10_000, 1, 10 * MB),
  /** Bytes of values that are not yet written; past it they are written at once. */
  unwrittenValueBytesMax: limit(4 * MB, 1 * KB, 1_000 * MB),
  /** Bytes of them past which, since they cannot be written (a full disk), nothing more is taken: `overloaded`, retryable; setters keep it and offer it again. */
  unwrittenValueBytesHard: limit(32 * MB, 1 * KB, 1_000 * MB),
} as const satisfies LimitTable;

/** What a room's meter counts: its limits, those of the process that it meets, and a bound that is no option. */
export const ROOM_LIMIT_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(ROOM_LIMITS),
  'userMutationsPerSecondEverywhereMax',
  'changeSetBytesMax',
]);

export type LimitName = keyof typeof ROOM_LIMITS;
/** Bounds of each room, by name; units are in the names. */
export type RoomLimits = LimitsOf<typeof ROOM_LIMITS>;

export interface RoomOptions {
  readonly limits?: Partial<RoomLimits>;
  /** Opens a file that is shorter than, or not of, the recorded head: as a new history, loudly logged. Without it: `history_lost`. */
  readonly acceptLostTail?: boolean;
  /** Fills a room that is created; its rows are there at version 0, unlogged. Not called for a file that exists. */
  readonly seed?: (tx: MutatorTx) => void;
  /**
   * The file was just copied for a new room: a plain SQLite file whose tables fit the definition becomes a room at version 0, a room's file goes on
   * from its version under a history of its own, with no client remembered. Without it a file with tables that is no room is `file_foreign`.
   */
  readonly adoptFile?: boolean;
}

export interface ResolvedRoomOptions {
  readonly limits: RoomLimits;
  readonly acceptLostTail: boolean;
  readonly seed: ((tx: MutatorTx) => void) | null;
  readonly adoptFile: boolean;
}

/** Pairs of limits of which the first must not pass the second. */
const ORDERED: readonly (readonly [LimitName, LimitName])[] = [
  ['subscriberBacklogBytesMax', 'subscriberBacklogBytesHard'],
  ['heartbeatIntervalMs', 'idleTimeoutMs'],
  ['messageBytesMax', 'messageInflatedBytesMax'],
  ['sessionQueuedMutationsMax', 'queuedMutationsMax'],
  ['userQueuedMutationsMax', 'queuedMutationsMax'],
  ['userQueuedBytesMax', 'queuedBytesMax'],
  ['unwrittenValueBytesMax', 'unwrittenValueBytesHard'],
];

/** A part of the room's bounds: where that is set lower and the part is not, so is the part. As many sessions as a user may have get their snapshots at once. */
const withParts = (given: Partial<RoomLimits>): Partial<RoomLimits> => ({
  ...(given.queuedMutationsMax === undefined
    ? {}
    : { userQueuedMutationsMax: Math.min(ROOM_LIMITS.userQueuedMutationsMax.default, given.queuedMutationsMax) }),
  ...(given.queuedBytesMax === undefined
    ? {}
    : { userQueuedBytesMax: Math.min(ROOM_LIMITS.userQueuedBytesMax.default, given.queuedBytesMax) }),
  ...(given.userSessionsMax === undefined
    ? {}
    : { userSnapshotsBurst: Math.max(ROOM_LIMITS.userSnapshotsBurst.default, 2 * given.userSessionsMax) }),
  ...given,
});

/** @throws AlcoveError `option_invalid`: names the option, what was given and the range. */
export function resolveRoomOptions(options: RoomOptions = {}): ResolvedRoomOptions {
  return {
    limits: resolveLimits(ROOM_LIMITS, withParts(options.limits ?? {}), { owner: 'a room', ordered: ORDERED }),
    acceptLostTail: options.acceptLostTail ?? false,
    seed: options.seed ?? null,
    adoptFile: options.adoptFile ?? false,
  };
}
