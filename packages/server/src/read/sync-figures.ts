import type { ErrorBody } from '@alcove/core/error';

/** `syncing`: its first whole copy is on its way, nothing can be read · `live` · `failing`: the last try failed; what was there before may still be read · `deleted`: the primary has no such room any more. */
export type SyncState = 'syncing' | 'live' | 'failing' | 'deleted';

/** How one room is kept in step somewhere else, by a follower or a mirror: the same figures for both. Counters grow from the start of the process that keeps it. */
export interface SyncFigures {
  /** Name of the definition. */
  readonly room: string;
  readonly id: string;
  readonly state: SyncState;
  /** What is there; null: nothing yet. */
  readonly version: number | null;
  /** As far as whoever keeps it has heard. */
  readonly primaryVersion: number | null;
  readonly lagVersions: number;
  /** How long ago it was level with the primary; 0: it is. */
  readonly lagMs: number;
  /** Wall time: when something was applied last; null: never. */
  readonly lastSyncMs: number | null;
  /** How long ago that was. */
  readonly ageMs: number | null;
  /** Transactions that brought it further, whole copies among them. */
  readonly batches: number;
  /** Rows put or deleted by them; of whole copies only where they are counted. */
  readonly rows: number;
  readonly errors: number;
  /** Errors of all tries, from 0 to 1. */
  readonly errorRate: number;
  /** The last one, while the room is `failing`. */
  readonly error: Pick<ErrorBody, 'code' | 'message'> | null;
}

export interface SyncTotals {
  readonly rooms: number;
  /** Can be read just now, however old. */
  readonly available: number;
  /** Live and without an error. */
  readonly healthy: number;
  readonly batches: number;
  readonly rows: number;
  readonly errors: number;
  readonly errorRate: number;
  /** Of the room that is furthest behind. */
  readonly lagVersions: number;
  readonly lagMs: number;
}

/** What status, metrics and dashboard show of one follower or mirror. */
export interface SyncReport {
  readonly totals: SyncTotals;
  /** The worst first; no more than asked for. */
  readonly rooms: readonly SyncFigures[];
  /** Rooms that are not among them. */
  readonly omitted: number;
}

/** Rooms of a report: what a person looks through, and a few KB. */
export const SYNC_ROOMS_MAX = 50;

export const isAvailable = ({ state, version }: SyncFigures): boolean => version !== null && (state === 'live' || state === 'failing');

export const isHealthy = ({ state, version }: SyncFigures): boolean => version !== null && state === 'live';

/** 0 before the first try. */
export const errorRateOf = (batches: number, errors: number): number => (batches + errors === 0 ? 0 : errors / (batches + errors));

export function syncReport(figures: readonly SyncFigures[], roomsMax: number = SYNC_ROOMS_MAX): SyncReport {
  const rooms = [...figures].sort(worseFirst).slice(0, roomsMax);
  return { totals: totalsOf(figures), rooms, omitted: figures.length - rooms.length };
}

function totalsOf(figures: readonly SyncFigures[]): SyncTotals {
  const sum = (of: (one: SyncFigures) => number): number => figures.reduce((all, one) => all + of(one), 0);
  const most = (of: (one: SyncFigures) => number): number => figures.reduce((all, one) => Math.max(all, of(one)), 0);
  const [batches, errors] = [sum((one) => one.batches), sum((one) => one.errors)];
  return {
    rooms: figures.length,
    available: figures.filter(isAvailable).length,
    healthy: figures.filter(isHealthy).length,
    batches,
    rows: sum(({ rows }) => rows),
    errors,
    errorRate: errorRateOf(batches, errors),
    lagVersions: most(({ lagVersions }) => lagVersions),
    lagMs: most(({ lagMs }) => lagMs),
  };
}

const BADNESS: Readonly<Record<SyncState, number>> = { failing: 0, syncing: 1, live: 2, deleted: 3 };

const worseFirst = (a: SyncFigures, b: SyncFigures): number =>
  BADNESS[a.state] - BADNESS[b.state] ||
  b.lagMs - a.lagMs ||
  b.lagVersions - a.lagVersions ||
  b.errorRate - a.errorRate ||
  (`${a.room}/${a.id}` < `${b.room}/${b.id}` ? -1 : 1);
