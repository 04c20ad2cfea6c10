import type { LimitName } from './edge.ts';

/**
 * Limits that nobody is told of and nothing counts: how much is done at once, how long something is kept, how often something happens. What each bounds goes
 * on later, is sent another way, or is forgotten as docs/SPEC.md says.
 */
export const QUIET_LIMITS = {
  // How much comes at once after a quiet time: a part of the rate of the same name.
  sessionMutationsBurst: 'a part of sessionMutationsPerSecondMax',
  userMutationsBurst: 'a part of userMutationsPerSecondMax',
  roomMutationsBurst: 'a part of roomMutationsPerSecondMax',
  userMutationsEverywhereBurst: 'a part of userMutationsPerSecondEverywhereMax',
  sessionStatesBurst: 'a part of sessionStatesPerSecondMax',
  userStatesBurst: 'a part of userStatesPerSecondMax',
  sessionSnapshotsBurst: 'a part of sessionSnapshotsPerMinuteMax',
  userSnapshotsBurst: 'a part of userSnapshotsPerMinuteMax',

  // How much is done at once; the rest is done next.
  commitMutationsMax: 'the rest goes into the next commit',
  commitTimeBudgetMs: 'the rest goes into the next commit',
  commitShareMutations: 'the rest goes into the next commit',
  commitShareTimeBudgetMs: 'the rest goes into the next commit',
  catchUpVersionsMax: 'the rest goes into the next message',
  catchUpBytesMax: 'the rest goes into the next message',
  snapshotChunkRowsMax: 'the rest goes into the next message',
  snapshotChunkBytesMax: 'the rest goes into the next message',
  snapshotRunsMax: 'the others are read next',
  snapshotOverlayRowsMax: 'the snapshot begins again',
  imageBuildsMax: 'the others are built next',
  openVerifyVersionsMax: 'what is looked at when a room opens',

  // How much is kept, and for how long.
  changeLogVersionsMax: 'the floor rises',
  changeLogBytesMax: 'the floor rises',
  changeLogAgeMsMax: 'the floor rises',
  keptHashEveryVersions: 'which hashes stay',
  clientsMax: 'the longest silent are forgotten',
  clientRetentionMs: 'the longest silent are forgotten',
  idempotencyKeysMax: 'the longest unused are forgotten',
  idempotencyKeyRetentionMs: 'the longest unused are forgotten',
  catchUpCacheBytesMax: 'the least recently used go',
  imageCacheBytesMax: 'the least recently used go',
  walBytesMax: 'the log is moved into its file',
  presenceTtlMs: 'it expires',
  cursorTtlMs: 'it expires',
  ephemeralTtlMs: 'it expires',
  imageTicketTtlMs: 'the next hello brings another',
  roomIdleTimeoutMs: 'the room is closed and opened again',
  imageBuilderIdleMs: 'the process is started again',
  readerIdleMs: 'the process is started again',

  // How often or how late something happens.
  heartbeatIntervalMs: 'clients ping this often',
  retryAfterMs: 'what refusals ask for',
  heardDelayMs: 'written so late at most',
  housekeepingIntervalMs: 'done this often',
  drainPollMs: 'looked at this often',
  ephemeralTickMs: 'told this often',
  openRetryMs: 'tried this often',
  sweepIntervalMs: 'done this often',
  imageRetryMs: 'tried this often',

  // How long the end of something may take.
  closeTimeoutMs: 'the socket is cut',
  drainTimeoutMs: 'what is left is cut',

  // Images: rows are sent instead, or another image is fetched.
  imageRoomBytesMin: 'smaller rooms are sent as rows',
  imageBuildTimeoutMs: 'another snapshot is sent',
  imageBuildsPendingMax: 'rows are sent',
  imageDownloadsMax: 'fetched again a little later',
  imageStallTimeoutMs: 'fetched again',
} as const satisfies Partial<Record<LimitName, string>>;

/** Limits that are pushed over their edge elsewhere, and told of in the tables of the guide beside what they belong to. */
export const MET_ELSEWHERE = {
  relaySessionsMax: 'tabs of followers',
  relayBacklogBytesMax: 'tabs of followers',
  relayBacklogBytesHard: 'tabs of followers',
  relayResultsMax: 'tabs of followers',
  userReadsMax: 'reads on the server',
  readTimeoutMs: 'reads on the server',
  readRowsMax: 'reads on the server',
  readBytesMax: 'reads on the server',
  readValueBytesMax: 'reads on the server',
  readHeapBytesMax: 'reads on the server',
  readQueueMax: 'reads on the server',
  readQueueTimeoutMs: 'reads on the server',
} as const satisfies Partial<Record<LimitName, string>>;
