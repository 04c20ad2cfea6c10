/** Entries whose values are gone are looked for whenever the map has grown to twice what was left, and to at least so many. */
const SWEEP_MIN = 64;

/** A map that keeps none of its values alive: one that nobody else holds may be missing at any time. */
export class WeakValues<Value extends object> {
  readonly #refs = new Map<string, WeakRef<Value>>();
  #sweepAt = SWEEP_MIN;

  get(key: string): Value | undefined {
    return this.#refs.get(key)?.deref();
  }

  set(key: string, value: Value): void {
    this.#refs.set(key, new WeakRef(value));
    if (this.#refs.size < this.#sweepAt) return;
    for (const [old, ref] of this.#refs) if (ref.deref() === undefined) this.#refs.delete(old);
    this.#sweepAt = Math.max(SWEEP_MIN, this.#refs.size * 2);
  }

  delete(key: string): void {
    this.#refs.delete(key);
  }
}
