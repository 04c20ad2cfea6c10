import type { PageLocks } from './room-locks.ts';

/**
 * Locks that a page which is put aside lets go of all at once: a page that has or waits for one is not kept for going back. Of those it had, none is asked for
 * again (it had nothing left to do under them); it goes on waiting for the others.
 */
export class PausableLocks implements PageLocks {
  readonly #locks: PageLocks;
  readonly #held = new Set<() => void>();
  readonly #waiting = new Set<{ ask(): void; pause(): void }>();

  constructor(locks: PageLocks) {
    this.#locks = locks;
  }

  hold(name: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      let abort = new AbortController();
      const wait = {
        ask: (): void => {
          const asked = new AbortController();
          abort = asked;
          this.#locks.hold(name, asked.signal).then(
            (release) => {
              this.#waiting.delete(wait);
              // Granted when it was given up already.
              if (asked.signal.aborted) return release();
              resolve(this.#kept(release));
            },
            (error: unknown) => {
              // Paused, it goes on waiting.
              if (!asked.signal.aborted || signal.aborted) reject(error);
            },
          );
        },
        pause: () => abort.abort(),
      };
      signal.addEventListener('abort', () => {
        if (this.#waiting.delete(wait)) abort.abort();
      });
      this.#waiting.add(wait);
      wait.ask();
    });
  }

  #kept(release: () => void): () => void {
    const giveBack = (): void => {
      if (this.#held.delete(giveBack)) release();
    };
    this.#held.add(giveBack);
    return giveBack;
  }

  suspend(): void {
    for (const giveBack of this.#held) giveBack();
    for (const wait of this.#waiting) wait.pause();
  }

  resume(): void {
    for (const wait of this.#waiting) wait.ask();
  }
}
