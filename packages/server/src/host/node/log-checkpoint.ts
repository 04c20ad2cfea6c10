import { statSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import type { RoomAddress } from '../../room/room-directory.ts';
import { failureKind } from '../../room/work.ts';
import { BUSY_TIMEOUT_MS } from './driver-options.ts';

export interface LogCheckpointOptions {
  readonly address: RoomAddress;
  readonly database: Database;
  /** Of the database's file. */
  readonly path: string;
  readonly walBytesMax: number;
  readonly runtime: Runtime;
  /** Keeps the host's own readers off the file until what it resolves with is called. */
  holdOffReaders(): Promise<() => void>;
  /** Runs what comes later than the call that asked for it, where the database is still open then. */
  later(run: () => void): void;
}

/** Moves the write-ahead log of an open file into the file, and keeps it within its bound whoever reads there. */
export class LogCheckpoint {
  readonly #options: LogCheckpointOptions;
  #isStuck = false;
  #holdsOffReaders = false;

  constructor(options: LogCheckpointOptions) {
    this.#options = options;
  }

  /**
   * On a full disk, or with another process at the file, the log stays where it is and is read from there: no reason to end the room.
   * @returns whether it was moved as far as readers let it.
   */
  run(): boolean {
    const { path, walBytesMax, address, runtime, database } = this.#options;
    try {
      database.prepare('PRAGMA wal_checkpoint(PASSIVE)').all();
      if (sizeOf(`${path}-wal`) > walBytesMax && !this.#truncate()) void this.#runWithoutReaders();
      this.#isStuck = false;
      return true;
    } catch (cause) {
      const error = AlcoveError.from(cause, 'room_failed');
      if (failureKind(error) !== 'refuse') throw error;
      if (!this.#isStuck) {
        runtime.log.error('the log of a room cannot be moved into its file; it grows until it can, which is tried at each sweep', {
          room: address.name,
          id: address.id,
          code: error.code,
          reason: error.message,
        });
      }
      this.#isStuck = true;
      return false;
    }
  }

  /** Reads that follow each other without a pause would hold the log for ever. */
  async #runWithoutReaders(): Promise<void> {
    if (this.#holdsOffReaders) return;
    this.#holdsOffReaders = true;
    const letReadersGoOn = await this.#options.holdOffReaders();
    this.#options.later(() => void this.run());
    letReadersGoOn();
    this.#holdsOffReaders = false;
  }

  /** Waits for no reader: with one that takes long the log stays long until a later sweep. False: somebody reads it just now. */
  #truncate(): boolean {
    const { database } = this.#options;
    database.exec('PRAGMA busy_timeout = 0');
    try {
      return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] === 0;
    } finally {
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
