import { assert } from '@alcove/core/error';

interface Waiting {
  readonly version: number;
  readonly leave: () => void;
}

/**
 * The one way out for whatever tells of a commit: results, commits, effects after a commit, answers to the server's own calls. Nothing leaves before
 * its version is durable, and all leaves in the order it was handed in.
 */
export class Gate {
  #durable: number;
  #leaving = false;
  readonly #waiting: Waiting[] = [];

  constructor(durable: number) {
    this.#durable = durable;
  }

  /** Everything up to here may be told. */
  get durable(): number {
    return this.#durable;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `leave` once `version` is durable: now, where it is and nothing waits before it. Versions handed in never fall. */
  after(version: number, leave: () => void): void {
    assert(version >= (this.#waiting.at(-1)?.version ?? 0), `version ${version} is handed to the gate after a later one`);
    this.#waiting.push({ version, leave });
    this.#open();
  }

  /** The host put every version up to `version` on disk. Lower ones than before change nothing. */
  durableAt(version: number): void {
    this.#durable = Math.max(this.#durable, version);
    this.#open();
  }

  /** The room failed: nothing that waits is ever told. */
  abandon(): void {
    this.#waiting.length = 0;
  }

  /** What leaves may hand in more; it then leaves from here, in turn. */
  #open(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined && next.version <= this.#durable; next = this.#waiting[0]) {
        this.#waiting.shift();
        next.leave();
      }
    } finally {
      this.#leaving = false;
    }
  }
}
