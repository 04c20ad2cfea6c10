/** What was kept of the room was removed. */
export interface Removal {
  readonly atMs: number;
  /** What was pending went, too. */
  readonly discards: boolean;
  /** When what would be lost was last looked at, before it. */
  readonly lookedAtMs: number;
}

interface Asked {
  discards: boolean;
  lookedAtMs: number;
  isRemoving: boolean;
}

/** What the users of one browser had forgotten there, and when. */
export class Forgets {
  readonly removals: Removal[] = [];
  readonly #now: () => number;
  /** By the name of the page. */
  readonly #asked = new Map<string, Asked>();

  constructor(now: () => number) {
    this.#now = now;
  }

  asked(page: string, discards: boolean): void {
    this.#asked.set(page, { discards, lookedAtMs: this.#now(), isRemoving: false });
  }

  looks(page: string): void {
    const asked = this.#asked.get(page);
    if (asked !== undefined) asked.lookedAtMs = this.#now();
  }

  removes(page: string): void {
    const asked = this.#asked.get(page);
    if (asked !== undefined) asked.isRemoving = true;
  }

  /** Of several pages that remove it at once nobody can say which did: the one that takes most. */
  removed(): void {
    const asked = [...this.#asked.values()].filter(({ isRemoving }) => isRemoving);
    const atMs = this.#now();
    const lookedAtMs = Math.min(atMs, ...asked.map((one) => one.lookedAtMs));
    this.removals.push({ atMs, lookedAtMs, discards: asked.some(({ discards }) => discards) });
  }

  /** Whether a mutation may have gone with it that was called then, and said to be on the disk. */
  mayHaveTaken(calledAtMs: number, savedAtMs: number): boolean {
    return this.removals.some(
      ({ atMs, discards, lookedAtMs }) => atMs >= calledAtMs && (discards || (savedAtMs >= lookedAtMs && calledAtMs <= atMs)),
    );
  }
}
