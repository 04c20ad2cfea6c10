import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Forked, ShownVersion } from './engine-interface.ts';

/** Where a room was, in one of its histories. */
export interface RoomPoint {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
}

/**
 * Whether the room still has what the page showed. Of what this engine shows the room says so by how it lets it resume; what an earlier engine showed, and another tab's copy of the room may
 * have followed since, hello names beside it (`shown`).
 */
export class ForkWatch {
  /** Shown, and not what hello resumes from; null: nothing is. */
  #before: RoomPoint | null;
  /** What the last hello named. */
  #asked: { readonly before: RoomPoint | null; readonly isShown: boolean } = { before: null, isShown: false };
  /** The room is without that one of them. */
  #lostBefore: RoomPoint | null = null;
  /** The room is without what this engine shows. */
  #isShownLost = false;
  /** What is shown was kept on this device, and no hello named it yet. */
  #isUnheard = false;
  #isForked = false;
  #forked: Forked | null = null;

  constructor(shownBefore: ShownVersion | null) {
    // A page of an older build does not say what was known.
    const { historyId, known } = shownBefore ?? {};
    this.#before = historyId === undefined || typeof known?.hash !== 'string' ? null : { historyId, ...known };
  }

  /** How often something was lost, and what; null: never. */
  get forked(): Forked | null {
    return this.#forked;
  }

  /** By the last welcome the room lost an end that was shown, or is kept here; what it has instead is not shown yet. */
  get isForked(): boolean {
    return this.#isForked;
  }

  /** Whether what is shown follows on what the page showed before, or it showed nothing. */
  get isKnown(): boolean {
    return this.#before === null;
  }

  /** What hello names beside what it resumes from; null: nothing. `isResumed`: that is `shown`, which this engine shows. */
  ask(shown: RoomPoint | null, isResumed: boolean): RoomPoint | null {
    const before = this.#before ?? (isResumed ? null : shown);
    this.#asked = { before, isShown: isResumed && shown !== null };
    return before === null ? null : { historyId: before.historyId, version: before.version, hash: before.hash };
  }

  /** The room has compared what the last hello named. */
  welcomed({ hydration, shownLost = false }: Pick<WelcomeMessage, 'hydration' | 'shownLost'>): void {
    const { before, isShown } = this.#asked;
    this.#isForked = hydration === 'fork' || shownLost;
    if (before !== null) this.#lostBefore = shownLost ? before : null;
    if (!isShown) return;
    this.#isShownLost = hydration === 'fork';
    this.#isUnheard = false;
    // What is shown already goes on where the room did.
    if (hydration === 'resume') this.#settle(null);
    else if (!this.#isForked) this.#before = null;
  }

  /** Something else takes the place of `shown`, which this engine showed; `isKept`: as this device has it, and no hello named it. */
  shows(shown: RoomPoint | null, isKept: boolean): void {
    if (isKept) {
      this.#isUnheard = true;
      return;
    }
    const isAsked = !this.#isUnheard || this.#isForked;
    this.#settle(this.#isShownLost ? shown : null);
    // The room is asked about it at the next hello.
    if (!isAsked) this.#before = shown;
  }

  /** From here on what is shown is as the room went on; `lost`: of what this engine showed. */
  #settle(lost: RoomPoint | null): void {
    const seen = [this.#lostBefore, lost].filter((point) => point !== null).map(({ version }) => version);
    if (seen.length > 0) this.#forked = { times: (this.#forked?.times ?? 0) + 1, seenVersion: Math.max(...seen) };
    this.#before = null;
    this.#lostBefore = null;
    this.#isShownLost = false;
    this.#isUnheard = false;
    this.#isForked = false;
  }
}
