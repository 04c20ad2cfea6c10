import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import { imageHeaders } from '@alcove/core/protocol/image-headers';
import type { ImageFacts } from '@alcove/core/protocol/image-headers';
import type { FetchedImage } from '../../../packages/client/src/sync/engine-interface.ts';
import { openRawDatabase } from '../../../packages/server/src/host/node/raw-database.ts';
import type { ImageOffer, ImageRequest } from '../../../packages/server/src/room/room-ports.ts';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { imagePlan } from '../../../packages/server/src/snapshot/image-plan.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { canariesIn } from '../check/sight-watch.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import type { RoomDisk } from './room-disk.ts';

interface Built {
  readonly facts: ImageFacts;
  readonly bytes: Buffer;
}

/** What may happen to a fetch. */
export interface ImageTrouble {
  /** Shares of fetches that fail, that never end, and whose bytes arrive damaged. */
  fail: number;
  hang: number;
  damage: number;
}

const LONGEST_FETCH_MS = 400;

/** Makes images as the host's builder does, with its own plan, and hands them out as its HTTP side does: later, or not. */
export class ImageDesk {
  trouble: ImageTrouble = { fail: 0, hang: 0, damage: 0 };
  readonly folder: string;
  readonly #disk: RoomDisk;
  readonly #time: VirtualTime;
  readonly #random: Prng;
  /** Of the room now. */
  readonly #model: () => RoomModel;
  readonly #sights: SightWatch;
  /** By view. */
  readonly #newest = new Map<string, Built>();
  readonly #byPath = new Map<string, Built>();
  #count = 0;

  /** @param folder Where its images are found. */
  constructor(disk: RoomDisk, time: VirtualTime, random: Prng, model: () => RoomModel, sights: SightWatch, folder = '/image') {
    this.folder = folder;
    this.#sights = sights;
    this.#disk = disk;
    this.#time = time;
    this.#random = random;
    this.#model = model;
  }

  /** An image at a version in [floor, version], often an older one; null where none can be made: the newest commit is not durable yet. */
  offer(request: ImageRequest): ImageOffer | null {
    const newest = this.#newest.get(request.view);
    const isUsable =
      newest !== undefined &&
      newest.facts.historyId === request.historyId &&
      newest.facts.version >= request.floor &&
      newest.facts.schema === request.schema;
    const image = isUsable && this.#random.chance(0.5) ? newest : this.#build(request);
    if (image === null) return null;
    this.#newest.set(request.view, image);
    this.#count += 1;
    const path = `${this.folder}/${this.#count}`;
    this.#byPath.set(path, image);
    return { path, ticket: `ticket-${this.#count}`, expiresInMs: 30_000 };
  }

  /** The room's file is another one. */
  clear(): void {
    this.#newest.clear();
  }

  fetch(client: SimProcess, { path }: { readonly path: string }): Promise<FetchedImage> {
    const image = this.#byPath.get(path);
    const fate = this.#random.float();
    const { fail, hang, damage } = this.trouble;
    return new Promise((resolve, reject) => {
      if (fate < hang) return;
      this.#time.setTimer(this.#random.float() * LONGEST_FETCH_MS, () =>
        client.enter(() => {
          if (image === undefined || fate < hang + fail) reject(new AlcoveError('ticket_refused', 'the ticket is not good (any more)'));
          else resolve(this.#answer(image, fate < hang + fail + damage));
        }),
      );
    });
  }

  #answer({ facts, bytes }: Built, damaged: boolean): FetchedImage {
    const copy = new Uint8Array(bytes);
    const at = Math.floor(copy.length / 2);
    if (damaged) copy[at] = (copy[at] ?? 0) ^ 0x40;
    const headers = imageHeaders(facts);
    this.#sights.viewsOfImages.set(copy, facts.view);
    this.#sights.told(canariesIn(bytes.toString('latin1')), this.#sights.of(facts.view) ?? null, `an image of view ${facts.view}`);
    return { bytes: copy, header: (name) => headers[name] ?? null };
  }

  #build({ historyId, version, schema, view, readerClass }: ImageRequest): Built | null {
    const path = `${this.#disk.path}-image`;
    const plan = imagePlan(this.#model(), readerClass);
    const image = openRawDatabase(path, 0);
    try {
      image.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF');
      image.exec(`ATTACH '${this.#disk.path}' AS room`);
      image.exec('BEGIN');
      const head = image.prepare(plan.headSql).all()[0] as { version: number; hash: string }; // the row that headSql is made to read
      if (head.version > version) return null;
      for (const { createSql, copySql, copyParams } of plan.tables) {
        image.exec(createSql);
        image.prepare(copySql).run(...copyParams);
      }
      for (const sql of plan.indexSql) image.exec(sql);
      image.exec('COMMIT; DETACH room');
      const bytes = readFileSync(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { bytes, facts: { historyId, version: head.version, hash: head.hash, schema, view, bytes: bytes.length, sha256, rows: 0 } };
    } finally {
      image.close();
      rmSync(path, { force: true });
    }
  }
}
