/** What a reader that has seen everything up to `change` still has to be told. */
export interface Delta<Entry> {
  /** Forget what was told before: `entries` is all there is. */
  readonly reset: boolean;
  readonly entries: readonly Entry[];
}

/** Nothing was told yet. */
export const NOTHING_SEEN = -1;

interface Tracked<Entry> {
  readonly entry: Entry;
  readonly change: number;
}

/**
 * Entries under keys, with the number of the change that made each what it is, so that a reader of any past change gets exactly what has changed
 * since, in its last state: one that was slow for a while gets fewer updates, never older ones. What is gone is remembered for as long as the bound
 * allows; a reader from before that starts over.
 */
export class LaneTable<Entry> {
  readonly #goneMax: number;
  /** In order of change, oldest first. */
  readonly #present = new Map<string, Tracked<Entry>>();
  readonly #gone = new Map<string, Tracked<Entry>>();
  /** Readers from before it cannot be told what has gone since. */
  #goneFrom = NOTHING_SEEN + 1;
  #change = 0;

  constructor(goneMax: number) {
    this.#goneMax = goneMax;
  }

  /** Number of the last change. */
  get change(): number {
    return this.#change;
  }

  get size(): number {
    return this.#present.size;
  }

  get(key: string): Entry | undefined {
    return this.#present.get(key)?.entry;
  }

  put(key: string, entry: Entry): void {
    this.#gone.delete(key);
    this.#present.delete(key);
    this.#present.set(key, { entry, change: ++this.#change });
  }

  /** Removes the entry; readers are told `last` of it. Nothing happens where there is none. */
  remove(key: string, last: Entry): void {
    if (!this.#present.delete(key)) return;
    this.#gone.set(key, { entry: last, change: ++this.#change });
    if (this.#gone.size <= this.#goneMax) return;
    const [oldest] = this.#gone;
    if (oldest === undefined) return;
    this.#gone.delete(oldest[0]);
    this.#goneFrom = oldest[1].change;
  }

  /** Every reader has seen `change`: what was gone by then need not be told any more. New readers start over anyway. */
  settle(change: number): void {
    for (const [key, gone] of this.#gone) {
      if (gone.change > change) return;
      this.#gone.delete(key);
    }
  }

  /** What changed after `seen`, in order of change. */
  since(seen: number): Delta<Entry> {
    if (seen < this.#goneFrom) return { reset: true, entries: [...this.#present.values()].map(({ entry }) => entry) };
    const changed = [...this.#present.values(), ...this.#gone.values()].filter(({ change }) => change > seen);
    return { reset: false, entries: changed.sort((a, b) => a.change - b.change).map(({ entry }) => entry) };
  }
}
