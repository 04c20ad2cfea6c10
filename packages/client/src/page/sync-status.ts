import { AlcoveError } from '@alcove/core/error';
import type { EngineStatus } from '../sync/engine-interface.ts';

/** State of a room in this tab, for status bars and hooks. */
export interface SyncStatus {
  /**
   * `idle`: not started. `connecting`: first attempt, or after a loss with nothing to wait for. `connected`. `reconnecting`: waits for the next attempt. `needs_auth`: the token was
   * refused. `failed`: stopped for good, see `error`. `closed`.
   */
  readonly connection: 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'needs_auth' | 'failed' | 'closed';
  readonly error: AlcoveError | null;
  /** Wall time of the next attempt to connect, in ms. */
  readonly retryAtMs: number | null;
  readonly attempt: number;
  /** What live queries are worth now. */
  readonly replica: 'pending' | 'cached' | 'current';
  /** Version this tab holds, and the room's own as last heard. */
  readonly version: number | null;
  readonly headVersion: number | null;
  /** How long since the room was last heard when it is not connected, the half round trip when it is; null before the first word. */
  readonly lagMs: number | null;
  /** Wall time of the room's last word. */
  readonly lastHeardAtMs: number | null;
  /** Mutations called here that the room has not decided. */
  readonly pendingCount: number;
  /** Rejected, failed and unknown ones that were not dismissed. */
  readonly rejectedCount: number;
  readonly snapshotProgress: SnapshotProgress | null;
  readonly sessionId: string | null;
  readonly user: EngineStatus['user'];
}

export interface SnapshotProgress {
  readonly phase: 'waiting' | 'image' | 'rows' | 'opening';
  readonly bytes: number;
  readonly bytesTotal: number | null;
  readonly rows: number;
  readonly rowsTotal: number | null;
}

export const INITIAL_STATUS: SyncStatus = {
  connection: 'idle',
  error: null,
  retryAtMs: null,
  attempt: 0,
  replica: 'pending',
  version: null,
  headVersion: null,
  lagMs: null,
  lastHeardAtMs: null,
  pendingCount: 0,
  rejectedCount: 0,
  snapshotProgress: null,
  sessionId: null,
  user: null,
};

const CONNECTION = {
  idle: 'connecting',
  connecting: 'connecting',
  live: 'connected',
  waiting: 'reconnecting',
  needsAuth: 'needs_auth',
  failed: 'failed',
  closed: 'closed',
} as const;

/** Why no first rows can come until somebody does something (sign in, update the app, restart the server); null: they may come by themselves. */
export function obstacleIn({ replica, connection, error }: EngineStatus): AlcoveError | null {
  if (replica !== 'pending' || error === null || connection === 'live') return null;
  const stands = connection === 'failed' || connection === 'needsAuth' || error.code === 'room_outdated';
  return stands ? AlcoveError.fromBody(error) : null;
}

/** The engine's status with the page's own counts. */
export function syncStatusOf(
  engine: EngineStatus,
  counts: { readonly pending: number; readonly rejected: number },
  nowMs: number,
): SyncStatus {
  const connection = CONNECTION[engine.connection];
  const silentMs = engine.heardAtMs === null ? null : Math.max(0, nowMs - engine.heardAtMs);
  return {
    connection,
    error: engine.error === null ? null : AlcoveError.fromBody(engine.error),
    retryAtMs: engine.retryAtMs,
    attempt: engine.attempt,
    replica: engine.replica,
    version: engine.version,
    headVersion: engine.headVersion,
    lagMs: connection === 'connected' ? (engine.roundTripMs === null ? null : engine.roundTripMs / 2) : silentMs,
    lastHeardAtMs: engine.heardAtMs,
    pendingCount: counts.pending,
    rejectedCount: counts.rejected,
    snapshotProgress: engine.hydration,
    sessionId: engine.sessionId,
    user: engine.user,
  };
}
