/** Enough for a p99 that rests on more than one read. */
const SAMPLES_MAX = 128;
/** Older ones tell of another load. */
const SAMPLE_AGE_MS_MAX = 60_000;
/** Of the average, what one read moves: about the last twenty count. */
const EWMA_WEIGHT = 0.1;

/** How long the last reads of one replica took: an average that forgets, and the samples themselves. All times are handed in. */
export class LatencyWindow {
  readonly #tookMs = new Float64Array(SAMPLES_MAX);
  readonly #atMs = new Float64Array(SAMPLES_MAX).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #ewmaMs: number | null = null;

  /** Null before the first read. */
  get ewmaMs(): number | null {
    return this.#ewmaMs;
  }

  add(tookMs: number, nowMs: number): void {
    this.#tookMs[this.#next] = tookMs;
    this.#atMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % SAMPLES_MAX;
    this.#ewmaMs = this.#ewmaMs === null ? tookMs : this.#ewmaMs + EWMA_WEIGHT * (tookMs - this.#ewmaMs);
  }

  /** Of the last minute, at most the last 128, shortest first. */
  sorted(nowMs: number): number[] {
    const recent: number[] = [];
    for (let index = 0; index < SAMPLES_MAX; index++) {
      if (nowMs - (this.#atMs[index] ?? 0) < SAMPLE_AGE_MS_MAX) recent.push(this.#tookMs[index] ?? 0);
    }
    return recent.sort((a, b) => a - b);
  }

  /** What was is no sign of what is: after a time in which it had no reads. */
  clear(): void {
    this.#atMs.fill(Number.NEGATIVE_INFINITY);
    this.#ewmaMs = null;
  }
}

/** Of values in order: the one that `share` of them do not pass; null where there is none. */
export function quantile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}
