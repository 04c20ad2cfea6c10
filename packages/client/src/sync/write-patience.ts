import { NO_PATIENCE, type Patience } from '../storage/write-queue.ts';

/**
 * While the room is at hand: a mutation that it decides meanwhile is on its disk and need not go on this one, and commits that come one after the other share a
 * transaction.
 */
const AT_HAND: Patience = { mutationMs: 100, restMs: 500 };
/** A page that nobody looks at may be gone in a moment; what the room told is told again. */
const HIDDEN: Patience = { ...AT_HAND, mutationMs: 0 };

/** How long writes may wait; without a session nothing does. */
export const patienceOf = (hasSession: boolean, isHidden: boolean): Patience => (!hasSession ? NO_PATIENCE : isHidden ? HIDDEN : AT_HAND);
