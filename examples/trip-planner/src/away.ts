import { exhaustive } from '@alcove/core/error';

/** What the client says of its connection. */
export type ConnectionWord = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'disconnected' | 'needs_auth' | 'failed' | 'closed';

/** Since when this tab is without its room; attempts to come back change nothing of it. */
export interface Away {
  /** Wall clock, in ms; null while connected. */
  readonly sinceMs: number | null;
  /** Whether it ever was with it. */
  readonly met: boolean;
}

export const NOT_MET: Away = { sinceMs: null, met: false };

/** Where a tab stands after its connection was heard of at `nowMs`; the same object where nothing has changed. */
export function nextAway(away: Away, connection: ConnectionWord, nowMs: number): Away {
  switch (connection) {
    case 'connected':
      return away.met && away.sinceMs === null ? away : { sinceMs: null, met: true };
    case 'idle':
    case 'closed':
      return away;
    case 'connecting':
    case 'reconnecting':
    case 'disconnected':
    case 'needs_auth':
    case 'failed':
      return away.sinceMs === null ? { ...away, sinceMs: nowMs } : away;
    default:
      return exhaustive(connection);
  }
}
