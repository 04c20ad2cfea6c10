import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** How often a busy worker is asked whether its thread is free, and an idle one. */
const BUSY_PING_MS = 1_000;
const IDLE_PING_MS = 15_000;
/** Of all that is asked of a worker within that time one ping tells: each costs a message there and one back. */
const GATHER_MS = 50;

export interface WatchdogPorts {
  /** Settles when the worker's thread got to it. */
  ping(): Promise<unknown>;
  /** Called at most once: no answer for the whole budget. */
  onStuck(): void;
}

/**
 * Notices a worker whose thread is held (an endless statement, an endless mutator). Silence counts only while this page's own timers run: after a freeze or a
 * sleep the worker gets the budget anew.
 */
export class Watchdog {
  readonly #runtime: Runtime;
  readonly #budgetMs: number;
  readonly #ports: WatchdogPorts;
  #timer: Timer | null = null;
  /** When the unanswered ping was sent, or granted anew; null: all answered. */
  #askedMs: number | null = null;
  /** Since when it may be held, while that is not asked yet. */
  #busySinceMs: number | null = null;
  #busyUntilMs = 0;
  #ended = false;

  constructor(runtime: Runtime, budgetMs: number, ports: WatchdogPorts) {
    this.#runtime = runtime;
    this.#budgetMs = budgetMs;
    this.#ports = ports;
    this.#wait(IDLE_PING_MS);
  }

  /** Something was asked of the worker: from now on it is looked after closely until it has answered a ping sent later. */
  busy(): void {
    const nowMs = this.#runtime.monotonicMs();
    this.#busyUntilMs = nowMs + this.#budgetMs;
    if (this.#askedMs !== null || this.#busySinceMs !== null || this.#ended) return;
    this.#busySinceMs = nowMs;
    this.#wait(Math.min(GATHER_MS, this.#budgetMs / 2));
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #ask(): void {
    if (this.#ended) return;
    const nowMs = this.#runtime.monotonicMs();
    // Not of the time that the page slept before it could ask.
    const spentMs = Math.min(GATHER_MS, nowMs - (this.#busySinceMs ?? nowMs));
    this.#busySinceMs = null;
    this.#askedMs = nowMs;
    this.#wait(this.#budgetMs - spentMs);
    // A rejection is the worker's death, which has its own sign.
    this.#ports.ping().then(
      () => this.#answered(),
      () => undefined,
    );
  }

  #answered(): void {
    if (this.#ended) return;
    this.#askedMs = null;
    this.#wait(this.#runtime.monotonicMs() < this.#busyUntilMs ? BUSY_PING_MS : IDLE_PING_MS);
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    const dueMs = this.#runtime.monotonicMs() + delayMs;
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#due(dueMs));
  }

  #due(dueMs: number): void {
    if (this.#ended) return;
    if (this.#askedMs === null) return this.#ask();
    const lateMs = this.#runtime.monotonicMs() - dueMs;
    if (lateMs > BUSY_PING_MS) {
      this.#askedMs = this.#runtime.monotonicMs();
      return this.#wait(this.#budgetMs);
    }
    this.end();
    this.#ports.onStuck();
  }
}
