interface Kept<T> {
  readonly entry: T;
  /** Of the cache's uses, which use of this one was its last. */
  usedAs: number;
}

/**
 * What was made for a SQL text, kept until `sizeMax` others were used since: the least recently used goes first, through `release`. Looking one up is one
 * step; only making room looks at all of them, which making a statement outweighs.
 */
export class StatementCache<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #sizeMax: number;
  readonly #release: (entry: T) => void;
  #uses = 0;

  constructor(sizeMax: number, release: (entry: T) => void) {
    this.#sizeMax = sizeMax;
    this.#release = release;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(sql: string): T | undefined {
    const kept = this.#kept.get(sql);
    if (kept === undefined) return undefined;
    kept.usedAs = ++this.#uses;
    return kept.entry;
  }

  /** Takes `entry` in; another one of the same text is released. */
  set(sql: string, entry: T): void {
    const replaced = this.#kept.get(sql);
    if (replaced?.entry === entry) return;
    if (replaced !== undefined) this.#drop(sql, replaced);
    else if (this.#kept.size >= this.#sizeMax) this.#dropOldest();
    this.#kept.set(sql, { entry, usedAs: ++this.#uses });
  }

  clear(): void {
    for (const [sql, kept] of [...this.#kept]) this.#drop(sql, kept);
  }

  #dropOldest(): void {
    let oldest: readonly [string, Kept<T>] | undefined;
    for (const candidate of this.#kept) if (oldest === undefined || candidate[1].usedAs < oldest[1].usedAs) oldest = candidate;
    if (oldest !== undefined) this.#drop(...oldest);
  }

  #drop(sql: string, { entry }: Kept<T>): void {
    this.#kept.delete(sql);
    this.#release(entry);
  }
}
