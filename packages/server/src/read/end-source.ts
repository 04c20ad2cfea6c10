import type { EndSignal } from './replica.ts';

/** What an AbortController is, where there is none: the end of one piece of work, told once to whoever listens. */
export class EndSource {
  readonly #listeners = new Set<() => void>();
  #aborted = false;
  readonly signal: EndSignal;

  constructor() {
    const isAborted = (): boolean => this.#aborted;
    this.signal = {
      get aborted() {
        return isAborted();
      },
      addEventListener: (_, listener) => void this.#listeners.add(listener),
      removeEventListener: (_, listener) => void this.#listeners.delete(listener),
    };
  }

  /** Idempotent. */
  end(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
