import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

/** How long a room that nobody retains any more stays open. */
const UNUSED_ROOM_MS = 5_000;

export interface RoomUsersOptions {
  readonly runtime: Runtime;
  /** Whether it has to stay open, whoever holds it. */
  isBusy(): boolean;
  close(): void;
}

/** Who holds a room: without anybody it closes after a while, once it is not busy any more. */
export class RoomUsers {
  readonly #options: RoomUsersOptions;
  #count = 0;
  #closing: Timer | null = null;
  #ended = false;

  constructor(options: RoomUsersOptions) {
    this.#options = options;
  }

  /** One more; until the returned function is called. */
  add(): () => void {
    this.#count += 1;
    this.#closing?.cancel();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#count -= 1;
      this.#closeLater();
    };
  }

  /** It was closed. */
  end(): void {
    this.#ended = true;
    this.#closing?.cancel();
  }

  #closeLater(): void {
    this.#closing?.cancel();
    if (this.#count > 0 || this.#ended) return;
    this.#closing = this.#options.runtime.setTimer(UNUSED_ROOM_MS, () => {
      if (this.#options.isBusy()) this.#closeLater();
      else this.#options.close();
    });
  }
}
