import type { AlcoveError } from '@alcove/core/error';

/** Everybody who waits for one room to be taken anew; one at a time, whoever asks meanwhile waits for the same. */
export class ResyncWait {
  #open: { readonly done: Promise<void>; readonly level: () => void; readonly failed: (error: AlcoveError) => void } | null = null;

  /** Resolves with the next `level`, rejects with the next `failed`. `begin` is called where nobody waited yet. */
  for(begin: () => void): Promise<void> {
    if (this.#open !== null) return this.#open.done;
    let level = (): void => undefined;
    let failed: (error: AlcoveError) => void = level;
    const done = new Promise<void>((resolve, reject) => {
      level = resolve;
      failed = reject;
    });
    this.#open = { done, level, failed };
    begin();
    return done;
  }

  level(): void {
    this.#open?.level();
    this.#open = null;
  }

  failed(error: AlcoveError): void {
    this.#open?.failed(error);
    this.#open = null;
  }
}
