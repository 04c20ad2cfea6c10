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
