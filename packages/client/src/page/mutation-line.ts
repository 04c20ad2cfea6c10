import type { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { MutationStatus, TrackedMutation } from './mutation-handle.ts';

/** One line of `room.pending` and `room.rejected`. */
export interface MutationLine {
  /** For lists, and for `dismiss`: stays what it is while the mutation lives. */
  readonly key: number;
  readonly name: string;
  readonly args: Json;
  readonly status: MutationStatus;
  /** Wall time of the call, in ms. */
  readonly calledAtMs: number;
  /** Why it is on the list of rejected ones; null on the list of pending ones. */
  readonly error: AlcoveError | null;
}

export const lineOf = ({ callId: key, name, args, status, nowMs: calledAtMs, error }: TrackedMutation): MutationLine => ({
  key,
  name,
  args,
  status,
  calledAtMs,
  error,
});
