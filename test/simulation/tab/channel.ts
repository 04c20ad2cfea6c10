import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';

/** Messages between a page and its worker: each later than it was posted, in order, dropped where the receiver is gone. */
export class Channel {
  readonly #time: VirtualTime;
  readonly #random: Prng;
  readonly #to: SimProcess;
  #lastMs = 0;
  #closed = false;

  constructor(time: VirtualTime, random: Prng, to: SimProcess) {
    this.#time = time;
    this.#random = random;
    this.#to = to;
  }

  post(what: () => void): void {
    // Mostly within the same ms, now and then a page or worker that is busy.
    const delayMs = this.#random.chance(0.05) ? this.#random.float() * 60 : this.#random.float() * 0.8;
    this.#lastMs = Math.max(this.#lastMs, this.#time.nowMs + delayMs);
    this.#time.setTimer(this.#lastMs - this.#time.nowMs, () => {
      if (!this.#closed) this.#to.enter(what);
    });
  }

  close(): void {
    this.#closed = true;
  }
}
