import type { AlcoveError } from '@alcove/core/error';

/** How often each limit was met since the start, by its name; one that never was is missing. */
export type LimitCounts = Readonly<Record<string, number>>;

/**
 * Counts how often limits were met: something was refused, ended, slowed down, put off or dropped because of one. What is counted here counts for the parent
 * too. A name that is none of `names` is not counted: errors, which name limits, are thrown by apps as well.
 */
export class LimitMeter {
  readonly #names: ReadonlySet<string>;
  readonly #parent: LimitMeter | null;
  readonly #counts = new Map<string, number>();

  constructor(names: ReadonlySet<string>, parent: LimitMeter | null = null) {
    this.#names = names;
    this.#parent = parent;
  }

  met(limit: string, times = 1): void {
    if (times === 0 || !this.#names.has(limit)) return;
    this.#counts.set(limit, (this.#counts.get(limit) ?? 0) + times);
    this.#parent?.met(limit, times);
  }

  /** Counts the limit that an error tells of, where it tells of one. */
  saw(error: AlcoveError): void {
    if (error.limit !== undefined) this.met(error.limit);
  }

  counts(): LimitCounts {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
