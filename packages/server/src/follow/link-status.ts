import type { ErrorCode } from '@alcove/core/error';
import type { ReplicaLag } from '../read/replica.ts';
import type { SyncCounts } from '../read/sync-counts.ts';
import type { SyncFigures } from '../read/sync-figures.ts';
import type { FollowedHead } from './followed-room.ts';

/** `waiting`: between two attempts. `copying`: the room's file is on its way. `following`: versions are taken as they come. */
export type LinkPhase = 'waiting' | 'connecting' | 'copying' | 'following' | 'closed';

/** How one room is followed at this moment. */
export interface LinkStatus {
  readonly phase: LinkPhase;
  /** Null: there is no file yet. */
  readonly head: FollowedHead | null;
  /** Null: the primary has no such room. */
  readonly lag: ReplicaLag | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** @param primaryVersion 0: not heard of yet. */
export function followedFigures(
  { name, id }: { readonly name: string; readonly id: string },
  { head, lag, error }: LinkStatus,
  primaryVersion: number,
  counts: SyncCounts,
): SyncFigures {
  const isGone = error?.code === 'room_unknown';
  return {
    room: name,
    id,
    state: isGone ? 'deleted' : error !== null ? 'failing' : head === null ? 'syncing' : 'live',
    version: head?.version ?? null,
    primaryVersion: primaryVersion === 0 ? null : primaryVersion,
    lagVersions: lag?.versions ?? 0,
    lagMs: lag?.ms ?? 0,
    ...counts.figures(),
    error,
  };
}
