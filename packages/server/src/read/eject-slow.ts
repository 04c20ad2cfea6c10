import { quantile } from './latency-window.ts';

export interface SlowSettings {
  /** A read is slow past this many times what nearly all reads of the other replicas take. */
  readonly slowFactor: number;
  /** And never below this. */
  readonly slowFloorMs: number;
}

/** Reads differ in what they cost: ten times is no difference of queries that are spread by chance, and 50 ms nobody notices. */
export const SLOW_SETTINGS: SlowSettings = { slowFactor: 10, slowFloorMs: 50 };

/** One or two may have met a pause of the machine. */
const SLOW_READS_MIN = 3;
/** Of a replica's reads: fewer are what any replica has now and then. */
const SLOW_SHARE = 0.05;
/** Of the others, before anything can be compared with them. */
const OTHERS_READS_MIN = 10;
/** What nearly all reads take. */
const NEARLY_ALL = 0.95;

/**
 * From when on a read counts as slow, seen from one replica: by the median of what the others take for nearly all of theirs, so that one other that is ill as well does not move it.
 * Null: the others have too few to tell.
 * @param others Recent latencies of each other replica, shortest first.
 */
export function slowFrom(others: readonly (readonly number[])[], { slowFactor, slowFloorMs }: SlowSettings): number | null {
  const known = others.filter(({ length }) => length >= OTHERS_READS_MIN);
  const median = quantile(
    known.map((sorted) => quantile(sorted, NEARLY_ALL) ?? 0).sort((a, b) => a - b),
    0.5,
  );
  return median === null ? null : Math.max(slowFloorMs, slowFactor * median);
}

/** Whether a replica is slow though it answers. */
export function isSlow(own: readonly number[], fromMs: number): boolean {
  const slow = own.filter((tookMs) => tookMs > fromMs).length;
  return slow >= SLOW_READS_MIN && slow >= SLOW_SHARE * own.length;
}

/** Whether one more may be taken out: at least half stay in. */
export const mayEject = (replicas: number, ejected: number): boolean => (ejected + 1) * 2 <= replicas;
