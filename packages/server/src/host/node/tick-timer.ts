import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** The one timer behind a room's `requestTick`: it goes off at the earliest time that was asked for since it went off last. */
export class TickTimer {
  readonly #runtime: Pick<Runtime, 'setTimer' | 'monotonicMs'>;
  readonly #tick: () => void;
  #set: { readonly atMs: number; readonly timer: Timer } | null = null;

  constructor(runtime: Pick<Runtime, 'setTimer' | 'monotonicMs'>, tick: () => void) {
    this.#runtime = runtime;
    this.#tick = tick;
  }

  /** @param atMs Monotonic. */
  request(atMs: number): void {
    if (this.#set !== null && this.#set.atMs <= atMs) return;
    this.#set?.timer.cancel();
    const timer = this.#runtime.setTimer(Math.max(0, atMs - this.#runtime.monotonicMs()), () => {
      this.#set = null;
      this.#tick();
    });
    this.#set = { atMs, timer };
  }

  cancel(): void {
    this.#set?.timer.cancel();
    this.#set = null;
  }
}
