/**
 * What a room does, counted: commits and the mutations they applied; sets of short-lived states, those that went because a bound was met, and those that expired; updates of debounced values and the
 * rows that were written for them.
 */
const WORK = ['commits', 'mutations', 'stateSets', 'stateEvictions', 'stateExpiries', 'valueUpdates', 'valueWrites'] as const;

export type Work = (typeof WORK)[number];
export type WorkCounts = Readonly<Record<Work, number>>;

/** Counts that only grow. What is counted here counts for the parent too, which goes on when this one is gone. */
export class WorkMeter {
  readonly #parent: WorkMeter | null;
  readonly #counts = new Map<Work, number>(WORK.map((work) => [work, 0]));

  constructor(parent: WorkMeter | null = null) {
    this.#parent = parent;
  }

  did(work: Work, times = 1): void {
    this.#counts.set(work, (this.#counts.get(work) ?? 0) + times);
    this.#parent?.did(work, times);
  }

  counts(): WorkCounts {
    return Object.fromEntries(this.#counts) as WorkCounts; // all of WORK from the beginning
  }
}
