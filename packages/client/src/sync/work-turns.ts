import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** Wishes closer to the last turn than this share the next one. */
const TURN_SPACING_MS = 1;

/**
 * When the engine works. A wish after a quiet moment is granted at once, so that one mutation or one commit waits for nothing; wishes that come while a turn
 * has just been are gathered into one soon after, and the longer turns take, the more are gathered. A turn that leaves work behind is followed by
 * another, after everything else has had its chance.
 */
export class WorkTurns {
  readonly #runtime: Runtime;
  readonly #work: () => boolean;
  #soon: Timer | null = null;
  #alarm: { readonly atMs: number; readonly timer: Timer } | null = null;
  #isRunning = false;
  #isWished = false;
  /** Calls of `during` that have not returned. */
  #held = 0;
  #isClosed = false;
  #endedMs = Number.NEGATIVE_INFINITY;
  #spacingMs = TURN_SPACING_MS;

  /** `work` does some work and says whether more is left. Never called within itself. */
  constructor(runtime: Runtime, work: () => boolean) {
    this.#runtime = runtime;
    this.#work = work;
  }

  /** A turn is under way. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** There is work. */
  wish(): void {
    this.#isWished = true;
    if (this.#isRunning || this.#held > 0 || this.#soon !== null || this.#isClosed) return;
    if (this.#runtime.monotonicMs() - this.#endedMs >= this.#spacingMs) this.#turn();
    else this.#turnSoon();
  }

  /** Changes several things that belong together: what is wished for meanwhile is granted when the outermost one returns, so that no turn finds it half done. */
  during<Value>(change: () => Value): Value {
    this.#held += 1;
    try {
      return change();
    } finally {
      this.#held -= 1;
      if (this.#isWished) this.wish();
    }
  }

  /** There will be work then; null: there will not. One such time counts, the last one said. */
  wishAt(atMs: number | null): void {
    if (this.#alarm?.atMs === atMs || this.#isClosed) return;
    this.#alarm?.timer.cancel();
    this.#alarm = null;
    if (atMs === null) return;
    const timer = this.#runtime.setTimer(Math.max(0, atMs - this.#runtime.monotonicMs()), () => {
      this.#alarm = null;
      this.wish();
    });
    this.#alarm = { atMs, timer };
  }

  #turnSoon(): void {
    this.#soon = this.#runtime.setTimer(0, () => {
      this.#soon = null;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#isClosed) return;
    const startMs = this.#runtime.monotonicMs();
    this.#isRunning = true;
    this.#isWished = false;
    let isMoreLeft = false;
    try {
      isMoreLeft = this.#work();
    } finally {
      this.#isRunning = false;
      this.#endedMs = this.#runtime.monotonicMs();
      this.#spacingMs = Math.max(TURN_SPACING_MS, this.#endedMs - startMs);
    }
    if ((isMoreLeft || this.#isWished) && this.#soon === null && !this.#isClosed) this.#turnSoon();
  }

  close(): void {
    this.#isClosed = true;
    this.#soon?.cancel();
    this.#alarm?.timer.cancel();
  }
}
