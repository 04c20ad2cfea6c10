import type { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { MutationStatus, TrackedMutation } from './mutation-handle.ts';

/** One line of `room.pending`, `room.applied` and `room.rejected`; as JSON it is complete. */
export interface MutationLine {
  /** For lists, and for `dismiss` and `retry`: stays what it is while the mutation lives. */
  readonly key: number;
  readonly name: string;
  readonly args: Json;
  readonly status: MutationStatus;
  /** Wall time of the call, in ms: what its age is counted from. */
  readonly calledAtMs: number;
  /** Wall time, in ms, when this page heard what became of it; null while it is pending. */
  readonly decidedAtMs: number | null;
  /**
   * How often it was sent in vain since this page was loaded: the connection was lost before the answer came, or the room did not take it for now. It is sent again by itself. 0 for most: the first
   * answer is the last one.
   */
  readonly attempts: number;
  /**
   * Why it came to nothing. Of a pending one: what the room said when it did not take it for now (`room_full`, `rate_limited` …), or `mutator_timeout`: its run held this tab's worker too long, so
   * that it is shown without effect until the room decides; null where there is no such thing.
   */
  readonly error: AlcoveError | null;
}

export const lineOf = (mutation: TrackedMutation): MutationLine => {
  const { callId: key, name, args, status, nowMs: calledAtMs, decidedAtMs, attempts, error } = mutation;
  return { key, name, args, status, calledAtMs, decidedAtMs, attempts, error };
};
