import type { AlcoveError } from '@alcove/core/error';
import { type BackoffOptions, backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Watermark } from '../../mirror/watermark.ts';
import { SyncCounts } from '../../read/sync-counts.ts';
import type { SyncFigures } from '../../read/sync-figures.ts';

export interface MirroredAddress {
  readonly name: string;
  readonly id: string;
}

/** A room that fails is tried again ever more seldom: it costs the others a turn each time. */
const ROOM_BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 300_000 };

interface Waiting {
  /** @param differed Tables that did not hold what the room holds; they do now. */
  resolve(differed: readonly string[]): void;
  reject(error: AlcoveError): void;
}

/** What a mirror knows of one room. Some hundred bytes, as long as the room or its tombstone is there. */
export class MirroredRoom {
  readonly address: MirroredAddress;
  readonly counts: SyncCounts;
  readonly #runtime: Runtime;
  #watermark: Watermark | null = null;
  #head: number | null = null;
  #behindSinceMs: number | null = null;
  #error: AlcoveError | null = null;
  #failures = 0;
  #notBeforeMs = 0;
  /** Is worked on just now. */
  isBusy = false;
  /** Whatever is there is to be thrown away and copied anew. */
  isForced = false;
  /** Is to be compared with its mirror. */
  isToBeChecked = false;
  /** What the last comparison found, until whoever waits for it has been told. */
  differed: readonly string[] = [];
  /** Something was said of it while it was busy. */
  isWanted = false;
  /** Turns of its in a row that ended with PostgreSQL away: the room itself may be why. */
  disturbances = 0;
  /** Those who wait for it to be copied, compared or found wrong. */
  readonly waiting: Waiting[] = [];

  constructor(address: MirroredAddress, runtime: Runtime) {
    this.address = address;
    this.#runtime = runtime;
    this.counts = new SyncCounts(runtime);
  }

  get key(): string {
    return keyOf(this.address);
  }

  get watermark(): Watermark | null {
    return this.#watermark;
  }

  get error(): AlcoveError | null {
    return this.#error;
  }

  /** Holds all that the room is known to hold. */
  get isLevel(): boolean {
    const { state, version } = this.#watermark ?? { state: null, version: -1 };
    return state === 'live' && !this.isForced && version >= (this.#head ?? 0);
  }

  /** A first or another whole copy, which goes behind what the others have to tell. */
  get isCopying(): boolean {
    return this.#watermark?.state !== 'live' || this.isForced;
  }

  /** In how long it may be tried again; 0: now. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#runtime.monotonicMs());
  }

  /** The room is at this version. */
  moved(version: number): void {
    this.#head = Math.max(this.#head ?? 0, version);
    if (version > (this.#watermark?.version ?? -1)) this.#behindSinceMs ??= this.#runtime.monotonicMs();
  }

  /** What stands in PostgreSQL. `head`: what the room was at when that was read, which may be less than before where it has another history. */
  stands(watermark: Watermark | null, head?: number): void {
    this.#watermark = watermark;
    if (head !== undefined) this.#head = head;
    if (watermark?.state === 'live' && watermark.version >= (this.#head ?? 0)) this.#behindSinceMs = null;
    else if (watermark?.state !== 'deleted') this.#behindSinceMs ??= this.#runtime.monotonicMs();
  }

  succeeded(): void {
    this.#error = null;
    this.#failures = 0;
    this.#notBeforeMs = 0;
    this.disturbances = 0;
  }

  /** @returns whether it did not fail of that before */
  failed(error: AlcoveError): boolean {
    const isNew = this.#error?.message !== error.message;
    this.counts.failed();
    this.#failures += 1;
    this.#error = error;
    // Half of it at least: of many that fail none comes again at once.
    const wait = backoffMs(this.#failures, 0.5 + this.#runtime.random() / 2, undefined, ROOM_BACKOFF);
    this.#notBeforeMs = this.#runtime.monotonicMs() + wait;
    return isNew;
  }

  figures(): SyncFigures {
    const { name: room, id } = this.address;
    const mark = this.#watermark;
    const version = mark === null || mark.position !== null ? null : mark.version;
    const isGone = mark?.state === 'deleted';
    const behindMs = this.#behindSinceMs === null || isGone ? 0 : Math.round(this.#runtime.monotonicMs() - this.#behindSinceMs);
    return {
      room,
      id,
      state: isGone ? 'deleted' : this.#error !== null ? 'failing' : mark?.state === 'live' ? 'live' : 'syncing',
      version: isGone ? null : mark?.state === 'live' ? version : null,
      primaryVersion: isGone ? null : this.#head,
      lagVersions: isGone ? 0 : Math.max(0, (this.#head ?? 0) - (version ?? 0)),
      lagMs: behindMs,
      ...this.counts.figures(),
      error: this.#error === null ? null : { code: this.#error.code, message: this.#error.message },
    };
  }
}

export const keyOf = ({ name, id }: MirroredAddress): string => `${name}/${id}`;
