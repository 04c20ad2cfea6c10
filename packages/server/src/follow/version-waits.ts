import type { Runtime } from '@alcove/core/runtime/runtime';

/** Whoever waits for a followed room to get to a version. */
export class VersionWaits {
  readonly #runtime: Pick<Runtime, 'setTimer'>;
  readonly #waiting = new Set<{ readonly version: number; readonly over: () => void }>();

  constructor(runtime: Pick<Runtime, 'setTimer'>) {
    this.#runtime = runtime;
  }

  /** Resolves with the first `reached` of that version or a later one, or when the time is over. */
  for(version: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const entry = {
        version,
        over: () => {
          timer.cancel();
          this.#waiting.delete(entry);
          resolve();
        },
      };
      const timer = this.#runtime.setTimer(timeoutMs, entry.over);
      this.#waiting.add(entry);
    });
  }

  reached(version: number): void {
    for (const waiting of [...this.#waiting]) if (waiting.version <= version) waiting.over();
  }
}
