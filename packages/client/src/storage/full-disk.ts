/** Before another image is tried on a disk that was full; doubled while it still is. */
const PAUSE_MS = 5 * 60_000;
const PAUSE_MAX_MS = 4 * 3_600_000;

/** What a disk that was full is spared: an image costs the room a snapshot and the disk what the user's work needs more. */
export class FullDisk {
  #pauseMs = 0;
  #untilMs = Number.NEGATIVE_INFINITY;
  /** One that is smaller may fit. */
  #bytes = 0;

  /** `bytes`: of the image that did not fit; 0 where something else did not. */
  refused(bytes: number, nowMs: number): void {
    this.#bytes = nowMs < this.#untilMs ? Math.min(this.#bytes, bytes) : bytes;
    if (nowMs < this.#untilMs) return;
    const wasLongAgo = nowMs > this.#untilMs + this.#pauseMs;
    this.#pauseMs = wasLongAgo ? PAUSE_MS : Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    this.#untilMs = nowMs + this.#pauseMs;
  }

  /** Whether an image of that size may be tried. */
  mayFit(bytes: number, nowMs: number): boolean {
    return nowMs >= this.#untilMs || bytes < this.#bytes;
  }

  /** Whether one of any size may be. */
  hasRoom(nowMs: number): boolean {
    return this.mayFit(Number.POSITIVE_INFINITY, nowMs);
  }
}
