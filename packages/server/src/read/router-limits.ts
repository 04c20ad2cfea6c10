import { limit, type LimitsOf, MINUTE, SECOND } from '../limits/limits.ts';

/** Bounds of what the router of reads does, each with the reason for its default. */
export const ROUTER_LIMITS = {
  /** Versions that a replica may be behind and still be asked: about what a busy room writes in the ten seconds of `lagMsMax`. */
  lagVersionsMax: limit(1_000, 0, 1_000_000_000),
  /** Past it a reader would notice. */
  lagMsMax: limit(10 * SECOND, 0, 60 * MINUTE),
  /** Further replicas that a read is tried at: with three of a fleet down, a fourth is not the answer. */
  retriesMax: limit(2, 0, 5),
  /** A replica that has said nothing for as long, nor for a second past the read's own time, is unavailable. */
  failoverTimeoutMs: limit(5 * SECOND, 100, MINUTE),
  /** Between looks at a replica; errors are looked into at once. */
  checkIntervalMs: limit(30 * SECOND, 100, 10 * MINUTE),
  /** Rooms that a look compares with the primary, of those that the replica has answered: two digests each, of small rooms a few milliseconds. */
  compareRoomsMax: limit(20, 0, 1_000),
  /** Rows that looks read for it, each look, on both sides: about half a second of reader processes. */
  compareRowsMax: limit(200_000, 0, 100_000_000),
  /** Reads that wait for a place at one replica: ten times what it does at once by default, a second's work for reads of 100 ms. */
  queueMax: limit(100, 0, 10_000),
  /** What waits longer has lost whoever asked. */
  queueWaitMs: limit(2 * SECOND, 0, MINUTE),
  /** Reads that wait for replicas to reach their version, each with a timer; past it they go to the primary's readers at once. */
  waitingReadsMax: limit(1_000, 0, 100_000),
  /** Failures within the window that open a breaker: one or two are a restart. */
  breakerFailuresMax: limit(5, 1, 100),
  breakerWindowMs: limit(10 * SECOND, 100, 10 * MINUTE),
  /** What is not back by then is not hurt by another wait. */
  breakerOpenMs: limit(MINUTE, 100, 60 * MINUTE),
  /** From a tenth of the reads to all of them, for what comes back with cold caches. */
  rampMs: limit(30 * SECOND, 1, 10 * MINUTE),
  /** Times what the other replicas need: reads that are spread by chance differ by less. */
  slowFactor: limit(10, 2, 1_000),
  /** Below it nobody notices. */
  slowFloorMs: limit(50, 1, MINUTE),
  /** What whoever is sent away is told to wait, where nothing better is known. */
  retryAfterMs: limit(SECOND, 50, MINUTE),
} as const;

export type RouterLimits = LimitsOf<typeof ROUTER_LIMITS>;
export type RouterLimitName = keyof typeof ROUTER_LIMITS;

export const ROUTER_LIMIT_NAMES = Object.keys(ROUTER_LIMITS) as readonly RouterLimitName[]; // the keys of a constant
