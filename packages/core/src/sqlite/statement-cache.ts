/**
 * What was made for a SQL text, kept until `sizeMax` others were used since: the least recently used goes first, through `release`.
 */
export class StatementCache<T> {
  readonly #entries = new Map<string, T>();
  readonly #sizeMax: number;
  readonly #release: (entry: T) => void;

  constructor(sizeMax: number, release: (entry: T) => void) {
    this.#sizeMax = sizeMax;
    this.#release = release;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(sql: string): T | undefined {
    const entry = this.#entries.get(sql);
    if (entry === undefined) return undefined;
    this.#entries.delete(sql);
    this.#entries.set(sql, entry);
    return entry;
  }

  /** Takes `entry` in; another one of the same text is released. */
  set(sql: string, entry: T): void {
    const replaced = this.#entries.get(sql);
    if (replaced === entry) return;
    if (replaced !== undefined) this.#drop(sql, replaced);
    this.#entries.set(sql, entry);
    while (this.#entries.size > this.#sizeMax) {
      const [oldest] = this.#entries;
      if (oldest === undefined) return;
      this.#drop(...oldest);
    }
  }

  clear(): void {
    for (const [sql, entry] of [...this.#entries]) this.#drop(sql, entry);
  }

  #drop(sql: string, entry: T): void {
    this.#entries.delete(sql);
    this.#release(entry);
  }
}
