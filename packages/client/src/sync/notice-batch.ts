import type { EngineNotice, EngineStatus } from './engine-interface.ts';

/** Notices of one turn, handed over together; the status is among them where it changed. */
export class NoticeBatch {
  readonly #deliver: (notices: readonly EngineNotice[]) => void;
  #notices: EngineNotice[] = [];
  #toldStatus = '';

  constructor(deliver: (notices: readonly EngineNotice[]) => void) {
    this.#deliver = deliver;
  }

  add(notice: EngineNotice): void {
    this.#notices.push(notice);
  }

  flush(status: EngineStatus): void {
    const text = JSON.stringify(status);
    if (text !== this.#toldStatus) this.#notices.push({ type: 'status', status });
    this.#toldStatus = text;
    if (this.#notices.length === 0) return;
    const notices = this.#notices;
    this.#notices = [];
    this.#deliver(notices);
  }
}
