import { AlcoveError } from '@alcove/core/error';
import { type BackoffOptions, backoffMs } from '@alcove/core/retry/backoff';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { MirrorNames, type MirroredRoom as MirroredDefinition } from '../../mirror/mirror-names.ts';
import type { NamedWatermark } from '../../mirror/watermark.ts';
import { syncReport } from '../../read/sync-figures.ts';
import { CheckRounds } from './check-rounds.ts';
import { MirrorConnection } from './mirror-connection.ts';
import type { MirrorFigures } from './mirror-figures.ts';
import { MirrorUpkeep } from './mirror-upkeep.ts';
import { keyOf, type MirroredAddress, MirroredRoom } from './mirrored-room.ts';
import { type PgFailure, pgFailure } from './pg-failure.ts';
import { provision, type Provisioned } from './provision.ts';
import { RoomComparisons } from './room-comparisons.ts';
import { RoomQueue } from './room-queue.ts';
import type { RoomSource } from './room-source.ts';
import { RoomTurn } from './room-turn.ts';
import { WatermarkMoved } from './room-writer.ts';

export interface MirrorSettings {
  readonly url: string;
  readonly prefix: string;
  readonly definitions: readonly MirroredDefinition[];
  readonly batchChanges: number;
  readonly retentionMs: number;
  readonly checkIntervalMs: number;
  readonly connections: number;
}

export interface MirrorPorts {
  readonly source: RoomSource;
  readonly runtime: Runtime;
  /** Lets everything else have a turn. */
  turn(): Promise<void>;
  /** The database is ready to be read from, by whoever has the secret. Said each time it is connected. */
  ready(secret: Uint8Array): void;
}

/** A room that has moved, or that may be another one than before. */
export interface MovedRoom extends MirroredAddress {
  readonly version: number;
  /** It was opened, made, restored or removed: whatever is known of it is looked at anew. */
  readonly isNew: boolean;
}

const CONNECT_BACKOFF: BackoffOptions = { baseMs: 250, maxMs: 5_000 };
/** How often rooms that wait to be tried again, and tombstones, are looked at. */
const SWEEP_MS = 1_000;
/** A room whose turns end so often with PostgreSQL away is taken for the cause of it. */
const DISTURBANCES_MAX = 3;

/**
 * Keeps PostgreSQL in step with rooms. It is told which rooms moved, and looks at all of them when it is started; everything else it finds in their files and in the watermarks, so it can end at any moment and
 * another goes on. One room's trouble is its own; PostgreSQL's is everybody's, and is waited out.
 */
export class Mirror {
  readonly #settings: MirrorSettings;
  readonly #ports: MirrorPorts;
  readonly #turns: RoomTurn;
  readonly #rooms = new Map<string, MirroredRoom>();
  readonly #queue = new RoomQueue();
  readonly #heldOff = new Set<string>();
  readonly #comparisons: RoomComparisons;
  readonly #rounds: CheckRounds;
  readonly #upkeep: MirrorUpkeep;
  #connection: MirrorConnection | null = null;
  #state: MirrorFigures['state'] = 'starting';
  #error: AlcoveError | null = null;
  #attempts = 0;
  #hasListed = false;
  #active = 0;
  #retry: Timer | null = null;
  #sweep: Timer | null = null;
  readonly #untilIdle: (() => void)[] = [];

