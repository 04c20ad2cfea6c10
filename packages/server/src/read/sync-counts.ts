import type { Runtime } from '@alcove/core/runtime/runtime';
import { errorRateOf, type SyncFigures } from './sync-figures.ts';

/** What has become of one room's upkeep since the process was started: the part of its figures that has to be counted. */
export class SyncCounts {
  readonly #runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>;
  #batches = 0;
  #rows = 0;
  #errors = 0;
  #last: { readonly atMs: number; readonly monotonicMs: number } | null = null;

  constructor(runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>) {
    this.#runtime = runtime;
  }

  /** Something was applied, in one transaction; 0 rows for a whole copy, which nobody counts. */
  applied(rows: number): void {
    this.#batches += 1;
    this.#rows += rows;
    this.#last = { atMs: this.#runtime.nowMs(), monotonicMs: this.#runtime.monotonicMs() };
  }

  failed(): void {
    this.#errors += 1;
  }

  figures(): Pick<SyncFigures, 'lastSyncMs' | 'ageMs' | 'batches' | 'rows' | 'errors' | 'errorRate'> {
    return {
      lastSyncMs: this.#last?.atMs ?? null,
      ageMs: this.#last === null ? null : Math.round(this.#runtime.monotonicMs() - this.#last.monotonicMs),
      batches: this.#batches,
      rows: this.#rows,
      errors: this.#errors,
      errorRate: errorRateOf(this.#batches, this.#errors),
    };
  }
}
