import { AlcoveError } from '@alcove/core/error';
import { IMAGE_HEADERS } from '@alcove/core/protocol/image-headers';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { openImage } from './open-image.ts';
import type { ReplicaPosition } from './replica.ts';

/** An image as it came over HTTP. */
export interface ReceivedImage {
  readonly bytes: Uint8Array;
  /** Lower-case hex of the bytes' SHA-256 where the platform made it; null: it is made here. */
  readonly sha256?: string | null | undefined;
  header(name: string): string | null;
}

/** Bytes hashed in one step: a few ms. */
const HASH_STEP_BYTES = 512 * 1024;

/**
 * A snapshot that came as a SQLite file: checked (length, checksum, schema), opened, and made ready for pending mutations. Works in steps, as RowsHydration.
 *
 * @throws AlcoveError from the constructor and `step`: `snapshot_failed` where it is damaged or of another schema.
 */
export class ImageHydration {
  readonly position: ReplicaPosition;
  readonly #image: ReceivedImage;
  readonly #model: RoomModel;
  readonly #open: (bytes: Uint8Array) => Database;
  readonly #hash = sha256.create();
  readonly #wanted: string;
  #hashed = 0;
  #database: Database | null = null;

  constructor(image: ReceivedImage, model: RoomModel, open: (bytes: Uint8Array) => Database) {
    const header = (name: keyof typeof IMAGE_HEADERS): string => {
      const value = image.header(IMAGE_HEADERS[name]);
      if (value === null || value === '') throw failed(`its answer lacks the header ${IMAGE_HEADERS[name]}`);
      return value;
    };
    this.#image = image;
    this.#model = model;
    this.#open = open;
    if (header('schema') !== model.schemaId) throw failed(`it is of schema ${header('schema')}, this side has ${model.schemaId}`);
    const version = Number(header('version'));
    if (!Number.isSafeInteger(version) || version < 0) throw failed(`its version is ${header('version')}`);
    if (Number(header('bytes')) !== image.bytes.length) throw failed(`${image.bytes.length} bytes came of ${header('bytes')}`);
    this.#wanted = header('sha256');
    this.position = { historyId: header('historyId'), version, hash: header('hash'), view: header('view') };
  }

  /** The image itself. */
  get bytes(): Uint8Array {
    return this.#image.bytes;
  }

  /** Lower-case hex of their SHA-256, checked once there is a database. */
  get sha256(): string {
    return this.#wanted;
  }

  /** The finished database; null until the last step. */
  get database(): Database | null {
    return this.#database;
  }

  /** One piece of the work: some of the checksum, then opening it. */
  step(): void {
    if (this.#database !== null) return;
    const { bytes, sha256: given } = this.#image;
    if ((given === null || given === undefined) && this.#hashed < bytes.length) {
      this.#hash.update(bytes.subarray(this.#hashed, this.#hashed + HASH_STEP_BYTES));
      this.#hashed += HASH_STEP_BYTES;
      return;
    }
    const found = given ?? bytesToHex(this.#hash.digest());
    if (found !== this.#wanted) throw failed('its checksum does not fit');
    this.#database = openImage(this.#image.bytes, this.#model, this.#open);
  }
}

const failed = (what: string): AlcoveError => new AlcoveError('snapshot_failed', `the image is not whole: ${what}`);
