import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { ReaderClass } from '../../access/reader-class.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { ImageOffer, ImageRequest } from '../../room/room-ports.ts';
import { ImageCache } from '../../snapshot/image-cache.ts';
import type { BuiltImage, ImageKey, ImageWanted } from '../../snapshot/image-cache.ts';
import { imagePlan } from '../../snapshot/image-plan.ts';
import type { BuilderPool } from './builder-pool.ts';
import { withSidecars } from './data-dir.ts';
import type { DataDir } from './data-dir.ts';
import type { HostLimits } from './host-limits.ts';
import { signTicket } from './image-ticket.ts';

/** Classes of readers, of all rooms, whose images may be asked for. A ticket is good for a minute. */
const CLASSES_MAX = 10_000;

export interface HostImagesOptions {
  readonly enabled: boolean;
  readonly dataDir: DataDir;
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly pool: BuilderPool;
  readonly limits: HostLimits;
  readonly runtime: Runtime;
}

/** Builds and offers images of the host's rooms. */
export class HostImages {
  readonly cache: ImageCache;
  /** Signs tickets; of this start of the server only. */
  readonly ticketKey: Uint8Array = randomBytes(32);
  readonly #options: HostImagesOptions;
  /** By view, which no two rooms share unless everything is seen. The longest unasked for first. */
  readonly #classes = new Map<string, ReaderClass>();
  #built = 0;

  constructor(options: HostImagesOptions) {
    this.#options = options;
    const { limits, runtime } = options;
    this.cache = new ImageCache(
      { build: (key) => this.#build(key), remove: (file) => this.#remove(file) },
      { cacheBytesMax: limits.imageCacheBytesMax, buildsPendingMax: limits.imageBuildsPendingMax, retryMs: limits.imageRetryMs },
      runtime,
    );
  }

  /** Null: rows are sent instead, because they are faster, or because no image can be had just now. */
  offer(address: RoomAddress, databasePath: string, request: ImageRequest, wanted: ImageWanted): ImageOffer | null {
    const { enabled, limits, pool, runtime } = this.#options;
    if (!enabled || roomBytes(databasePath) < limits.imageRoomBytesMin || !pool.available) return null;
    const { historyId, schema, view, readerClass } = request;
    this.#remember(view, readerClass);
    const key = { room: address.name, id: address.id, historyId, schema, view };
    const version = this.cache.offer(key, wanted);
    if (version === null) return null;
    const ticket = signTicket({ ...key, version, expiresAtMs: runtime.monotonicMs() + limits.imageTicketTtlMs }, this.ticketKey);
    // The socket's own address with a query: it holds wherever the server was attached and behind any proxy, and keeps rooms apart in the browser's cache.
    const query = new URLSearchParams({ image: `${address.name}/${address.id}`, view });
    return { path: `?${query.toString()}`, ticket, expiresInMs: limits.imageTicketTtlMs };
  }

  async #build(key: ImageKey): Promise<BuiltImage> {
    const { dataDir, rooms, pool, runtime } = this.#options;
    const definition = rooms.get(key.room);
    if (definition === undefined) throw new AlcoveError('room_unknown', `this server has no room of the name ${key.room}`);
    this.#built += 1;
    const base = join(dataDir.imageDirectory, `${this.#built}-${randomBytes(6).toString('hex')}`);
    const [imagePath, packedPath] = [`${base}.sqlite`, `${base}.gz`];
    const roomPath = dataDir.roomFiles({ name: key.room, id: key.id }).database;
    try {
      const { historyId, schema } = key;
      const startedMs = runtime.monotonicMs();
      const built = await pool.run({
        kind: 'image',
        roomPath,
        imagePath,
        packedPath,
        historyId,
        schema,
        plan: imagePlan(definition.model, this.#classOf(key.view)),
      });
      const { version, hash, rows, bytes, sha256, packedBytes } = built;
      runtime.log.debug('an image was built', {
        room: key.room,
        id: key.id,
        version,
        rows,
        bytes,
        packedBytes,
        ms: Math.round(runtime.monotonicMs() - startedMs),
      });
      return {
        facts: { historyId, version, hash, schema, view: key.view, bytes, sha256, rows },
        file: packedPath,
        storedBytes: packedBytes,
      };
    } catch (error) {
      for (const file of [...withSidecars(imagePath), packedPath]) this.#remove(file);
      const { code, message } = AlcoveError.from(error, 'snapshot_failed');
      if (code !== 'closed')
        runtime.log.error('an image could not be built; readers get rows for a while', {
          room: key.room,
          id: key.id,
          code,
          reason: message,
        });
      throw error;
    }
  }

  /** The view last asked for is the last to go. */
  #remember(view: string, readerClass: ReaderClass): void {
    this.#classes.delete(view);
    this.#classes.set(view, readerClass);
    const [oldest] = this.#classes.keys();
    if (this.#classes.size > CLASSES_MAX && oldest !== undefined) this.#classes.delete(oldest);
  }

  /** @throws AlcoveError `snapshot_failed` for one that others have pushed out: whoever asks says hello again. */
  #classOf(view: string): ReaderClass {
    const readerClass = this.#classes.get(view);
    if (readerClass === undefined)
      throw new AlcoveError('snapshot_failed', 'the image was of a class of readers that is not known any more');
    return readerClass;
  }

  #remove(file: string): void {
    rm(file, { force: true }).catch((error: unknown) => {
      this.#options.runtime.log.error('an image could not be removed; it goes at the next start', {
        file,
        reason: AlcoveError.from(error).message,
      });
    });
  }
}

const roomBytes = (databasePath: string): number =>
  [databasePath, `${databasePath}-wal`].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
