import type { Forked, ShownVersion } from './engine-interface.ts';

/** Where a room was, in one of its histories. */
export interface RoomPoint {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
}

/**
 * Whether the room still has what the page showed. Hello names where a replica stands, and that may come from another tab, of a room that went on without what this page showed: then hello
 * names that, too, and the room says `fork`.
 */
export class ForkWatch {
  /** Shown by an earlier engine; null: the room was heard about it, and what is shown since follows on it. */
  #before: RoomPoint | null;
  #isWelcomed = false;
  #isForked = false;
  #forked: Forked | null = null;

  constructor(shownBefore: ShownVersion | null) {
    this.#before = shownBefore === null ? null : { historyId: shownBefore.historyId, ...shownBefore.known };
  }

  /** How often it was so, and what was shown before; null: never. */
  get forked(): Forked | null {
    return this.#forked;
  }

  /** The room said so, and what it has instead is not shown yet. */
  get isForked(): boolean {
    return this.#isForked;
  }

  /** Whether what is shown follows on what the page showed before, or it showed nothing. */
  get isKnown(): boolean {
    return this.#before === null;
  }

  /** What hello says was shown; null: nothing else than what it resumes from, or the room knows. `shown` is not what it resumes from. */
  forHello(shown: RoomPoint | null): RoomPoint | null {
    const point = this.#isForked ? null : (this.#before ?? shown);
    return point === null ? null : { historyId: point.historyId, version: point.version, hash: point.hash };
  }

  /** The room has compared what hello said. `isShown`: something of this engine is shown. */
  welcomed(isFork: boolean, isShown: boolean): void {
    this.#isWelcomed = true;
    if (isFork) this.#isForked = true;
    else if (isShown) this.#before = null;
  }

  /** Something else is shown than `shown` until now; null: nothing of this engine was. */
  shows(shown: RoomPoint | null): void {
    // As it was kept: the room may be asked about it later.
    if (!this.#isWelcomed) return;
    const seen = this.#before ?? shown;
    if (this.#isForked && seen !== null) this.#forked = { times: (this.#forked?.times ?? 0) + 1, seenVersion: seen.version };
    this.#isForked = false;
    this.#before = null;
  }
}
