import type { Json } from '@alcove/core/json';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** The kinds of state that sessions show each other. */
export type StateKind = 'presence' | 'cursors' | 'ephemeral';

export const STATE_KINDS: readonly StateKind[] = ['presence', 'cursors', 'ephemeral'];

/** A session's state as the room tells it; `state` null: gone. */
export interface OtherState {
  readonly sessionId: string;
  readonly userId: string | null;
  readonly state: Json;
}

/**
 * What others show: passes it on without the own session's, and forgets it some time after the connection ended, since nobody would say who left. A short
 * disconnect therefore makes nobody flicker: the next session begins with a reset.
 */
export class OtherStates {
  readonly #runtime: Runtime;
  readonly #keepMs: number;
  readonly #onForgotten: () => void;
  #sessionId: string | null = null;
  #timer: Timer | null = null;

  constructor(runtime: Runtime, keepMs: number, onForgotten: () => void) {
    this.#runtime = runtime;
    this.#keepMs = keepMs;
    this.#onForgotten = onForgotten;
  }

  welcomed(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#cancel();
  }

  /** `entries` without this session's own. */
  others<Entry extends OtherState>(entries: readonly Entry[]): Entry[] {
    return entries.filter((entry) => entry.sessionId !== this.#sessionId);
  }

  lost(): void {
    this.#cancel();
    this.#timer = this.#runtime.setTimer(this.#keepMs, () => {
      this.#timer = null;
      this.#onForgotten();
    });
  }

  close(): void {
    this.#cancel();
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
