import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** Lets something happen at once, and then at most once an interval: the last wish within one is granted at its end. */
export class Throttle {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  readonly #act: () => void;
  #timer: Timer | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime, intervalMs: number, act: () => void) {
    this.#runtime = runtime;
    this.#intervalMs = intervalMs;
    this.#act = act;
  }

  wish(): void {
    if (this.#timer !== null) return;
    const waitMs = this.#lastMs + this.#intervalMs - this.#runtime.monotonicMs();
    if (waitMs <= 0) return this.#do();
    this.#timer = this.#runtime.setTimer(waitMs, () => this.#do());
  }

  /** Forgets a waiting wish. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #do(): void {
    this.cancel();
    this.#lastMs = this.#runtime.monotonicMs();
    this.#act();
  }
}
