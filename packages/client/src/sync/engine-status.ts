import { type ErrorBody, exhaustive } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionState } from '../connection/connection-state.ts';
import type { ConnectionPhase, EngineStatus } from './engine-interface.ts';
import type { ReplicaFlow } from './replica-flow.ts';

export interface StatusSources {
  readonly runtime: Runtime;
  readonly connection: Pick<Connection, 'state' | 'heardAtMs' | 'roundTripMs'>;
  readonly replica: Pick<ReplicaFlow, 'position' | 'isCurrent' | 'progress'>;
  /** Of the last attempt; null since the last welcome. */
  readonly error: ErrorBody | null;
  readonly headVersion: number | null;
  readonly pending: number;
  readonly rejected: number;
  readonly sessionId: string | null;
  readonly serverOffsetMs: number | null;
  readonly user: Claims | null;
}

/** Everything the page may show of how the engine stands. */
export function engineStatus(sources: StatusSources): EngineStatus {
  const { connection, replica, error, headVersion, pending, rejected, sessionId, serverOffsetMs, user } = sources;
  const { state } = connection;
  const { position } = replica;
  return {
    connection: phaseOf(state),
    error,
    attempt: state.past.attempt,
    retryAtMs: retryAtMs(state, sources.runtime),
    replica: position === null ? 'pending' : replica.isCurrent ? 'current' : 'cached',
    historyId: position?.historyId ?? null,
    version: position?.version ?? null,
    headVersion,
    heardAtMs: connection.heardAtMs,
    roundTripMs: connection.roundTripMs,
    pending,
    rejected,
    hydration: replica.progress,
    sessionId,
    user,
    serverOffsetMs,
  };
}

function phaseOf(state: ConnectionState): ConnectionPhase {
  switch (state.phase) {
    case 'idle':
    case 'waiting':
    case 'connecting':
    case 'live':
    case 'needsAuth':
    case 'failed':
    case 'closed':
      return state.phase;
    default:
      return exhaustive(state);
  }
}

/** On the wall clock, and stable while the wait lasts, whatever moment it is asked at. */
function retryAtMs(state: ConnectionState, runtime: Runtime): number | null {
  return state.phase === 'waiting' ? Math.round(runtime.nowMs() + state.retryAtMs - runtime.monotonicMs()) : null;
}
