/**
 * A map whose entries live for `ttlMs` of monotonic time after they were last set or touched, and of which at most `entriesMax` are kept: past it the
 * least recently set or touched one goes. Driven: nothing expires but by `expire`.
 */
export class ExpiringMap<Value> {
  readonly #ttlMs: number;
  readonly #entriesMax: number;
  /** In order of the last set or touch, which is the order of expiry. */
  readonly #entries = new Map<string, { value: Value; untilMs: number }>();

  constructor(bounds: { readonly ttlMs: number; readonly entriesMax: number }) {
    this.#ttlMs = bounds.ttlMs;
    this.#entriesMax = bounds.entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** @returns the key that had to go for it, null where there was room. */
  set(key: string, value: Value, nowMs: number): string | null {
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: nowMs + this.#ttlMs });
    if (this.#entries.size <= this.#entriesMax) return null;
    const [oldest] = this.#entries.keys();
    if (oldest === undefined) return null;
    this.#entries.delete(oldest);
    return oldest;
  }

  /** Gives the entry a new life, if it is there. */
  touch(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.set(key, entry.value, nowMs);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  /** Removes what has expired and names it, oldest first. */
  expire(nowMs: number): string[] {
    const expired: string[] = [];
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      expired.push(key);
    }
    for (const key of expired) this.#entries.delete(key);
    return expired;
  }

  /** When the next entry expires; null: there is none. */
  get nextExpiryMs(): number | null {
    const [first] = this.#entries.values();
    return first?.untilMs ?? null;
  }
}
