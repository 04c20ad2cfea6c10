import type { Runtime } from '@alcove/core/runtime/runtime';

/** For so long a word counts: what was wanted may be taken over just now. */
const WORD_MS = 5_000;
/** A client is let go this seldom: whoever wanted it and did not take it may be gone. */
const PAUSE_MS = 60_000;

/** Clients of page loads that are gone, of which another tab said that it would push what they left. */
export class WantedClients {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  readonly #untilMs = new Map<string, number>();
  readonly #notBeforeMs = new Map<string, number>();

  constructor(runtime: Pick<Runtime, 'monotonicMs'>) {
    this.#runtime = runtime;
  }

  add(clientIds: readonly string[]): void {
    const nowMs = this.#runtime.monotonicMs();
    for (const times of [this.#untilMs, this.#notBeforeMs]) for (const [clientId, ms] of times) if (ms <= nowMs) times.delete(clientId);
    for (const clientId of clientIds) this.#untilMs.set(clientId, nowMs + WORD_MS);
  }

  /** Those that may be let go. */
  now(): string[] {
    const nowMs = this.#runtime.monotonicMs();
    return [...this.#untilMs].flatMap(([clientId, untilMs]) =>
      untilMs > nowMs && (this.#notBeforeMs.get(clientId) ?? nowMs) <= nowMs ? [clientId] : [],
    );
  }

  letGo(clientIds: readonly string[]): void {
    for (const clientId of clientIds) {
      this.#untilMs.delete(clientId);
      this.#notBeforeMs.set(clientId, this.#runtime.monotonicMs() + PAUSE_MS);
    }
  }
}
