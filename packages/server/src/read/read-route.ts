import type { ReadAnswer, ReplicaLag } from './replica.ts';

/** Where a read is best answered. */
export interface ReadRoute {
  /** Replicas of it go first. */
  readonly region: string | null;
  /** What it is for: replicas set aside for a purpose take those of it and no others. */
  readonly purpose: string | null;
  /** Who waits behind whom where all are busy. */
  readonly priority: 'high' | 'normal' | 'low';
  /** The primary's own readers go first. */
  readonly preferPrimary: boolean;
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
