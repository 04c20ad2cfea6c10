import type { Rate } from './token-bucket.ts';
import { TokenBucket } from './token-bucket.ts';

/** Looked through for full ones at this many, and again whenever the number has doubled since. */
const SWEEP_FROM = 256;

/**
 * A bucket a key: a user, a client, an address. One that is full again is as a new one and is forgotten, so there are about as many as keys were busy
 * within the time that a bucket takes to fill.
 */
export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();
  #sweepAt = SWEEP_FROM;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get perSecond(): number {
    return this.#rate.perSecond;
  }

  get size(): number {
    return this.#buckets.size;
  }

  of(key: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#sweepAt) this.#sweep(nowMs);
    const bucket = new TokenBucket({ ...this.#rate, nowMs });
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #sweep(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, this.#buckets.size * 2);
  }
}
