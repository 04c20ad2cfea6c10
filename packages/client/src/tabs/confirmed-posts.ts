import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { VersionAt } from './sibling-mutations.ts';
import type { TabMessage } from './tab-channel.ts';

/** Tabs with a session hear of ends from the room itself; the others can wait that long. */
const WAIT_MS = 100;

/** Tells the other tabs what has ended of this one's clients: the newest word of each, a few times a second at most. */
export class ConfirmedPosts {
  readonly #runtime: Pick<Runtime, 'setTimer'>;
  readonly #post: (message: TabMessage) => void;
  readonly #waiting = new Map<string, { readonly confirmed: number; readonly at: VersionAt }>();
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
    for (const [clientId, { confirmed, at }] of this.#waiting) this.#post({ type: 'confirmed', clientId, confirmed, at });
    this.#waiting.clear();
  }
}
