import type { SyncReport } from '../../read/sync-figures.ts';

export interface MirrorFigures extends SyncReport {
  /** `unavailable`: PostgreSQL does not answer, or does not let us; what is there can be read if it answers. */
  readonly state: 'starting' | 'running' | 'unavailable' | 'closed';
  /** Why it is unavailable, and what to do. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Rooms that wait for their turn. */
  readonly waiting: number;
  readonly checks: { readonly done: number; readonly drifted: number; readonly repaired: number };
}
