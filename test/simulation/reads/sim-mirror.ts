import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { ReadAnswer, ReadRequest, ReplicaLag } from '../../../packages/server/src/read/replica.ts';
import type { RoomDigest } from '../../../packages/server/src/read/room-digest.ts';
import { RoomUnavailable } from '../../../packages/server/src/read/room-unavailable.ts';
import type { Prng } from '../../fake/prng.ts';
import { ROOM_ID } from '../room/addresses.ts';
import { SimProcess } from '../world/sim-process.ts';
import type { ProcessSurroundings } from '../world/sim-process.ts';
import { callOverNetwork, type ReplicaServer, type Wire } from './call-over-network.ts';
import { batchFor, type MirrorBatch, MirrorDatabase, type MirrorSteps } from './mirror-database.ts';
import { inFile } from './read-in.ts';

/** The room's server as its mirror sees it. */
export interface MirroredRoom {
  readonly process: SimProcess;
  readonly definition: AnyRoom;
  readonly path: string;
  /** Version that the room is durable up to. */
  durable(): number;
}

export interface SimMirrorParts extends ProcessSurroundings {
  readonly random: Prng;
  readonly wire: Wire;
  openDatabase(): Database;
  /** Between two batches. */
  readonly batchMs: number;
  /** How a batch is written; null: all in one transaction. */
  readonly inOrder: ((steps: MirrorSteps, transaction: (run: () => void) => void) => MirrorSteps['rows'] | null) | null;
  wallMs(): number;
}

/**
 * A mirror: a database of its own that the room's server writes batches to, behind the room. The server may die between any two steps of a batch, and what it had sent is written or not. Its
 * process is the database's: it keeps what was committed, whatever becomes of it.
 */
export class SimMirror implements ReplicaServer {
  readonly id: string;
  readonly #parts: SimMirrorParts;
  readonly #database: MirrorDatabase;
  #process: SimProcess;
  #starts = 1;
  #isDown = false;
  #room: MirroredRoom | null = null;
  #levelMs: number;
  /** No batch is begun before then. */
  #heldUntilMs = 0;
  batches = 0;
  resyncs = 0;

  constructor(id: string, parts: SimMirrorParts) {
    this.id = id;
    this.#parts = parts;
    this.#database = new MirrorDatabase(parts.openDatabase());
    this.#process = new SimProcess(`${id}.1`, parts, parts.wallMs());
    this.#levelMs = parts.time.nowMs;
  }

  get process(): SimProcess | null {
    return this.#isDown ? null : this.#process;
  }

  get database(): MirrorDatabase {
    return this.#database;
  }

  /** A server has opened the room. */
  attach(room: MirroredRoom): void {
    this.#room = room;
    this.#again(room);
  }

  /** Nothing is written for so long: reads find it further and further behind. */
  hold(ms: number): void {
    this.#heldUntilMs = this.#parts.time.nowMs + ms;
  }

  crash(): void {
    if (this.#isDown) return;
    this.#parts.trace.add(this.#process.name, 'dies');
    this.#isDown = true;
    this.#process.kill();
  }

  start(): void {
    if (!this.#isDown) return;
    this.#starts += 1;
    this.#isDown = false;
    this.#process = new SimProcess(`${this.id}.${this.#starts}`, this.#parts, this.#parts.wallMs());
  }

  async answer(request: ReadRequest): Promise<ReadAnswer> {
    if (request.room.id !== ROOM_ID) throw new RoomUnavailable('the room is not mirrored');
    return this.#database.read(request);
  }

  async digest(room: ReadRequest['room']): Promise<RoomDigest> {
    const model = this.#room?.definition.model;
    if (room.id !== ROOM_ID || model === undefined) throw new RoomUnavailable('the room is not mirrored');
    return this.#database.digest(model, this.#process.runtime);
  }

  async resync(): Promise<void> {
    this.resyncs += 1;
    this.#database.forget();
  }

  lag(): ReplicaLag {
    const { watermark } = this.#database;
    const versions = Math.max(0, (this.#room?.durable() ?? 0) - (watermark?.version ?? 0));
    return { versions, ms: versions === 0 ? 0 : Math.ceil(this.#parts.time.nowMs - this.#levelMs) };
  }

  dispose(): void {
    this.#process.kill();
    this.#database.close();
  }

  #again(room: MirroredRoom): void {
    const { batchMs, random } = this.#parts;
    room.process.runtime.setTimer(batchMs * (0.5 + random.float()), () => {
      if (this.#room !== room) return;
      this.#batch(room).then(
        () => this.#again(room),
        (error: unknown) => {
          this.#parts.trace.add(room.process.name, `does not mirror to ${this.id}: ${AlcoveError.from(error).message}`);
          this.#again(room);
        },
      );
    });
  }

  /** Where the mirror stands, what it lacks, and the writing of that: each takes its time, and the room goes on meanwhile. */
  async #batch(room: MirroredRoom): Promise<void> {
    const { time } = this.#parts;
    if (time.nowMs < this.#heldUntilMs) return;
    const watermark = await this.#call(room, () => this.#database.watermark);
    const startedMs = time.nowMs;
    const batch = inFile(room.path, (database) => {
      let found: MirrorBatch | null = null;
      database.transaction(() => {
        found = batchFor(database, room.definition.model, watermark);
      });
      return found as MirrorBatch | null; // set in the transaction, which the compiler does not follow
    });
    if (batch === null) {
      this.#levelMs = startedMs;
      return;
    }
    // What a crash can take back is mirrored once it cannot.
    if (batch.to.version > room.durable()) return;
    await this.#call(room, () => this.#write(batch));
    this.#levelMs = startedMs;
    this.batches += 1;
  }

  #write(batch: MirrorBatch): void {
    const { inOrder, random, time, trace } = this.#parts;
    trace.add(
      this.#process.name,
      `takes ${batch.from === null ? 'all' : `versions after ${batch.from.version}`} up to ${batch.to.version}`,
    );
    this.#database.write(batch, (steps, transaction) => {
      if (inOrder === null)
        return transaction(() => {
          steps.check();
          steps.rows();
          steps.watermark();
        });
      const rest = inOrder(steps, transaction);
      if (rest !== null) time.setTimer(random.float() * 300, () => this.#process.enter(() => this.#late(() => transaction(rest))));
    });
  }

  /** What comes after another batch may not fit any more. */
  #late(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#parts.trace.add(this.#process.name, `refuses what came late: ${AlcoveError.from(error).message}`);
    }
  }

  #call<T>(room: MirroredRoom, run: () => T): Promise<T> {
    const { time, random, wire } = this.#parts;
    const failed = (why: string): AlcoveError => new AlcoveError('replica_unavailable', `${this.id}: ${why}`);
    const parts = { time, random, wire, asker: room.process, server: () => this.process, failed };
    const end = new AbortController();
    // The database's driver gives a statement up that is never answered.
    const timer = room.process.runtime.setTimer(2_000, () => end.abort());
    return callOverNetwork(parts, end.signal, async () => run()).finally(() => timer.cancel());
  }
}
