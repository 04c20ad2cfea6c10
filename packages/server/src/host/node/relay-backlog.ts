import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { HostConnection } from './host-connection.ts';
import type { HostLimits } from './host-limits.ts';

export interface RelayBacklogOptions {
  readonly limits: Pick<HostLimits, 'relayBacklogBytesMax' | 'relayBacklogBytesHard'>;
  readonly runtime: Pick<Runtime, 'setTimer'>;
  readonly meter: LimitMeter;
  /** Bytes that wait on the way to the primary. */
  bufferedBytes(): number;
}

type Talker = Pick<HostConnection, 'slowDown'>;

/** How often it is looked whether the way has drained. */
const LOOK_MS = 100;

/**
 * The tabs that talk while much waits on the way to the primary, which is one for all of a room's: who talks then is not read until it has drained, and past the hard bound
 * ended where it has taken more than its part. Nobody else notices but by waiting.
 */
export class RelayBacklog {
  readonly #options: RelayBacklogOptions;
  /** Who talked while the way was full, and how many bytes, since it was seen drained. */
  readonly #talkers = new Map<Talker, number>();
  #timer: Timer | null = null;

  constructor(options: RelayBacklogOptions) {
    this.#options = options;
  }

  /** Before one of so many tabs says so many bytes. @returns what it is ended with instead */
  refusal(talker: Talker, bytes: number, tabs: number): AlcoveError | null {
    const limit = 'relayBacklogBytesHard';
    const hard = this.#options.limits[limit];
    const bufferedBytes = this.#options.bufferedBytes();
    if (bufferedBytes <= hard || (this.#talkers.get(talker) ?? 0) + bytes <= hard / tabs) return null;
    return new AlcoveError('overloaded', `${bufferedBytes} bytes wait on the follower’s way to its primary`, {
      retryAfterMs: 2_000,
      limit,
    });
  }

  /** It has said so many bytes. */
  said(talker: Talker, bytes: number): void {
    const { limits, meter } = this.#options;
    if (this.#options.bufferedBytes() <= limits.relayBacklogBytesMax) return;
    meter.met('relayBacklogBytesMax');
    this.#talkers.set(talker, (this.#talkers.get(talker) ?? 0) + bytes);
    talker.slowDown(2 * LOOK_MS);
    if (this.#timer === null) this.#lookSoon();
  }

  /** It is gone. */
  forget(talker: Talker): void {
    this.#talkers.delete(talker);
  }

  /** The way is gone, and what waited on it. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#talkers.clear();
  }

  #lookSoon(): void {
    this.#timer = this.#options.runtime.setTimer(LOOK_MS, () => {
      this.#timer = null;
      if (this.#options.bufferedBytes() <= this.#options.limits.relayBacklogBytesMax) return this.#talkers.clear();
      for (const talker of this.#talkers.keys()) talker.slowDown(2 * LOOK_MS);
      this.#lookSoon();
    });
  }
}
