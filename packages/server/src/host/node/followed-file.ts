import { existsSync, renameSync, rmSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { FetchedCopy, FollowedCopy, ServedFile } from '../../follow/followed-copy.ts';
import { FollowedRoom } from '../../follow/followed-room.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { type RoomFiles, withSidecars } from './data-dir.ts';
import { fetchRoomCopy } from './fetch-room-copy.ts';
import { GoneMark } from './gone-mark.ts';
import { LogCheckpoint } from './log-checkpoint.ts';
import { openDatabase } from './open-database.ts';

export interface FollowedFileOptions {
  readonly address: RoomAddress;
  /** The primary's sockets, ws: or wss:, and its follower token. */
  readonly from: string;
  readonly token: string;
  readonly definition: AnyRoom;
  readonly files: RoomFiles;
  readonly runtime: Runtime;
  /** How long the file stays after the primary has said that it has no such room. */
  readonly retentionMs: number;
  /** Past it readers are held off while the write-ahead log is moved into the file. Default: it may grow. */
  readonly walBytesMax?: number;
  /** Keeps the follower's own readers off the file until what it resolves with is called. */
  holdOffReaders?(files: RoomFiles): Promise<() => void>;
}

const nobodyReads = (): Promise<() => void> => Promise.resolve(() => undefined);

interface OpenFile extends ServedFile {
  readonly log: LogCheckpoint;
}

/** The file that a follower keeps of one room in its dataDir. */
export class FollowedFile implements FollowedCopy {
  readonly #options: FollowedFileOptions;
  #open: OpenFile | null = null;
  /** The version that the file itself holds; null: it was not looked at since it was opened. */
  #checkpointed: number | null = null;

  readonly #gone: GoneMark;

  constructor(options: FollowedFileOptions) {
    this.#options = options;
    this.#gone = new GoneMark(`${options.files.database.replace(/\.sqlite$/, '')}.gone`, options.runtime);
  }

  /** The primary had no such room when it was last asked, perhaps before a restart. */
  get wasGone(): boolean {
    return this.#gone.isSet;
  }

  get open(): ServedFile | null {
    return this.#open;
  }

  /** Path of the file to read; null while there is none. */
  get path(): string | null {
    return this.#open === null ? null : this.#options.files.database;
  }

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

  /** Moves the write-ahead log into the file, where something was written. Called every few seconds, for each of perhaps thousands of rooms. */
  sweep(): void {
    const { version } = this.#open?.room.head ?? {};
    if (version === undefined || version === this.#checkpointed) return;
    if (this.#open?.log.run() === true) this.#checkpointed = version;
  }

  /** Called every few seconds: what the primary has no more is removed after its retention. */
  tend(isGone: boolean): void {
    this.sweep();
    if (!isGone) return this.#gone.clear();
    if (this.#open === null) return;
    const { address, runtime, retentionMs } = this.#options;
    try {
      this.#gone.set();
    } catch (cause) {
      runtime.log.error('that a room is gone cannot be noted on the disk', { room: address.name, id: address.id, reason: String(cause) });
    }
    if (!this.#gone.isOlderThan(retentionMs)) return;
    runtime.log.info('the file of a room that the primary has no more is removed', { room: address.name, id: address.id });
    this.throwAway();
    this.#gone.clear();
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

  fetch(): FetchedCopy {
    const { address, from, token, files } = this.#options;
    const end = new AbortController();
    return { whole: fetchRoomCopy({ address, from, token, path: files.making }, end.signal), cancel: () => end.abort() };
  }

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
    this.#checkpointed = null;
  }
}
