import { existsSync, renameSync, rmSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { FollowedRoom } from '../../follow/followed-room.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { type RoomFiles, withSidecars } from './data-dir.ts';
import { LogCheckpoint } from './log-checkpoint.ts';
import { openDatabase } from './open-database.ts';

export interface FollowedFileOptions {
  readonly address: RoomAddress;
  readonly definition: AnyRoom;
  readonly files: RoomFiles;
  readonly runtime: Runtime;
  /** Past it readers are held off while the write-ahead log is moved into the file. Default: it may grow. */
  readonly walBytesMax?: number;
  /** Keeps the follower's own readers off the file until what it resolves with is called. */
  holdOffReaders?(files: RoomFiles): Promise<() => void>;
}

const nobodyReads = (): Promise<() => void> => Promise.resolve(() => undefined);

/** An open copy, to tell of. */
export interface ServedFile {
  readonly database: Database;
  readonly room: FollowedRoom;
}

interface OpenFile extends ServedFile {
  readonly log: LogCheckpoint;
}

/** The file that a follower keeps of one room: open or not, and put in place of the one before. */
export class FollowedFile {
  readonly #options: FollowedFileOptions;
  #open: OpenFile | null = null;

  constructor(options: FollowedFileOptions) {
    this.#options = options;
  }

  /** Null: there is none, or none that can be used. */
  get open(): ServedFile | null {
    return this.#open;
  }

  get room(): FollowedRoom | null {
    return this.#open?.room ?? null;
  }

  /** Path of the file to read; null while there is none. */
  get path(): string | null {
    return this.#open === null ? null : this.#options.files.database;
  }

  /** Where a fresh copy is put before `replace`. */
  get makingPath(): string {
    return this.#options.files.making;
  }

  /** What an earlier start left; a file that is no good is thrown away, to be copied anew. */
  find(): void {
    const { files, definition, runtime, address } = this.#options;
    if (!existsSync(files.database)) return;
    // Versions come again from the primary: nothing here has to survive a power cut.
    let database: Database | null = null;
    try {
      database = openDatabase(files.database, { synchronous: 'OFF', create: false });
      this.#open = { database, room: new FollowedRoom(database, definition, runtime), log: this.#checkpointOf(database) };
    } catch (cause) {
      database?.close();
      const { code, message } = AlcoveError.from(cause);
      runtime.log.info('a followed room is copied anew', { room: address.name, id: address.id, code, reason: message });
      this.throwAway();
    }
  }

  /** Moves the write-ahead log into the file. */
  sweep(): void {
    this.#open?.log.run();
  }

  #checkpointOf(database: Database): LogCheckpoint {
    const { address, files, runtime, walBytesMax = Number.POSITIVE_INFINITY, holdOffReaders = nobodyReads } = this.#options;
    const later = (run: () => void): void => {
      if (this.#open?.database === database) run();
    };
    return new LogCheckpoint({
      address,
      database,
      path: files.database,
      walBytesMax,
      runtime,
      holdOffReaders: () => holdOffReaders(files),
      later,
    });
  }

  /** The copy at `makingPath` is whole. @throws AlcoveError `file_damaged` where it cannot be used */
  replace(): void {
    const { files, address } = this.#options;
    this.throwAway();
    renameSync(files.making, files.database);
    this.find();
    if (this.#open === null) throw new AlcoveError('file_damaged', `the copy of ${address.name}/${address.id} cannot be used`);
  }

  throwAway(): void {
    this.close();
    for (const file of withSidecars(this.#options.files.database)) rmSync(file, { force: true });
  }

  close(): void {
    this.#open?.database.close();
    this.#open = null;
  }
}
