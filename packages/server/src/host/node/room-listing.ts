import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { RoomAddress } from '../../room/room-directory.ts';
import { whyFetchFailed } from './why-fetch-failed.ts';

export interface RoomListingOptions {
  /** Of rooms of which all are followed. */
  readonly names: readonly string[];
  /** The primary, for whoever reads the log. */
  readonly from: string;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'setTimer' | 'log'>;
  idsOnDisk(name: string): Promise<readonly string[]>;
  /** @throws whatever the primary, or the network, says */
  idsOnPrimary(name: string, timeoutMs: number): Promise<readonly string[]>;
  /** Called for each of them, each time. */
  found(address: RoomAddress): void;
}

/** How often rooms that were made since are looked for. */
export const LIST_INTERVAL_MS = 10_000;
/** A read of a room that is not known asks the primary for its rooms at most so often. */
const LIST_AGAIN_MS = 500;

/** Looks for the rooms of names that are followed whole. Those that are on the disk already are found even where the primary does not answer. */
export class RoomListing {
  readonly #options: RoomListingOptions;
  #timer: Timer | null = null;
  #listing: Promise<void> | null = null;
  #listedMs = Number.NEGATIVE_INFINITY;
  /** Why the primary did not tell its rooms the last time. */
  #failure: string | null = null;
  #isClosed = false;

  constructor(options: RoomListingOptions) {
    this.#options = options;
  }

  /** The primary has told its rooms when it was asked last. */
  get isComplete(): boolean {
    return this.#failure === null;
  }

  /** Looks now, and again every few seconds. */
  look(): Promise<void> {
    this.#timer?.cancel();
    this.#listing ??= this.#look().finally(() => {
      const { runtime, names } = this.#options;
      this.#listing = null;
      this.#listedMs = runtime.monotonicMs();
      if (names.length > 0 && !this.#isClosed) this.#timer = runtime.setTimer(LIST_INTERVAL_MS, () => void this.look());
    });
    return this.#listing;
  }

  /** Somebody asks for a room of that name which was not found yet: it may have been made since the last look. */
  async lookFor(name: string): Promise<void> {
    if (!this.#options.names.includes(name)) return;
    if (this.#options.runtime.monotonicMs() - this.#listedMs > LIST_AGAIN_MS) await (this.#listing ?? this.look());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { names, idsOnDisk, found } = this.#options;
    for (const name of names) {
      for (const id of await idsOnDisk(name)) found({ name, id });
      for (const id of await this.#idsOnPrimary(name)) found({ name, id });
    }
  }

  async #idsOnPrimary(name: string): Promise<readonly string[]> {
    const { from, runtime, idsOnPrimary } = this.#options;
    try {
      const ids = await idsOnPrimary(name, LIST_INTERVAL_MS);
      this.#failure = null;
      return ids;
    } catch (cause) {
      const reason = whyFetchFailed(cause);
      if (this.#failure !== reason) runtime.log.error('the primary does not tell its rooms; it is asked again', { name, from, reason });
      this.#failure = reason;
      return [];
    }
  }
}
