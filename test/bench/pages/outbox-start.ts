import type { PendingCall } from '../pending-calls.ts';

/** What a page of the outbox benches is told in its address. */
export interface OutboxStart {
  readonly room: string;
  /** Items of the board. */
  readonly rows: number;
  readonly calls: number;
  /** Without a connection until it is told to push. */
  readonly isAway: boolean;
}

/** Calls that the page's thread makes before it is let go. */
export const SLICE = 100;

/** To the floor's worker: makes the board and keeps it; keeps calls; reads all of it again and runs them. */
export type RawOutboxRequest =
  | { readonly type: 'make'; readonly rows: number }
  | { readonly type: 'keep'; readonly first: number; readonly calls: readonly PendingCall[] }
  | { readonly type: 'restore' };

/** `kept`: so many calls by now. `shown`: of the rows they touched. */
export type RawOutboxAnswer =
  | { readonly type: 'made' }
  | { readonly type: 'kept'; readonly calls: number }
  | { readonly type: 'shown'; readonly rows: number };
