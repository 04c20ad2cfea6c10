/** Where a reader stands. */
export interface Seen {
  /** It was told what is there of every change up to this one. */
  readonly change: number;
  /** It holds nothing that was gone by this change: where it started over, or `change` if that is later. */
  readonly start: number;
}

/** What a reader still has to be told. */
export interface Delta<Entry> {
  /** Forget what was told before: `entries`, and what follows them, is all there is. */
  readonly reset: boolean;
  readonly entries: readonly Entry[];
  /** Where the reader stands then: below the table's last change where not all of it went into one piece. */
  readonly seen: Seen;
}

/** Nothing was told yet. */
export const NOTHING_SEEN: Seen = { change: -1, start: -1 };

interface Tracked<Entry> {
  readonly entry: Entry;
  readonly change: number;
  /** As JSON, about. */
  readonly bytes: number;
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
  #goneFrom = 0;
  #change = 0;
  #bytes = 0;

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

  /** Of what is there, as JSON, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Entry | undefined {
    return this.#present.get(key)?.entry;
  }

  /** All that is there now. */
  entries(): (readonly [key: string, entry: Entry])[] {
    return [...this.#present].map(([key, { entry }]) => [key, entry] as const);
  }

  put(key: string, entry: Entry): void {
    const tracked = this.#tracked(entry);
    this.#bytes += tracked.bytes - (this.#present.get(key)?.bytes ?? 0);
    this.#gone.delete(key);
    this.#present.delete(key);
    this.#present.set(key, tracked);
  }

  /** Removes the entry; readers are told `last` of it. Nothing happens where there is none. */
  remove(key: string, last: Entry): void {
    this.#bytes -= this.#present.get(key)?.bytes ?? 0;
    if (!this.#present.delete(key)) return;
    this.#gone.set(key, this.#tracked(last));
    if (this.#gone.size <= this.#goneMax) return;
    const [oldest] = this.#gone;
    if (oldest === undefined) return;
    this.#gone.delete(oldest[0]);
    this.#goneFrom = oldest[1].change;
  }

  /** Every reader starts at `change` or later: what was gone by then need not be told any more. New readers start over anyway. */
  settle(change: number): void {
    for (const [key, gone] of this.#gone) {
      if (gone.change > change) return;
      this.#gone.delete(key);
    }
  }

  /** What changed after `seen`, in order of change: one entry at least, and no more than about so many bytes. */
  since(seen: Seen, bytesMax = Number.POSITIVE_INFINITY): Delta<Entry> {
    const reset = seen.start < this.#goneFrom;
    const changed = reset ? [...this.#present.values()] : this.#changedAfter(seen);
    let bytes = 0;
    const count = changed.findIndex((tracked, index) => {
      bytes += tracked.bytes;
      return index > 0 && bytes > bytesMax;
    });
    const entries = (count === -1 ? changed : changed.slice(0, count)).map(({ entry }) => entry);
    const change = changed[count - 1]?.change ?? this.#change;
    return { reset, entries, seen: { change, start: Math.max(change, reset ? this.#change : seen.start) } };
  }

  #changedAfter(seen: Seen): Tracked<Entry>[] {
    const present = [...this.#present.values()].filter(({ change }) => change > seen.change);
    const gone = [...this.#gone.values()].filter(({ change }) => change > seen.start);
    const changed = [...present, ...gone];
    return changed.sort((a, b) => a.change - b.change);
  }

  #tracked(entry: Entry): Tracked<Entry> {
    this.#change += 1;
    return { entry, change: this.#change, bytes: JSON.stringify(entry).length };
  }
}
