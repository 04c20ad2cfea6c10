import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { NoticeBatch } from './notice-batch.ts';

/** What the room decides within it is not told at all: with a session that is nearly all that other tabs call. */
const WAIT_MS = 100;
/** Mutations named of those that are pending; of the rest only the number is told. */
export const ELSEWHERE_NAMED_MAX = 100;

/** Tells the page what other tabs have pending: how much, and the oldest of it. */
export class ElsewhereWord {
  readonly #runtime: Pick<Runtime, 'setTimer'>;
  readonly #siblings: Pick<SiblingMutations, 'undecided' | 'changes' | 'oldest'>;
  readonly #notices: Pick<NoticeBatch, 'add'>;
  readonly #wake: () => void;
  /** `changes` when it was told; null: never. */
  #told: number | null = null;
  #isNothing = true;
  #timer: Timer | null = null;

  constructor(
    runtime: Pick<Runtime, 'setTimer'>,
    siblings: Pick<SiblingMutations, 'undecided' | 'changes' | 'oldest'>,
    notices: Pick<NoticeBatch, 'add'>,
    wake: () => void,
  ) {
    this.#runtime = runtime;
    this.#siblings = siblings;
    this.#notices = notices;
    this.#wake = wake;
  }

  /** Told again even if nothing changed: an earlier engine of this page may have told of more. */
  again(): void {
    this.#told = null;
    this.#isNothing = false;
    this.touch();
  }

  /** It may have changed; costs nothing where it has not. */
  touch(): void {
    if (this.#siblings.changes === this.#told) return;
    this.#timer ??= this.#runtime.setTimer(WAIT_MS, () => this.#tell());
  }

  #tell(): void {
    this.#timer = null;
    this.#told = this.#siblings.changes;
    const count = this.#siblings.undecided;
    if (count === 0 && this.#isNothing) return;
    this.#isNothing = count === 0;
    this.#notices.add({ type: 'elsewhere', count, oldest: this.#siblings.oldest(ELSEWHERE_NAMED_MAX) });
    this.#wake();
  }

  close(): void {
    this.#timer?.cancel();
  }
}
