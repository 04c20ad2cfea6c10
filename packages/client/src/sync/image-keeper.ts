import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import { openImage } from '../replica/open-image.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import type { ImageReason, MadeOf, RoomState, StoredCommit, StoredImage, StoredPosition, StoredReplica } from '../storage/storage.ts';
import { isNewerSchema, storedSchemaOf } from '../storage/stored-schema.ts';
import type { EngineStorage } from './engine-storage.ts';

export interface ImageKeeperOptions extends Pick<EngineStorage, 'exportImage' | 'digest' | 'tryImager' | 'imagePauseMs'> {
  readonly runtime: Runtime;
  readonly run: RunOptions;
  /** No image is made. */
  readonly isFrugal: boolean;
  openDatabase(image: Uint8Array | null): Database;
  keep(image: StoredImage): void;
  /** What is kept goes, but for what leads to this state of the room. */
  dropLost(have: RoomState): void;
  /** As it is kept by now. */
  kept(): Promise<StoredReplica | null>;
  /** What is shown. */
  shown(): ReplicaPosition | null;
  /** The room could be asked for a snapshot. */
  isCurrent(): boolean;
  /** Nothing that is kept can be gone on from: the room is asked for a snapshot. False: it cannot be just now. */
  renew(): boolean;
}

/** Between two images that this tab makes, however fast the tail grows. */
const PAUSE_MS = 30_000;
/** After a replica of an older build was shown: with a network the room has sent a fresh one by then. */
const MIGRATED_AFTER_MS = 5_000;
/** Where the room was asked for a snapshot, no other tab asks for one until it has come, or this long. */
const RENEW_MS = 60_000;

/**
 * Keeps an image of the room: the one that came, or one made of what is kept when the tail has outgrown it. That one is made beside the replica that is shown,
 * in pieces, so that nothing waits for it.
 */
