import { AlcoveError, type ErrorBody, exhaustive } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Connection } from '../connection/connection.ts';
import { isServerFault } from '../connection/connection-end.ts';
import type { ConnectionState } from '../connection/connection-state.ts';
import type { PersistenceState } from '../storage/persistence-options.ts';
import type { ConnectionPhase, EngineStatus } from './engine-interface.ts';
import type { ReplicaFlow } from './replica-flow.ts';

export interface StatusSources {
  readonly runtime: Runtime;
  readonly connection: Pick<Connection, 'state' | 'heardAtMs' | 'roundTripMs'>;
  readonly replica: Pick<ReplicaFlow, 'position' | 'isCurrent' | 'progress' | 'forked' | 'hash'>;
  readonly facts: SessionFacts;
  readonly pending: number;
  readonly rejected: number;
  readonly storage: PersistenceState | null;
  readonly held: number;
}

/** What the room has said of the session and of itself. */
export class SessionFacts {
  sessionId: string | null = null;
  /** Said in the first hello. */
  groupId: string | null = null;
  user: Claims | null = null;
  /** Of the room, as the last welcome said. */
  historyId: string | null = null;
  /** The room's head as last heard. */
  headVersion: number | null = null;
  /** The room's version at the welcome; null: the session is over. */
  welcomeVersion: number | null = null;
  /** The room's wall time minus ours, at the welcome. */
  serverOffsetMs: number | null = null;
  /** Of the last attempt; null since the last welcome. */
  error: ErrorBody | null = null;

  welcome(
    { sessionId, historyId, version, serverNowMs }: Pick<WelcomeMessage, 'sessionId' | 'historyId' | 'version' | 'serverNowMs'>,
    nowMs: number,
  ): void {
    this.sessionId = sessionId;
    this.historyId = historyId;
    this.headVersion = version;
    this.welcomeVersion = version;
    this.serverOffsetMs = serverNowMs - nowMs;
    this.error = null;
  }

  saw(version: number): void {
    this.headVersion = Math.max(this.headVersion ?? 0, version);
  }

  /**
   * What the room must have for whoever looks at `shown`. Where nothing of this history is shown yet it is what the room had at the welcome: whatever this browser showed before. Null: there is
   * no session.
   */
  held(shown: BookmarkParts | null): BookmarkParts | null {
    if (this.welcomeVersion === null || this.historyId === null) return null;
    return shown?.historyId === this.historyId ? shown : { historyId: this.historyId, version: this.welcomeVersion };
  }
}

/** Everything the page may show of how the engine stands. */
export function engineStatus(sources: StatusSources): EngineStatus {
  const { connection, replica, pending, rejected, storage } = sources;
  const { error, headVersion, sessionId, groupId, serverOffsetMs, user } = sources.facts;
  const { state } = connection;
  const { position } = replica;
  return {
    connection: phaseOf(state),
    // What ended the connection is in its state before its end is taken note of.
    error: 'error' in state ? state.error : error,
    attempt: state.past.attempt,
    retryAtMs: retryAtMs(state, sources.runtime),
    replica: position === null ? 'pending' : replica.isCurrent ? 'current' : 'cached',
    historyId: position?.historyId ?? null,
    version: position?.version ?? null,
    hash: replica.hash,
    ...(replica.forked === null ? {} : { forked: replica.forked }),
    headVersion,
    welcomeVersion: sources.facts.welcomeVersion,
    heardAtMs: connection.heardAtMs,
    roundTripMs: connection.roundTripMs,
    pending,
    rejected,
    hydration: replica.progress,
    storage,
    ...(sources.held === 0 ? {} : { held: sources.held }),
    sessionId,
    ...(groupId === null ? {} : { groupId }),
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

/** Why there is no session and will be none until somebody does something; null: there is one, or may be. */
export function obstacleOf(state: ConnectionState): AlcoveError | null {
  if (state.phase === 'closed') return closedError();
  if (!('error' in state)) return null;
  const { code } = state.error;
  const stands = state.phase !== 'waiting' || code === 'room_outdated' || isServerFault(code);
  return stands ? AlcoveError.fromBody(state.error) : null;
}

/** On the wall clock, and stable while the wait lasts, whatever moment it is asked at. */
function retryAtMs(state: ConnectionState, runtime: Runtime): number | null {
  return state.phase === 'waiting' ? Math.round(runtime.nowMs() + state.retryAtMs - runtime.monotonicMs()) : null;
}

/** What was pending of a client that was stopped. */
export const STOPPED: ErrorBody = { code: 'unknown_outcome', message: 'the room takes nothing more from its client' };
export const closedError = (): AlcoveError => new AlcoveError('closed', 'the room was closed');
