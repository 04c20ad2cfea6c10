import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { ReadAnswer, ReplicaLag } from './replica.ts';

/** Where a read is best answered. */
export interface ReadRoute {
  /** Replicas of it go first. */
  readonly region: string | null;
  /** What it is for: replicas set aside for a purpose take those of it and no others. */
  readonly purpose: string | null;
  /** Which of a user's own reads goes first where all are busy; only the server's own code is ahead of others with `high`. */
  readonly priority: 'high' | 'normal' | 'low';
  /** The primary's own readers go first. */
  readonly preferPrimary: boolean;
  /** Nobody else may answer: what is read stands in the room's own file alone. */
  readonly primaryOnly?: boolean;
}

export const ANY_ROUTE: ReadRoute = { region: null, purpose: null, priority: 'normal', preferPrimary: false };

/** An answer, and who gave it. */
export interface RoutedAnswer extends ReadAnswer {
  /** Id of the replica. */
  readonly replica: string;
  readonly lag: ReplicaLag;
  /** From the question to the answer, waiting included. */
  readonly tookMs: number;
}

/** How far behind a room that stands at `head` the rows are: by their own version, and where they are behind, by the time that the replica was when it was last looked at. */
export function lagOf({ at, lag }: Pick<RoutedAnswer, 'at' | 'lag'>, head: BookmarkParts): ReplicaLag {
  if (at.historyId !== head.historyId) return lag;
  const versions = Math.max(0, head.version - at.version);
  return { versions, ms: versions === 0 ? 0 : lag.ms };
}
