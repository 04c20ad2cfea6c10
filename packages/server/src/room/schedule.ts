/**
 * When each of a room's recurring steps is wanted next, in monotonic ms; asks the host for one tick at the earliest of them. A step may be wanted
 * earlier by another call, never later.
 */
export class Schedule<Step extends string> {
  readonly #requestTick: (atMs: number) => void;
  readonly #wanted = new Map<Step, number>();
  #requestedMs = Number.POSITIVE_INFINITY;

  constructor(requestTick: (atMs: number) => void) {
    this.#requestTick = requestTick;
  }

  want(step: Step, atMs: number): void {
    const before = this.#wanted.get(step);
    if (before !== undefined && before <= atMs) return;
    this.#wanted.set(step, atMs);
    this.#request(atMs);
  }

  /** A tick came: the steps due at `nowMs`, taken out, earliest first. Call `settle` after they were done. */
  take(nowMs: number): Step[] {
    this.#requestedMs = Number.POSITIVE_INFINITY;
    const due = [...this.#wanted].filter(([, atMs]) => atMs <= nowMs).sort(([, a], [, b]) => a - b);
    for (const [step] of due) this.#wanted.delete(step);
    return due.map(([step]) => step);
  }

  /** Asks for the next tick where one is wanted. */
  settle(): void {
    for (const atMs of this.#wanted.values()) this.#request(atMs);
  }

  clear(): void {
    this.#wanted.clear();
  }

  #request(atMs: number): void {
    if (atMs >= this.#requestedMs) return;
    this.#requestedMs = atMs;
    this.#requestTick(atMs);
  }
}
