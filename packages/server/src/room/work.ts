import type { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Claims, MutatorTx } from '@alcove/core/schema/define-mutator';
import type { RoomAccess } from '../access/access.ts';
import type { CounterOwner } from '../ephemeral/counter-rows.ts';

/** Something that waits to become part of a version. */
export type Work = MutationWork | CallWork | TransactWork;

/** Whose rights count when the mutation runs. */
export interface Pusher {
  readonly connectionId: string;
  readonly access: RoomAccess;
  /** Monotonic time at which its token runs out; null: never. */
  readonly accessUntilMs: number | null;
  /** Mutations of it that wait for a flush. */
  queued: number;
}

/** A mutation that a session pushed. */
export interface MutationWork {
  readonly kind: 'mutation';
  readonly pusher: Pusher;
  /** The client it belongs to, and the pushing session's group and subject. */
  readonly owner: CounterOwner;
  readonly mutation: Mutation;
  readonly bytes: number;
  /** The room knew this client once, or may have: if it has no row, it is not new. */
  readonly forgotten: boolean;
}

/**
 * What one refusal covers: all that the connection pushed of that client. Another connection of the client (a newer one, or one of its group) may push the same
 * and is answered for itself.
 */
export const refusalKey = ({ pusher, owner }: MutationWork): string => `${pusher.connectionId} ${owner.clientId}`;

/** Settled exactly once, when its version is durable or it was refused. */
export interface Answer {
  resolve(result: { readonly version: number }): void;
  reject(error: AlcoveError): void;
}

/** A call of a mutator by the server's own code. */
export interface CallWork {
  readonly kind: 'call';
  readonly mutation: Mutation;
  readonly user: Claims | null;
  /** Makes the call take effect at most once, for as long as clients are remembered. */
  readonly idempotencyKey: string | null;
  readonly answer: Answer;
}

/** Writes of the server's own code without a mutator. */
export interface TransactWork {
  readonly kind: 'transact';
  readonly write: (tx: MutatorTx) => void;
  readonly answer: Answer;
}

/** What became of a piece of work. `version` is the one that has to be durable before it may be told. */
export type Outcome =
  | { readonly work: Work; readonly result: 'applied'; readonly version: number }
  /** Handled by an earlier version; at the latest by `version`. */
  | { readonly work: Work; readonly result: 'duplicate'; readonly version: number }
  /** Final. `again`: as an earlier version decided. */
  | { readonly work: Work; readonly result: 'rejected'; readonly version: number; readonly error: AlcoveError; readonly again: boolean }
  /** Nothing was taken and nothing is stored; send again from `expected`. */
  | { readonly work: Work; readonly result: 'refused'; readonly expected: number; readonly error: AlcoveError };

/** Failures of the place rather than of the mutation: never a rejection. `refuse`: this work may come again. `fail`: the room must be opened again. */
export function failureKind(error: AlcoveError): 'final' | 'refuse' | 'fail' {
  switch (error.code) {
    case 'room_full':
    case 'overloaded':
      return 'refuse';
    case 'room_failed':
    case 'file_damaged':
    case 'closed':
      return 'fail';
    default:
      return 'final';
  }
}