  constructor(settings: MirrorSettings, ports: MirrorPorts) {
    this.#settings = settings;
    this.#ports = ports;
    const { definitions, batchChanges, retentionMs, checkIntervalMs, prefix } = settings;
    const names = new MirrorNames(prefix);
    this.#turns = new RoomTurn({ names, definitions, batchChanges, retentionMs, ...ports });
    this.#comparisons = new RoomComparisons({
      turns: this.#turns,
      log: ports.runtime.log,
      enqueue: (room) => this.#enqueue(room, 'later'),
      same: (room) => this.#settle(room),
      failed: async (connection, room, cause) => void (await this.#failed(connection, room, cause)),
    });
    this.#rounds = new CheckRounds({
      runtime: ports.runtime,
      intervalMs: checkIntervalMs,
      rooms: this.#rooms,
      isRunning: () => this.#state === 'running',
      due: (room) => {
        room.isToBeChecked = true;
        this.#enqueue(room, 'later');
      },
    });
    const mirrored = definitions.map(({ name }) => name);
    const lost = (connection: MirrorConnection, failure: PgFailure): void => this.#lost(connection, failure);
    this.#upkeep = new MirrorUpkeep({ names, mirrored, retentionMs, runtime: ports.runtime, lost });
  }

  start(): void {
    void this.#connect();
    this.#scheduleSweep();
    this.#rounds.start();
  }

  moved(rooms: readonly MovedRoom[]): void {
    for (const { name, id, version, isNew } of rooms) {
      const room = this.#known({ name, id });
      if (version >= 0) room.moved(version);
      if (isNew || !room.isLevel) this.#enqueue(room);
    }
  }

  /** Copies a room anew. Resolves when it is level. @throws AlcoveError (as rejection) what is wrong with it */
  async resync(address: MirroredAddress): Promise<void> {
    await this.#demand(address, (room) => {
      room.isForced = true;
    });
  }

  /**
   * Compares a room with its mirror and copies it anew where they differ. Resolves when they are the same.
   * @returns the tables that differed
   * @throws AlcoveError (as rejection) what is wrong with it
   */
  check(address: MirroredAddress): Promise<readonly string[]> {
    return this.#demand(address, (room) => {
      room.isToBeChecked = true;
    });
  }

  /** Resolves when nothing is left to do of what it was told, or nothing can be done. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#untilIdle.push(resolve));
  }

  /** Keeps its hands off a room's file from when this returns until what it returns is called. */
  holdOff(address: MirroredAddress): () => void {
    const key = keyOf(address);
    this.#heldOff.add(key);
    this.#turns.letGo(key);
    return () => {
      this.#heldOff.delete(key);
      const room = this.#rooms.get(key);
      if (room !== undefined) this.#enqueue(room);
    };
  }

  get figures(): MirrorFigures {
    const { code = '', message = '', hint = '' } = this.#error ?? {};
    return {
      ...syncReport([...this.#rooms.values()].map((room) => room.figures())),
      state: this.#state,
      error: this.#error === null ? null : { code, message, hint },
      waiting: this.#queue.size + this.#active,
      checks: this.#comparisons.counts,
    };
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    for (const timer of [this.#retry, this.#sweep]) timer?.cancel();
    this.#rounds.stop();
    this.#upkeep.stop();
    this.#turns.close();
    this.#queue.clear();
    const closed = new AlcoveError('closed', 'the mirror was stopped');
    for (const room of this.#rooms.values()) for (const { reject } of room.waiting.splice(0)) reject(closed);
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  async #connect(): Promise<void> {
    const { runtime } = this.#ports;
    let connection: MirrorConnection | null = null;
    try {
      connection = await MirrorConnection.open(this.#settings, (cause) => this.#lost(connection, pgFailure(cause)));
      const provisioned = await provision(connection.pool, { ...this.#settings, rooms: this.#settings.definitions, runtime });
      await this.#meet(await this.#turns.writer.watermarks(connection));
      if (this.#state === 'closed') return await connection.close();
      this.#connection = connection;
      this.#isAvailable(connection, provisioned);
    } catch (cause) {
      void connection?.close();
      this.#unavailable(pgFailure(cause).error);
    }
  }

  #isAvailable(connection: MirrorConnection, { secret, retired }: Provisioned): void {
    const { runtime, ready } = this.#ports;
    runtime.log.info('the mirror is connected', { prefix: this.#settings.prefix, rooms: this.#rooms.size });
    if (retired.length > 0)
      runtime.log.info('definitions are mirrored no more, and their rows go after the retention', { definitions: retired.join(', ') });
    this.#state = 'running';
    this.#error = null;
    this.#attempts = 0;
    ready(secret);
    this.#upkeep.start(connection, secret);
    this.#next();
  }

  /** Perhaps one that is given up already. */
  #lost(connection: MirrorConnection | null, { error }: PgFailure): void {
    if (connection === null || connection !== this.#connection) return;
    this.#connection = null;
    this.#upkeep.stop();
    void connection.close();
    this.#unavailable(error);
  }

  /** Everything waits, and another connection is made after a while. */
  #unavailable(error: AlcoveError): void {
    if (this.#state === 'closed') return;
    this.#state = 'unavailable';
    this.#attempts += 1;
    const { log, random } = this.#ports.runtime;
    if (this.#error?.message !== error.message)
      log.error('the mirror cannot write; nothing is lost, and it goes on by itself', {
        code: error.code,
        reason: error.message,
        hint: error.hint,
      });
    this.#error = error;
    this.#retry?.cancel();
    const waitMs = backoffMs(this.#attempts, 0.5 + random() / 2, undefined, CONNECT_BACKOFF);
    this.#retry = this.#ports.runtime.setTimer(waitMs, () => void this.#connect());
  }

  /** Takes what stands in PostgreSQL as true. The first time every room that there is, or was, is looked at; later those that stand elsewhere than was thought, or were not through. */
  async #meet(found: readonly NamedWatermark[]): Promise<void> {
    const names = new Set(this.#settings.definitions.map(({ name }) => name));
    const marks = new Map(
      found.filter(({ room }) => names.has(room)).map(({ room, id, watermark }) => [keyOf({ name: room, id }), watermark]),
    );
    for (const { room: name, id } of found) if (names.has(name)) this.#known({ name, id });
    if (!this.#hasListed) for (const name of names) for (const id of await this.#ports.source.list(name)) this.#known({ name, id });
    for (const [key, room] of this.#rooms) {
      const mark = marks.get(key) ?? null;
      const isSame = JSON.stringify(mark) === JSON.stringify(room.watermark);
      room.stands(mark);
      if (!this.#hasListed || !isSame || !room.isLevel) this.#enqueue(room, 'later');
    }
    this.#hasListed = true;
  }

  get #isIdle(): boolean {
    return this.#state !== 'running' || this.#queue.size + this.#active === 0;
  }

  #known(address: MirroredAddress): MirroredRoom {
    const key = keyOf(address);
    const room = this.#rooms.get(key) ?? new MirroredRoom({ name: address.name, id: address.id }, this.#ports.runtime);
    this.#rooms.set(key, room);
    return room;
  }

  #enqueue(room: MirroredRoom, when: 'now' | 'later' = room.isCopying ? 'later' : 'now'): void {
    if (this.#state === 'closed' || room.waitMs > 0) return;
    if (room.isBusy) room.isWanted = true;
    else this.#queue.add(room, when);
    this.#next();
  }

  #next(): void {
    while (this.#connection !== null && this.#active < this.#settings.connections) {
      const room = this.#queue.take();
      if (room === null) return;
      // Whoever holds it off brings it back.
      if (!this.#heldOff.has(room.key)) void this.#turn(this.#connection, room);
    }
  }

  async #turn(connection: MirrorConnection, room: MirroredRoom): Promise<void> {
    this.#active += 1;
    room.isBusy = true;
    room.isWanted = false;
    let isMore = false;
    // Many rooms in a row may have nothing to write: messages and timers have their turn in between.
    await this.#ports.turn();
    try {
      isMore = await this.#piece(connection, room);
    } catch (cause) {
      isMore = await this.#failed(connection, room, cause);
    }
    this.#active -= 1;
    room.isBusy = false;
    const isToBeChecked = room.isToBeChecked && room.error === null && !this.#comparisons.isWaiting(room);
    if (isMore || room.isWanted || isToBeChecked) this.#enqueue(room);
    this.#next();
    if (this.#isIdle) for (const resolve of this.#untilIdle.splice(0)) resolve();
  }

  /** @returns whether there is more to do */
  async #piece(connection: MirrorConnection, room: MirroredRoom): Promise<boolean> {
    if (room.isToBeChecked && !room.isForced && room.watermark?.state === 'live') {
      if (await this.#comparisons.begin(connection, room)) return !room.isLevel;
    }
    const outcome = await this.#turns.take(connection, room);
    room.succeeded();
    const isGone = outcome === 'forgotten' || room.watermark?.state === 'deleted';
    if (isGone) room.isToBeChecked = false;
    if (outcome === 'forgotten') this.#rooms.delete(room.key);
    if (isGone) this.#settle(room, new AlcoveError('room_unknown', 'there is no such room'));
    else if (outcome === 'done' && !room.isToBeChecked && !room.isForced && !this.#comparisons.isOf(room)) this.#settle(room);
    return outcome === 'more' || (outcome === 'done' && !isGone && !room.isLevel);
  }

  /** @returns whether it comes again at once */
  async #failed(connection: MirrorConnection, room: MirroredRoom, cause: unknown): Promise<boolean> {
    if (cause instanceof WatermarkMoved) {
      try {
        const [found] = await this.#turns.writer.watermarks(connection, room.address);
        room.stands(found?.watermark ?? null);
        return true;
      } catch (error) {
        return this.#failed(connection, room, error);
      }
    }
    const failure = pgFailure(cause);
    const { kind, error } = failure;
    if (kind === 'server' || kind === 'setup') {
      room.disturbances += 1;
      this.#lost(connection, failure);
      if (room.disturbances < DISTURBANCES_MAX) return true;
    }
    this.#roomFailed(room, error);
    return false;
  }

  #roomFailed(room: MirroredRoom, error: AlcoveError): void {
    const { name, id } = room.address;
    const isNew = room.failed(error);
    if (isNew)
      this.#ports.runtime.log.error('a room cannot be mirrored; the others can', {
        room: name,
        id,
        code: error.code,
        reason: error.message,
      });
    room.isToBeChecked = false;
    this.#settle(room, error);
  }

  /** Those who wait for the room hear of it. */
  #settle(room: MirroredRoom, error?: AlcoveError): void {
    const { differed } = room;
    room.differed = [];
    for (const { resolve, reject } of room.waiting.splice(0)) {
      if (error === undefined) resolve(differed);
      else reject(error);
    }
  }

  #demand(address: MirroredAddress, mark: (room: MirroredRoom) => void): Promise<readonly string[]> {
    if (!this.#settings.definitions.some(({ name }) => name === address.name))
      return Promise.reject(new AlcoveError('room_unknown', `rooms of the name ${address.name} are not mirrored`));
    if (this.#state !== 'running')
      return Promise.reject(this.#error ?? new AlcoveError('replica_unavailable', 'the mirror is not connected to PostgreSQL yet'));
    const room = this.#known(address);
    return new Promise((resolve, reject) => {
      mark(room);
      room.waiting.push({ resolve, reject });
      room.succeeded(); // what failed before is tried at once
      this.#enqueue(room, 'now');
    });
  }

  #scheduleSweep(): void {
    this.#sweep = this.#ports.runtime.setTimer(SWEEP_MS, () => {
      for (const room of this.#rooms.values()) {
        const isToBeTried = room.error !== null && room.waitMs === 0;
        if (isToBeTried || this.#turns.isDue(room)) this.#enqueue(room, 'later');
      }
      this.#scheduleSweep();
    });
  }
}
