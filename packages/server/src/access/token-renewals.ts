import { backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/**
 * What became of a fresh token. `over`: the session is, nothing more is verified. `later`: nobody can say now whether it is good (the issuer's keys cannot be had);
 * the session goes on with the token it has.
 */
export type Renewal = { readonly kind: 'done' | 'over' } | { readonly kind: 'later'; readonly retryAfterMs: number | undefined };

/** With the waits between them about 25 minutes: who verifies has been gone for long, and the next token is tried anew. */
export const RENEWAL_ATTEMPTS_MAX = 30;
const WAITS = { baseMs: 2_000, maxMs: 60_000 };

/**
 * The fresh tokens of one session: one is verified at a time, and of those that come meanwhile only the newest is, once that one is done. So a peer that sends
 * many costs no more than one that waits. One that cannot be verified now is tried again after a while, or the newest that came meanwhile instead.
 */
export class TokenRenewals {
  readonly #verify: (token: string) => Promise<Renewal>;
  readonly #runtime: Pick<Runtime, 'setTimer' | 'random'>;
  #state: 'idle' | 'verifying' | 'waiting' | 'over' = 'idle';
  #newest: string | null = null;
  #attempts = 0;
  #timer: Timer | null = null;

  /** @param verify Verifies a token and does what follows from it; never rejects. */
  constructor(verify: (token: string) => Promise<Renewal>, runtime: Pick<Runtime, 'setTimer' | 'random'>) {
    this.#verify = verify;
    this.#runtime = runtime;
  }

  add(token: string): void {
    this.#newest = token;
    if (this.#state === 'idle') void this.#run();
  }

  /** The connection is gone. */
  end(): void {
    this.#state = 'over';
    this.#newest = null;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    for (let token = this.#newest; token !== null; token = this.#newest) {
      this.#state = 'verifying';
      this.#newest = null;
      const renewal = await this.#verify(token);
      if (this.#isOver) return;
      if (renewal.kind === 'over') return this.end();
      this.#attempts = renewal.kind === 'later' ? this.#attempts + 1 : 0;
      if (renewal.kind === 'later' && this.#attempts < RENEWAL_ATTEMPTS_MAX) return this.#wait(token, renewal.retryAfterMs);
      this.#attempts = 0;
    }
    this.#state = 'idle';
  }

  /** Ended while something was verified; a getter, since the compiler takes the state for what it was before. */
  get #isOver(): boolean {
    return this.#state === 'over';
  }

  #wait(token: string, retryAfterMs: number | undefined): void {
    this.#state = 'waiting';
    this.#newest ??= token;
    const waitMs = Math.max(backoffMs(this.#attempts, this.#runtime.random(), undefined, WAITS), retryAfterMs ?? 0);
    this.#timer = this.#runtime.setTimer(waitMs, () => void this.#run());
  }
}
