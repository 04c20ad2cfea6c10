import type { EngineNotice, EngineStatus } from './engine-interface.ts';

/** That the room was heard, and nothing else, is told this seldom: it often says several things in a row, and each telling wakes the page. */
const HEARD_STEP_MS = 1_000;

/** Notices of one turn, handed over together; the status is among them where it changed. */
export class NoticeBatch {
  readonly #deliver: (notices: readonly EngineNotice[]) => void;
  #notices: EngineNotice[] = [];
  #told: { readonly status: EngineStatus; readonly text: string } | null = null;

  constructor(deliver: (notices: readonly EngineNotice[]) => void) {
    this.#deliver = deliver;
  }

  add(notice: EngineNotice): void {
    this.#notices.push(notice);
  }

  flush(status: EngineStatus): void {
    if (this.#isNews(status)) {
      this.#notices.push({ type: 'status', status });
      this.#told = { status, text: JSON.stringify(status) };
    }
    if (this.#notices.length === 0) return;
    const notices = this.#notices;
    this.#notices = [];
    this.#deliver(notices);
  }

  #isNews(status: EngineStatus): boolean {
    if (this.#told === null) return true;
    const { heardAtMs, roundTripMs } = this.#told.status;
    if (JSON.stringify({ ...status, heardAtMs, roundTripMs }) !== this.#told.text) return true;
    // Either way: wall time may be set back.
    return Math.abs((status.heardAtMs ?? 0) - (heardAtMs ?? 0)) >= HEARD_STEP_MS;
  }
}
