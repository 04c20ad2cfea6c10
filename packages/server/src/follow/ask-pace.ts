import type { Runtime } from '@alcove/core/runtime/runtime';

/** How long a room that was read, or in which somebody said something, counts as one whose lag interests somebody. */
const IN_USE_MS = 60_000;
/** Of a heartbeat, between two questions about a room that nobody uses. */
const UNUSED_SHARE = 0.5;

/**
 * Which of the times at which the primary may be asked where a room stands are used. A follower asks for each of its rooms, and a question costs the process that writes some 0.06 ms: once a second for thousands of
 * rooms in which nobody is would be a good part of its time. What is written comes without being asked for.
 */
export class AskPace {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  #usedMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Pick<Runtime, 'monotonicMs'>) {
    this.#runtime = runtime;
  }

  used(): void {
    this.#usedMs = this.#runtime.monotonicMs();
  }

  /** The primary is asked now where this is true. */
  asks(heartbeatMs: number): boolean {
    const nowMs = this.#runtime.monotonicMs();
    const isUsed = nowMs - this.#usedMs < IN_USE_MS;
    if (!isUsed && nowMs - this.#askedMs < heartbeatMs * UNUSED_SHARE) return false;
    this.#askedMs = nowMs;
    return true;
  }
}
