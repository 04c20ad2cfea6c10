import type { ErrorCode } from '@alcove/core/error';
import { type Breaker, breakerAt } from './breaker.ts';
import type { WrongRoom } from './compare-room.ts';
import { quantile } from './latency-window.ts';
import type { ReplicaLag } from './replica.ts';
import type { LastError, ReplicaSettings } from './replica-state.ts';
import type { RouterCounts } from './router-counts.ts';
import type { RouterSettings } from './router-options.ts';
import type { SyncReport } from './sync-figures.ts';
import type { SlowRead } from './slow-reads.ts';
import type { Strategy } from './strategy.ts';
import type { UncomparedRoom } from './uncompared-rooms.ts';
import type { WatchedReplica } from './watched-replica.ts';

const WRONG_SHOWN_MAX = 10;
const UNCOMPARED_SHOWN_MAX = 10;

type Codes = Readonly<Partial<Record<ErrorCode, number>>>;

/** What a router has done and how its replicas are; plain values for status, metrics and a dashboard. Counters only grow while their replica is there. */
export interface RouterSnapshot {
  readonly enabled: boolean;
  readonly strategy: Strategy;
  readonly counts: Readonly<RouterCounts>;
  /** Reads that failed, by code. */
  readonly errors: Codes;
  /** Of the answered reads, those answered by replicas other than the primary's readers, from 0 to 1; null before the first. */
  readonly replicaShare: number | null;
  /** Reads that wait for a version just now. */
  readonly waiting: number;
  /** Of the last ten minutes, the slowest first. */
  readonly slowReads: readonly SlowRead[];
  readonly replicas: readonly ReplicaSnapshot[];
}

export interface ReplicaSnapshot extends ReplicaSettings {
  readonly enabled: boolean;
  readonly draining: boolean;
  /** By the last look; null: nobody has looked at it, nor did it answer a read. */
  readonly isUp: boolean | null;
  /** As the last look found it. */
  readonly lag: ReplicaLag | null;
  /** Likewise, how it keeps its rooms in step; null: it has none of its own. */
  readonly sync: SyncReport | null;
  /** How long ago it was looked at. */
  readonly checkedMsAgo: number | null;
  readonly inFlight: number;
  readonly queued: number;
  /** Sent away because too many waited, or too long. */
  readonly sentAway: number;
  readonly reads: number;
  /** Its part of all that replicas answered, from 0 to 1. */
  readonly share: number | null;
  /** Its own: it could not be had, or was broken. */
  readonly errors: Codes;
  readonly lastError: LastError | null;
  /** Of what it was asked: a text that any replica refuses or cannot run, asks for too much, or takes too long. */
  readonly statementErrors: Codes;
  /** Reads that went elsewhere with nothing held against it: it was behind, does not have the room, or had too much to do. */
  readonly passedOn: number;
  /** Answers older than asked for. */
  readonly older: number;
  /** Of the last minute. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly ewmaMs: number | null;
  /** By operation class; one that never failed is not there. */
  readonly breakers: Readonly<Record<string, Breaker['state']>>;
  /** Anything but `closed`: it is much slower than the others, or was. */
  readonly pace: Breaker['state'];
  /** How often it was taken out for that. */
  readonly ejections: number;
  /** Rooms that it holds other rows of than the primary, as the last look found them; while there is one it answers nothing. At most ten. */
  readonly wrong: readonly WrongRoom[];
  /** Comparisons of a room with the primary by what they found (`unsure`: the room was written too fast, or could not be read; `late`: it was not read in time), and rooms it was told to take anew. */
  readonly compared: Readonly<Record<'same' | 'unsure' | 'late' | 'wrong' | 'resyncs', number>>;
  /** Rooms whose last comparison found nothing out: how many, and at most ten of them, the longest waiting first. */
  readonly uncompared: { readonly count: number; readonly rooms: readonly UncomparedRoom[] };
  /** Rooms that it has answered and that wait to be compared. */
  readonly toCompare: number;
}

interface RouterFigures {
  readonly counts: RouterCounts;
  readonly waiting: number;
  readonly errors: Codes;
  readonly slowReads: readonly SlowRead[];
}

export function snapshotOf(
  replicas: readonly WatchedReplica[],
  settings: RouterSettings,
  figures: RouterFigures,
  nowMs: number,
): RouterSnapshot {
  const { counts, waiting, errors, slowReads } = figures;
  const answered = replicas.reduce((sum, replica) => sum + replica.answered, 0);
  return {
    enabled: settings.enabled,
    strategy: settings.strategy,
    counts: { ...counts },
    errors,
    replicaShare: counts.answered === 0 ? null : counts.byReplicas / counts.answered,
    waiting,
    slowReads,
    replicas: replicas.map((replica) => replicaSnapshot(replica, settings, answered, nowMs)),
  };
}

function replicaSnapshot(replica: WatchedReplica, { breaker }: RouterSettings, answered: number, nowMs: number): ReplicaSnapshot {
  const { state, places, latency } = replica;
  const sorted = latency.sorted(nowMs);
  const stateOf = (one: Breaker): Breaker['state'] => breakerAt(one, nowMs, breaker).state;
  return {
    ...state.settings,
    enabled: state.enabled,
    draining: state.draining,
    isUp: state.checkedMs === null ? (replica.answered > 0 ? true : null) : !state.isDown,
    lag: state.lag ?? (state.settings.isPrimary ? { versions: 0, ms: 0 } : null),
    sync: state.sync,
    checkedMsAgo: state.checkedMs === null ? null : nowMs - state.checkedMs,
    inFlight: places.taken,
    queued: places.queued,
    sentAway: places.sentAway,
    reads: replica.answered,
    share: answered === 0 ? null : replica.answered / answered,
    errors: replica.errors.toObject(),
    lastError: state.lastError,
    statementErrors: replica.statementErrors.toObject(),
    passedOn: replica.passedOn,
    older: replica.older,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    ewmaMs: latency.ewmaMs,
    breakers: Object.fromEntries([...state.breakers].map(([name, one]) => [name, stateOf(one)])),
    pace: stateOf(state.pace),
    ejections: replica.ejections,
    wrong: [...replica.wrong.values()].slice(0, WRONG_SHOWN_MAX),
    compared: { ...replica.compared },
    uncompared: { count: replica.uncompared.size, rooms: replica.uncompared.list(UNCOMPARED_SHOWN_MAX) },
    toCompare: replica.answeredRooms.size,
  };
}
