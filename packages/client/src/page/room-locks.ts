/** The browser's Web Locks: held until given back, or until the page is gone. */
export interface PageLocks {
  /** Waits until nobody else has it; resolves with the way to give it back. Rejects where `signal` is aborted first. */
  hold(name: string, signal: AbortSignal): Promise<() => void>;
}

/**
 * Who speaks for which client: a page holds the lock of each client it pushes for, as long as it lives. Whoever gets the lock of another page's client knows
 * that the page is gone.
 */
export class RoomLocks {
  readonly #locks: PageLocks;
  readonly #onFree: (clientId: string) => void;
  readonly #abort = new AbortController();
  /** Those that this page has, by name: how they are given back. */
  readonly #has = new Map<string, () => void>();
  /** Asked for, by name; those of others can be given up. */
  readonly #asked = new Map<string, AbortController>();

  constructor(locks: PageLocks, onFree: (clientId: string) => void) {
    this.#locks = locks;
    this.#onFree = onFree;
  }

  /** This page speaks for it. */
  own(clientId: string): void {
    this.#ask(clientId, () => undefined);
  }

  /** All clients of others that something is kept of: each that is free, or that this page has got, is told by `onFree`. */
  others(clientIds: readonly string[]): void {
    for (const clientId of clientIds)
      if (this.#has.has(lockName(clientId))) this.#onFree(clientId);
      else this.#ask(clientId, () => this.#onFree(clientId));
  }

  #ask(clientId: string, then: () => void): void {
    const name = lockName(clientId);
    if (this.#asked.has(name) || this.#abort.signal.aborted) return;
    const abort = new AbortController();
    this.#asked.set(name, abort);
    this.#locks.hold(name, abort.signal).then(
      (release) => {
        if (this.#abort.signal.aborted || abort.signal.aborted) return release();
        this.#has.set(name, release);
        then();
      },
      () => this.#asked.get(name) === abort && this.#asked.delete(name), // given up
    );
  }

  /** Clients of others that this page may not speak for: whoever may is let in. */
  giveUp(clientIds: readonly string[]): void {
    for (const name of clientIds.map(lockName)) {
      this.#asked.get(name)?.abort();
      this.#asked.delete(name);
      this.#has.get(name)?.();
      this.#has.delete(name);
    }
  }

  /** Gives back all that this page has, to be asked for anew: it is put aside. */
  letGo(): void {
    for (const name of this.#has.keys()) this.#asked.delete(name);
    this.#releaseAll();
  }

  close(): void {
    this.#abort.abort();
    for (const abort of this.#asked.values()) abort.abort();
    this.#releaseAll();
  }

  #releaseAll(): void {
    for (const release of this.#has.values()) release();
    this.#has.clear();
  }
}

/** A client that was renamed after a lost tail is still the same page's. */
const lockName = (clientId: string): string => `alcove client ${clientId.replace(/~.*$/, '')}`;
