import { AlcoveError } from '@alcove/core/error';
import { isSightOf } from '../../../packages/server/src/read/read-sight.ts';
import type { ReadAnswer, ReadRequest, ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import { digestDatabase } from '../../../packages/server/src/read/digest-database.ts';
import { digestTables, type RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import { RoomUnavailable } from '../../../packages/server/src/read/room-unavailable.ts';
import type { Database } from '@alcove/core/sqlite/database';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Prng } from '../../fake/prng.ts';
import { RoomDisk } from '../room/room-disk.ts';
import type { LostTail } from '../room/room-disk.ts';
import { ROOM_ID } from '../room/addresses.ts';
import { SimProcess } from '../world/sim-process.ts';
import type { ReplicaServer } from './call-over-network.ts';
import { FollowLink, type FollowLinkParts } from './follow-link.ts';
import { inFile, readFile } from './read-in.ts';

export interface SimFollowerParts extends Omit<FollowLinkParts, 'process' | 'disk' | 'definition' | 'database' | 'runtime'> {
  readonly seed: string;
  readonly random: Prng;
  /** Of the release that is installed on servers now. */
  definition(): AnyRoom;
  /** Wraps its database with a deliberate bug. */
  wrap(database: Database): Database;
  wallMs(): number;
}

/** How long a follower waits for a version that a read names. */
const REACH_MS = 150;

/** A follower: the real FollowedRoom over a real file, in a process that dies and comes back to its disk. */
export class SimFollower implements ReplicaServer {
  readonly id: string;
  readonly disk: RoomDisk;
  readonly #parts: SimFollowerParts;
  #life: { readonly process: SimProcess; readonly link: FollowLink } | null = null;
  starts = 0;
  /** How often it was told to take the room anew. */
  resyncs = 0;
  #copiesBefore = 0;

  constructor(id: string, parts: SimFollowerParts) {
    this.id = id;
    this.#parts = parts;
    this.disk = new RoomDisk(parts.random.fork('disk'));
  }

  get process(): SimProcess | null {
    return this.#life?.process ?? null;
  }

  get link(): FollowLink | null {
    return this.#life?.link ?? null;
  }

  /** How often it copied the room. */
  get copies(): number {
    return this.#copiesBefore + (this.#life?.link.copies ?? 0);
  }

  start(): void {
    if (this.#life !== null) return;
    this.starts += 1;
    const { definition, wallMs } = this.#parts;
    const process = new SimProcess(`${this.id}.${this.starts}`, this.#parts, wallMs());
    // Its primary is of another release, or its disk was not as it left it.
    process.expectedErrors.push(/schema_mismatch/, /followed room does not go on/);
    const link = new FollowLink({ ...this.#parts, process, runtime: process.runtime, disk: this.disk, definition: definition() });
    this.#life = { process, link };
    process.enter(() => link.start());
  }

  /** @param tail What of its file is left; nothing of it has to be. */
  crash(tail: LostTail): void {
    const life = this.#life;
    if (life === null) return;
    this.#copiesBefore += life.link.copies;
    this.#life = null;
    this.#parts.trace.add(life.process.name, `dies, tail ${tail}`);
    life.link.close();
    life.process.kill();
    this.disk.crashIfOpen(tail);
  }

  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const life = this.#life;
    if (life === null || request.room.id !== ROOM_ID) throw new RoomUnavailable('this follower does not follow the room');
    if (!isSightOf(request.sight, life.link.definition.model.schemaId)) throw new RoomUnavailable('this follower is of another release');
    await life.link.reached(request.atLeast?.version ?? 0, REACH_MS);
    if (life !== this.#life) throw new AlcoveError('closed', 'the follower ends');
    if (!life.link.isOpen) throw new RoomUnavailable('the room has no file');
    return readFile(this.disk.path, request);
  }

  async digest(room: ReadRequest['room']): Promise<RoomDigest> {
    const life = this.#life;
    if (life === null || room.id !== ROOM_ID || !life.link.isOpen) throw new RoomUnavailable('this follower does not have the room');
    const tables = digestTables(life.link.definition.model);
    return inFile(this.disk.path, (database) => digestDatabase(database, tables, life.process.runtime));
  }

  async resync(room: ReadRequest['room']): Promise<void> {
    if (this.#life === null || room.id !== ROOM_ID) throw new RoomUnavailable('this follower does not follow the room');
    this.resyncs += 1;
    await this.#life.link.resync();
  }

  lag(): ReplicaLag {
    return this.#life?.link.lag ?? { versions: 0, ms: 0 };
  }

  dispose(): void {
    this.#copiesBefore += this.#life?.link.copies ?? 0;
    this.#life?.link.close();
    this.#life?.process.kill();
    this.#life = null;
    this.disk.dispose();
  }
}
