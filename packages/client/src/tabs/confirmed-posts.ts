import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { VersionAt } from './sibling-mutations.ts';
import type { TabMessage } from './tab-channel.ts';

/** Tabs with a session hear of ends from the room itself; the others can wait that long. */
const WAIT_MS = 100;
/** Clients whose newest word is remembered for tabs that come later; the first that were told go first. */
const SAID_MAX = 50;

interface Word {
  readonly confirmed: number;
  readonly at: VersionAt;
}

/** Tells the other tabs what has ended of this one's clients: the newest word of each, a few times a second at most. */
export class ConfirmedPosts {
  readonly #runtime: Pick<Runtime, 'setTimer'>;
  readonly #post: (message: TabMessage) => void;
  readonly #waiting = new Map<string, Word>();
  readonly #said = new Map<string, Word>();
  #timer: Timer | null = null;

  constructor(runtime: Pick<Runtime, 'setTimer'>, post: (message: TabMessage) => void) {
    this.#runtime = runtime;
    this.#post = post;
  }

  /** All of `clientId` up to `confirmed` have ended with that version. */
  add(clientId: string, confirmed: number, at: VersionAt): void {
    this.#waiting.set(clientId, { confirmed, at });
    this.#timer ??= this.#runtime.setTimer(WAIT_MS, () => this.flush());
  }

  /** Says it now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const [clientId, word] of this.#waiting) {
      this.#post({ type: 'confirmed', clientId, ...word });
      this.#said.delete(clientId);
      this.#said.set(clientId, word);
    }
    this.#waiting.clear();
    for (const clientId of [...this.#said.keys()].slice(0, -SAID_MAX)) this.#said.delete(clientId);
  }

  /** Says the newest word of each once more: the disk, from which a tab has just begun, may be behind it. */
  again(): void {
    for (const [clientId, word] of this.#said) if (!this.#waiting.has(clientId)) this.#waiting.set(clientId, word);
    this.flush();
  }
}
