import type { EndSignal } from './replica.ts';

/** What an AbortController is, where there is none: the end of one piece of work, told once to whoever listens. */
export class EndSource {
  readonly #told = new ToldSignal();

  get signal(): EndSignal {
    return this.#told;
  }

  /** Idempotent. */
  end(): void {
    this.#told.tell();
  }
}

/** A class, since there are several for each read: an object of closures of its own costs more than all else about it. */
class ToldSignal implements EndSignal {
  #aborted = false;
  #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_: 'abort', listener: () => void): void {
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  tell(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
