import { createHash } from 'node:crypto';
import { nextFloat, nextUint32, xoshiroFrom } from '@alcove/core/runtime/xoshiro';
import type { Xoshiro } from '@alcove/core/runtime/xoshiro';

/** A seeded generator for tests and simulations: the same seed gives the same run on every machine. */
export class Prng {
  readonly seed: string;
  readonly #state: Xoshiro;

  constructor(seed: string | number) {
    this.seed = String(seed);
    this.#state = xoshiroFrom(createHash('sha256').update(this.seed).digest());
  }

  /** Uniform in [0, 1). */
  float(): number {
    return nextFloat(this.#state);
  }

  /** A whole number in [min, max], both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const index = this.int(0, items.length - 1);
    if (items.length === 0) throw new RangeError('pick from an empty list');
    return items[index] as T; // in range: the list is not empty
  }

  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    const out: T[] = [];
    while (left.length > 0) out.push(...left.splice(this.int(0, left.length - 1), 1));
    return out;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index++) bytes[index] = nextUint32(this.#state) & 0xff;
    return bytes;
  }

  /** A generator of its own for a part of the run: drawing from it does not shift what others draw. */
  fork(label: string): Prng {
    return new Prng(`${this.seed}/${label}`);
  }
}