export class ImageKeeper {
  readonly #options: ImageKeeperOptions;
  #isMaking = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** A newer build of the app keeps it, which leaves nothing to this one. */
  #isOthers = false;
  /** This tab has got the room's own snapshot. */
  #isFresh = false;
  #migrating: Timer | null = null;
  /** Nothing that is kept goes on: a snapshot is asked for as soon as that can be. */
  #owesFresh = false;
  /** What is kept is not of the history that is shown: the snapshot that comes takes its place whatever its version. */
  #isForked = false;
  /** Gives up the waiting for the one that was asked for. */
  #endRenewal: (() => void) | null = null;
  /** The end of the pause, where something is owed. */
  #afterPause: Timer | null = null;
  #isClosed = false;

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
  }

  /**
   * A snapshot came. Rows become an image here: the database that was made of them is answered with one opened from it. `isFork`: the room has lost an end that
   * was shown, and may be kept.
   */
  took(
    database: Database,
    position: ReplicaPosition,
    image: { readonly bytes: Uint8Array; readonly sha256: string } | null,
    isFork: boolean,
  ): Database {
    const { run, openDatabase, exportImage, digest } = this.#options;
    if (isFork || this.#isForked) this.#options.dropLost(this.#stateOf(position));
    if (this.#options.isFrugal) return database;
    this.#isFresh = true;
    this.#owesFresh = false;
    this.#isForked = false;
    this.#endRenewal?.();
    if (image !== null) {
      this.#keep(position, image.bytes, image.sha256);
      return database;
    }
    const bytes = exportImage(database);
    database.close();
    this.#inBackground(digest(bytes).then((sha256) => this.#keep(position, bytes, sha256)));
    return openImage(bytes, run.room.model, openDatabase);
  }

  /** What an older build kept is shown, brought to this one's schema: it is kept so, too, for the next start, unless the room sends a fresh one first. */
  migrated(): void {
    this.#migrating ??= this.#options.runtime.setTimer(MIGRATED_AFTER_MS, () => {
      if (!this.#isFresh && !this.#isMaking) this.#begin(() => this.#keepMigrated());
    });
  }

  /** At most one a pause. For a gap it is remembered: also where the room cannot be asked just now. */
  wanted(reason: ImageReason): void {
    if (this.#options.isFrugal || this.#isOthers || this.#isClosed) return;
    if (reason !== 'tail') {
      this.#owesFresh = true;
      if (reason === 'fork') this.#notesFork();
      this.goOn();
    } else if (!this.#isMaking && this.#pauseMs === 0) this.#beginMaking();
  }

  /** Not to be kept for a pause. */
  #notesFork(): void {
    if (!this.#isForked) this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#isForked = true;
  }

  /** The room may be within reach by now. Costs nothing while nothing is owed. */
  goOn(): void {
    if (!this.#owesFresh || this.#isMaking || this.#isClosed || this.#afterPause !== null || !this.#options.isCurrent()) return;
    if (this.#pauseMs === 0) return this.#beginMaking();
    this.#afterPause = this.#options.runtime.setTimer(this.#pauseMs, () => {
      this.#afterPause = null;
      this.goOn();
    });
  }

  /** What is left of it. */
  get #pauseMs(): number {
    const { runtime, imagePauseMs = PAUSE_MS } = this.#options;
    return Math.max(0, this.#lastMs + imagePauseMs - runtime.monotonicMs());
  }

  #beginMaking(): void {
    this.#lastMs = this.#options.runtime.monotonicMs();
    this.#begin(() => this.#make());
  }

  /** As the only imager there is, if nobody else is it. */
  #begin(make: () => Promise<void>): void {
    const asImager = async (): Promise<void> => {
      const release = await this.#options.tryImager();
      if (release === null) return;
      try {
        await make();
      } finally {
        release();
      }
    };
    this.#isMaking = true;
    this.#inBackground(
      asImager().finally(() => {
        this.#isMaking = false;
      }),
    );
  }

  async #make(): Promise<void> {
    const kept = await this.#options.kept();
    if (this.#isClosed) return;
    const { room } = this.#options.run;
    this.#isOthers = isNewerSchema(kept?.image.schema, storedSchemaOf(room));
    if (this.#isOthers) return;
    if (
      kept === null ||
      kept.image.position.schemaId !== room.model.schemaId ||
      (this.#owesFresh && (this.#isForked || this.#isBehind(kept)))
    )
      return this.#renew();
    this.#owesFresh = false;
    if (kept.tail.length > 0) await this.#fold(kept);
  }

  #isBehind({ image, tail }: StoredReplica): boolean {
    const { historyId } = image.position;
    const shown = this.#options.shown();
    const { version, hash } = reachedBy(image.position, tail);
    if (shown === null || shown.historyId !== historyId || version < shown.version) return true;
    return version === shown.version && hash !== shown.hash;
  }

  /** Resolves when it has come, or may not come any more. */
  async #renew(): Promise<void> {
    this.#owesFresh = true;
    if (!this.#options.renew()) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.runtime.setTimer(RENEW_MS, resolve);
      this.#endRenewal = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#endRenewal = null;
  }

  /** Where somebody was faster nothing is left to do; where it fails, what is kept stays as it is. */
  async #keepMigrated(): Promise<void> {
    const kept = await this.#options.kept();
    const { room } = this.#options.run;
    if (kept === null || this.#isClosed || this.#isFresh || kept.image.position.schemaId === room.model.schemaId) return;
    if (isNewerSchema(kept.image.schema, storedSchemaOf(room))) return;
    const { version } = reachedBy(kept.image.position, kept.tail);
    await this.#fold(kept, { position: kept.image.position, version });
  }

  /** Image and tail become one image. */
  async #fold(kept: StoredReplica, madeOf?: MadeOf): Promise<void> {
    const { run, openDatabase, exportImage, digest } = this.#options;
    const restore = new RestoreReplica(kept, run, openDatabase);
    let bytes: Uint8Array;
    try {
      while (!restore.isDone) {
        restore.step();
        await this.#turn();
      }
      bytes = exportImage(restore.replica.database);
    } finally {
      restore.replica.close();
    }
    const sha256 = await digest(bytes);
    const isLate = madeOf !== undefined && this.#isFresh;
    if (!this.#isClosed && !isLate) this.#keep(restore.replica.position, bytes, sha256, madeOf);
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.runtime.setTimer(0, resolve);
    });
  }

  #keep(position: ReplicaPosition, bytes: Uint8Array, sha256: string, madeOf?: MadeOf): void {
    const made = madeOf === undefined ? {} : { madeOf };
    this.#options.keep({ ...this.#stateOf(position), bytes, sha256, ...made });
  }

  #stateOf(position: ReplicaPosition): RoomState {
    const { room } = this.#options.run;
    return { position: { ...position, schemaId: room.model.schemaId }, schema: storedSchemaOf(room) };
  }

  /** What fails here costs a fresh snapshot at the next start and nothing else; it is told and tried again by the next `wanted`. */
  #inBackground(work: Promise<void>): void {
    const { runtime, run } = this.#options;
    work.catch((cause: unknown) => {
      const { code, message } = AlcoveError.from(cause);
      runtime.log.error('an image could not be made', { room: run.room.name, code, message });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#migrating?.cancel();
    this.#afterPause?.cancel();
    this.#endRenewal?.();
  }
}

function reachedBy(position: StoredPosition, tail: readonly StoredCommit[]): { readonly version: number; readonly hash: string } {
  const last = tail.at(-1);
  return last === undefined ? position : { version: last.to, hash: last.hash };
}
