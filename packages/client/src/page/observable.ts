/** Something that changes and can be looked at: what React's useSyncExternalStore wants, and any other framework can use. */
export interface Readable<Value> {
  /** Calls `listener` after each change, until the returned function is called. Bound: may be passed on as it is. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The same reference until something changed. Bound, as above. */
  readonly getSnapshot: () => Value;
}

/**
 * A value with listeners. `onUsed` and `onUnused` are told of the first subscription and of the end of the last one, so that what feeds the value can
 * be started and stopped.
 */
export class Observable<Value> implements Readable<Value> {
  #value: Value;
  readonly #listeners = new Set<() => void>();
  readonly #use: { onUsed?: () => void; onUnused?: () => void };

  constructor(value: Value, use: { onUsed?: () => void; onUnused?: () => void } = {}) {
    this.#value = value;
    this.#use = use;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // A wrapper of its own, so that the same function subscribed twice is told twice and ends twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#use.onUsed?.();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#use.onUnused?.();
    };
  };

  readonly getSnapshot = (): Value => this.#value;

  get used(): boolean {
    return this.#listeners.size > 0;
  }

  /** Tells the listeners if `value` is another reference. A listener that throws does not keep the others from being told; the first error is thrown on. */
  set(value: Value): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    const errors: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
