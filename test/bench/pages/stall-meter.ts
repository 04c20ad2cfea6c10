/** A timer comes no sooner behind another. */
const TIMER_MS = 4;

/** Watches this thread from now on: what holds it up, holds up a timer that is always set. */
export class StallMeter {
  #longestMs = 0;
  #lastMs = performance.now();

  constructor() {
    // What ran before this line, too.
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#longestMs = Math.max(this.#longestMs, duration);
    }).observe({ type: 'longtask', buffered: true });
    this.#tick();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs - TIMER_MS);
    this.#lastMs = nowMs;
    setTimeout(() => this.#tick(), 0);
  }

  /** The longest the thread was not to be had, in ms. */
  get longestMs(): number {
    return this.#longestMs;
  }
}

/** Work for which the thread is let go after every so many pieces, as an app's is that lives by clicks. */
export async function inSlices(count: number, size: number, run: (index: number) => void): Promise<void> {
  for (let from = 0; from < count; from += size) {
    for (let index = from; index < Math.min(from + size, count); index += 1) run(index);
    await nextTask();
  }
}

function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
