import { closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { RowRules } from '../../access/row-rules.ts';
import { KeyedBuckets } from '../../limits/keyed-buckets.ts';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { WorkMeter } from '../../limits/work-meter.ts';
import { openRoom } from '../../room/open-room.ts';
import type { OpenMode, RoomAddress, RoomDirectoryPorts } from '../../room/room-directory.ts';
import type { RoomPorts } from '../../room/room-ports.ts';
import { closeDatabase } from './close-database.ts';
import { withSidecars } from './data-dir.ts';
import type { DataDir, RoomFiles } from './data-dir.ts';
import { syncDirectory } from './head-file.ts';
import { HostedRoom } from './hosted-room.ts';
import type { HostedRoomOptions } from './hosted-room.ts';
import { driverInUse, openDatabase } from './open-database.ts';
import type { SeedTemplates } from './seed-templates.ts';
import type { ResolvedServerOptions } from './server-options.ts';

export interface RoomOpenerOptions {
  readonly server: ResolvedServerOptions;
  readonly dataDir: DataDir;
  readonly templates: SeedTemplates;
  readonly runtime: Runtime;
  /** Counts what the rooms' limits meet. */
  readonly meter: LimitMeter;
  /** Counts what the rooms do. */
  readonly work: WorkMeter;
  /** What a hosted room asks of the server around it. */
  readonly around: Pick<HostedRoomOptions, 'renewAccess' | 'failed'> & {
    holdOffReaders(address: RoomAddress, files: RoomFiles): Promise<() => void>;
    moved(address: RoomAddress, version: number, isNew: boolean): void;
    offerImage(files: RoomFiles, address: RoomAddress): HostedRoomOptions['offerImage'];
    read(address: RoomAddress): HostedRoomOptions['read'];
    removed(address: RoomAddress): void;
  };
}

/** Opens, makes, lists and removes the files of rooms; RoomDirectory sees to it that no two of these meet in one room. */
export class RoomOpener implements RoomDirectoryPorts<HostedRoom> {
  readonly #options: RoomOpenerOptions;
  readonly #rules = new Map<string, RowRules>();
  /** Of all users in all rooms. */
  readonly #userRates: KeyedBuckets;

  constructor(options: RoomOpenerOptions) {
    this.#options = options;
    const { userMutationsPerSecondEverywhereMax: perSecond, userMutationsEverywhereBurst: burst } = options.server.hostLimits;
    this.#userRates = new KeyedBuckets({ perSecond, burst });
  }

  async open(address: RoomAddress, mode: OpenMode): Promise<HostedRoom> {
    const definition = this.#definition(address);
    const files = this.#options.dataDir.roomFiles(address);
    const exists = existsSync(files.database);
    if (exists && mode === 'new') throw new AlcoveError('room_exists', `there is a room ${address.name}/${address.id} already`);
    if (mode === 'existing') this.find(address);
    if (!exists) await this.#make(definition, address, files);
    return this.#host(definition, address, files);
  }

  /** @throws AlcoveError `room_unknown` where it has no file. */
  find(address: RoomAddress): void {
    if (existsSync(this.#options.dataDir.roomFiles(address).database)) return;
    throw new AlcoveError('room_unknown', `there is no room ${address.name}/${address.id}`, {
      hint: 'Check its id, or create it first: server.rooms.create(name, id).',
    });
  }

  async remove(address: RoomAddress): Promise<boolean> {
    const files = this.#options.dataDir.roomFiles(address);
    const existed = existsSync(files.database);
    // The head first: without its room it would look like a loss. The database before what SQLite keeps beside it: without those it would be a shorter room.
    rmSync(files.head, { force: true });
    for (const file of withSidecars(files.database)) rmSync(file, { force: true });
    syncDirectory(dirname(files.database));
    this.#options.around.removed(address);
    return existed;
  }

  list(name: string): Promise<readonly string[]> {
    return this.#options.dataDir.roomIds(name);
  }

  #definition({ name }: RoomAddress): AnyRoom {
    const definition = this.#options.server.rooms.get(name);
    if (definition === undefined) throw new AlcoveError('room_unknown', `this server has no room of the name ${name}`);
    return definition;
  }

  #host(definition: AnyRoom, address: RoomAddress, files: RoomFiles): HostedRoom {
    const { server, runtime, around } = this.#options;
    return new HostedRoom({
      address,
      files,
      runtime,
      walBytesMax: server.hostLimits.walBytesMax,
      closeTimeoutMs: server.hostLimits.closeTimeoutMs,
      userReadsMax: server.roomLimits.userReadsMax,
      openDatabase: () => openDatabase(files.database, { synchronous: server.synchronous, create: false }),
      openRoom: (database, ports) => this.#openRoom(definition, address, database, ports, { acceptLostTail: server.acceptLostTail }),
      holdOffReaders: () => around.holdOffReaders(address, files),
      moved: (version, isNew) => around.moved(address, version, isNew),
      offerImage: around.offerImage(files, address),
      read: around.read(address),
      renewAccess: around.renewAccess,
      failed: around.failed,
    });
  }

  /**
   * Makes the room in a file beside its own and gives it its name when it is whole: a crash before leaves no room, a crash after a whole one.
   */
  async #make(definition: AnyRoom, address: RoomAddress, files: RoomFiles): Promise<void> {
    const { server, templates } = this.#options;
    if (existsSync(files.head) && !server.acceptLostTail) {
      throw new AlcoveError(
        'history_lost',
        `the file of room ${address.name}/${address.id} is gone, but its recorded head is there: ${files.head}`,
      );
    }
    // Leavings of a crash; a log without its database would be read into the new one.
    for (const file of [...withSidecars(files.making), ...withSidecars(files.database), files.head]) rmSync(file, { force: true });
    const template = templates.pathOf(address.name);
    if (template !== null) await copyFile(template, files.making, constants.COPYFILE_FICLONE);
    try {
      this.#fill(definition, address, files.making, template !== null);
      giveName(files.making, files.database);
      for (const file of withSidecars(files.making)) rmSync(file, { force: true });
      syncDirectory(dirname(files.database));
    } catch (error) {
      for (const file of withSidecars(files.making)) rmSync(file, { force: true });
      throw error;
    }
  }

  #fill(definition: AnyRoom, address: RoomAddress, path: string, isCopy: boolean): void {
    const seed = this.#options.server.seeds.get(address.name);
    const database = openDatabase(path, { synchronous: this.#options.server.synchronous });
    try {
      const room = this.#openRoom(definition, address, database, silentPorts, {
        adoptFile: isCopy,
        ...(typeof seed === 'function' ? { seed: (tx) => seed(tx, address) } : {}),
      });
      room.close();
      closeDatabase(database);
    } finally {
      database.close();
    }
    // Closing has moved everything into the one file that gets the name.
    if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0)
      throw new AlcoveError('room_failed', `a new room could not be written whole: ${path}`);
  }

  #openRoom(
    definition: AnyRoom,
    { id }: RoomAddress,
    database: Database,
    ports: RoomPorts,
    options: NonNullable<Parameters<typeof openRoom>[0]['options']>,
  ): ReturnType<typeof openRoom> {
    const { runtime, server, meter, work } = this.#options;
    const rules = this.#rulesOf(definition);
    return openRoom({
      room: definition,
      id,
      database,
      runtime,
      ports,
      meter,
      work,
      userRates: this.#userRates,
      options: { ...options, limits: server.roomLimits },
      ...(rules === null ? {} : { rules }),
    });
  }

  /** One for all rooms of a definition. Null: it has none. */
  #rulesOf(definition: AnyRoom): RowRules | null {
    const known = this.#rules.get(definition.name);
    if (known !== undefined || definition.tableRules.length === 0) return known ?? null;
    const rules = new RowRules(definition, openDatabase(':memory:'));
    this.#rules.set(definition.name, rules);
    return rules;
  }

  /** After all rooms. */
  close(): void {
    for (const rules of this.#rules.values()) rules.close();
    this.#rules.clear();
  }
}

/**
 * With @photostructure/sqlite a closed file stays open until its statements were collected, and with it the index of its log, under a name that is gone: whoever opens the file here next would share that index, while other processes
 * make one of their own and read what is being overwritten. A copy is another file.
 */
const giveName = (making: string, database: string): void => {
  if (driverInUse() === 'better-sqlite3') return renameSync(making, database);
  const whole = `${making}-journal`; // one of the names that are removed after a crash
  copyFileSync(making, whole);
  const fd = openSync(whole, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(whole, database);
  rmSync(making, { force: true });
};

/** Of a room that is only made: nobody is connected, and its head is stored when it is opened under its name. */
const silentPorts: RoomPorts = {
  send: () => undefined,
  bufferedBytes: () => 0,
  disconnect: () => undefined,
  requestFlush: () => undefined,
  requestTick: () => undefined,
  offerImage: () => null,
  headStored: () => null,
  storeHead: () => undefined,
  renewAccess: () => undefined,
  failed: () => undefined,
};
