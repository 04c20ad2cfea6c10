export interface Rate {
  readonly perSecond: number;
  /** What may come at once after a quiet time. */
  readonly burst: number;
}

/** A budget that refills evenly up to its burst. Going below zero is allowed once: what came has come, and what follows waits for it. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(options: Rate & { readonly nowMs: number }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#atMs = options.nowMs;
  }

  /** Takes `count` tokens; says how many ms to wait until none are owed, 0 where there were enough. */
  take(count: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#perSecond);
  }

  /** Whole tokens there are; 0 where some are owed. */
  available(nowMs: number): number {
    this.#refill(nowMs);
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** In how many ms there will be `count`, or as many as there can ever be, once `taken` more have gone now. */
  waitMs(count: number, nowMs: number, taken = 0): number {
    this.#refill(nowMs);
    const missing = Math.min(count, this.#burst) - (this.#tokens - taken);
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.#perSecond);
  }

  /** Nothing was taken for so long that it is as a new one. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.#burst;
  }

  #refill(nowMs: number): void {
    const refill = (Math.max(0, nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + refill);
    this.#atMs = nowMs;
  }
}
