import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import { openImage } from '../replica/open-image.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import type { ReplicaPosition } from '../replica/replica.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import type { StoredImage, StoredReplica } from '../storage/storage.ts';
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
  #isClosed = false;

  constructor(options: ImageKeeperOptions) {
    this.#options = options;
  }

  /** A snapshot came. Rows become an image here: the database that was made of them is answered with one opened from it. */
  took(database: Database, position: ReplicaPosition, image: { readonly bytes: Uint8Array; readonly sha256: string } | null): Database {
    const { run, openDatabase, exportImage, digest } = this.#options;
    if (this.#options.isFrugal) return database;
    if (image !== null) {
      this.#keep(position, image.bytes, image.sha256);
      return database;
    }
    const bytes = exportImage(database);
    database.close();
    this.#inBackground(digest(bytes).then((sha256) => this.#keep(position, bytes, sha256)));
    return openImage(bytes, run.room.model, openDatabase);
  }

  /** The tail costs too much, or what is kept does not go on. */
  wanted(): void {
    const { runtime, imagePauseMs = PAUSE_MS } = this.#options;
    if (this.#options.isFrugal || this.#isMaking || this.#isOthers || this.#isClosed || runtime.monotonicMs() - this.#lastMs < imagePauseMs)
      return;
    this.#isMaking = true;
    this.#lastMs = runtime.monotonicMs();
    this.#inBackground(
      this.#make().finally(() => {
        this.#isMaking = false;
      }),
    );
  }

  async #make(): Promise<void> {
    const release = await this.#options.tryImager();
    if (release === null) return;
    try {
      const kept = await this.#options.kept();
      if (this.#isClosed) return;
      const { room } = this.#options.run;
      this.#isOthers = isNewerSchema(kept?.image.schema, storedSchemaOf(room));
      if (this.#isOthers) return;
      if (kept === null || kept.image.position.schemaId !== room.model.schemaId) return this.#options.renew();
      if (kept.tail.length > 0) await this.#fold(kept);
    } finally {
      release();
    }
  }

  /** Image and tail become one image. */
  async #fold(kept: StoredReplica): Promise<void> {
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
    if (!this.#isClosed) this.#keep(restore.replica.position, bytes, sha256);
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.runtime.setTimer(0, resolve);
    });
  }

  #keep(position: ReplicaPosition, bytes: Uint8Array, sha256: string): void {
    const { room } = this.#options.run;
    this.#options.keep({ position: { ...position, schemaId: room.model.schemaId }, schema: storedSchemaOf(room), bytes, sha256 });
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
  }
}
