import type { Timer } from '@alcove/core/runtime/runtime';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/**
 * Time that moves only when it is told to. Several fake runtimes may share one, so that all parts of a simulation live on one time line.
 * Timers fire in order of their time, equal ones in the order they were set. What a timer throws comes out of the call that moved the time.
 */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  /** Latest first: the next one is popped from the end. */
  readonly #entries: Entry[] = [];

  /** Ms since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get pendingTimers(): number {
    return this.#entries.filter((entry) => !entry.cancelled).length;
  }

  /** When the next timer is due; null: none is set. */
  get nextAtMs(): number | null {
    return this.#peek()?.atMs ?? null;
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    const entry: Entry = { atMs: this.#nowMs + (delayMs > 0 ? delayMs : 0), order: this.#order++, fn, cancelled: false };
    if (entry.atMs !== Number.POSITIVE_INFINITY) this.#insert(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Moves on by `ms` and fires what is due on the way, timers set by timers included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.step(untilMs));
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** As `advance`, and lets all promises settle before the first and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settlePromises();
    while (this.step(untilMs)) await settlePromises();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
    await settlePromises();
  }

  /** What runs just now takes that long: timers that are due by its end fire when it has returned. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  /** The machine was asleep: time has passed at once, and what was due fires late, at its end. */
  sleep(ms: number): void {
    this.#nowMs += ms;
    const untilMs = this.#nowMs;
    while (this.step(untilMs));
  }

  /** Fires the next timer if it is due by `untilMs` (any, without it). False: there was none. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const entry = this.#peek();
    if (entry === undefined || entry.atMs > untilMs) return false;
    this.#entries.pop();
    this.#nowMs = Math.max(this.#nowMs, entry.atMs);
    entry.fn();
    return true;
  }

  #peek(): Entry | undefined {
    while (this.#entries.at(-1)?.cancelled) this.#entries.pop();
    return this.#entries.at(-1);
  }

  #insert(entry: Entry): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#entries[middle];
      if (other !== undefined && other.atMs > entry.atMs) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }
}

/** Resolves when every promise that could settle without I/O has. */
export const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
