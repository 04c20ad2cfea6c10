import { FakeRuntime, type FakeRuntimeOptions } from './fake-runtime.ts';

/** A runtime on a slow machine: each look at the monotonic time finds that some has passed. Budgets run out, work yields. */
export class BusyRuntime extends FakeRuntime {
  readonly #lookMs: number;
  #spentMs = 0;

  constructor(lookMs: number, options: FakeRuntimeOptions = {}) {
    super(options);
    this.#lookMs = lookMs;
  }

  override monotonicMs(): number {
    this.#spentMs += this.#lookMs;
    return super.monotonicMs() + this.#spentMs;
  }
}
