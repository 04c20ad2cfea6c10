import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import { openImage } from '../replica/open-image.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import type { MadeOf, StoredImage, StoredReplica } from '../storage/storage.ts';
import { isNewerSchema, storedSchemaOf } from '../storage/stored-schema.ts';
import type { EngineStorage } from './engine-storage.ts';

export interface ImageKeeperOptions extends Pick<EngineStorage, 'exportImage' | 'digest' | 'tryImager' | 'imagePauseMs'> {
  readonly runtime: Runtime;
  readonly run: RunOptions;
  /** No image is made. */
  readonly isFrugal: boolean;
  openDatabase(image: Uint8Array | null): Database;
  keep(image: StoredImage): void;
  /** As it is kept by now. */
  kept(): Promise<StoredReplica | null>;
  /** Nothing that is kept can be gone on from: the room is asked for a snapshot. */
  renew(): void;
}

/** Between two images that this tab makes, however fast the tail grows. */
const PAUSE_MS = 30_000;
/** After a replica of an older build was shown: with a network the room has sent a fresh one by then. */
const MIGRATED_AFTER_MS = 5_000;

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
  #isClosed = false;

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
  }

  /** A snapshot came. Rows become an image here: the database that was made of them is answered with one opened from it. */
  took(database: Database, position: ReplicaPosition, image: { readonly bytes: Uint8Array; readonly sha256: string } | null): Database {
    const { run, openDatabase, exportImage, digest } = this.#options;
    if (this.#options.isFrugal) return database;
    this.#isFresh = true;
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

  /** The tail costs too much, or what is kept does not go on. */
  wanted(): void {
    const { runtime, imagePauseMs = PAUSE_MS } = this.#options;
    if (this.#options.isFrugal || this.#isMaking || this.#isOthers || this.#isClosed || runtime.monotonicMs() - this.#lastMs < imagePauseMs)
      return;
    this.#lastMs = runtime.monotonicMs();
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
    if (kept === null || kept.image.position.schemaId !== room.model.schemaId) return this.#options.renew();
    if (kept.tail.length > 0) await this.#fold(kept);
  }

  /** Where somebody was faster nothing is left to do; where it fails, what is kept stays as it is. */
  async #keepMigrated(): Promise<void> {
    const kept = await this.#options.kept();
    const { room } = this.#options.run;
    if (kept === null || this.#isClosed || this.#isFresh || kept.image.position.schemaId === room.model.schemaId) return;
    if (isNewerSchema(kept.image.schema, storedSchemaOf(room))) return;
    const version = kept.tail.at(-1)?.to ?? kept.image.position.version;
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
    const { room } = this.#options.run;
    const { schemaId } = room.model;
    const made = madeOf === undefined ? {} : { madeOf };
    this.#options.keep({ position: { ...position, schemaId }, schema: storedSchemaOf(room), bytes, sha256, ...made });
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
  }
}
