import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { RoomAddress } from '../../room/room-directory.ts';
import { fileNameOfId, idOfFileName } from './room-file-name.ts';

/**
 * Where things are in a dataDir:
 *
 * ```
 * alcove.lock, alcove.holder        one process at a time
 * rooms/<room name>/<id>.sqlite     a room: a plain SQLite file, with -wal and -shm while it is open
 * rooms/<room name>/<id>.head       where its history stands
 * rooms/<room name>/<id>.making*    a room that is being made; of no worth after a crash
 * images/                           snapshots for readers; of no worth after a start
 * ```
 */
export class DataDir {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Makes what is missing. @throws AlcoveError `data_dir_unwritable` */
  prepare(roomNames: readonly string[]): void {
    try {
      for (const name of roomNames) makeDirectory(this.roomDirectory(name));
      makeDirectory(this.imageDirectory);
      const probe = join(this.path, `alcove.probe-${process.pid}`);
      writeFileSync(probe, 'written to see whether this directory can be written');
      rmSync(probe);
    } catch (error) {
      throw new AlcoveError(
        'data_dir_unwritable',
        `dataDir cannot be written: ${this.path} (${error instanceof Error ? error.message : String(error)})`,
        {
          cause: error,
        },
      );
    }
  }

  /** Removes what is of no worth after a start. Only under the lock. */
  clean(): void {
    rmSync(this.imageDirectory, { recursive: true, force: true });
    makeDirectory(this.imageDirectory);
  }

  get imageDirectory(): string {
    return join(this.path, 'images');
  }

  roomDirectory(name: string): string {
    return join(this.path, 'rooms', fileNameOfId(name));
  }

  roomFiles(address: RoomAddress): RoomFiles {
    const base = join(this.roomDirectory(address.name), fileNameOfId(address.id));
    return { database: `${base}.sqlite`, head: `${base}.head`, making: `${base}.making` };
  }

  /** Ids of the rooms of that name, in the order of their characters. Files that are no rooms are passed over. */
  async roomIds(name: string): Promise<string[]> {
    const files = await readdir(this.roomDirectory(name)).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw AlcoveError.from(error, 'room_failed');
    });
    const ids = files.filter((file) => file.endsWith('.sqlite')).map((file) => idOfFileName(file.slice(0, -'.sqlite'.length)));
    return ids.filter((id) => id !== null).sort();
  }
}

/** With its parents. Node's own `recursive` never returns where a parent is there and refuses with ENOENT, as /proc does. */
const makeDirectory = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeDirectory(parent);
  mkdirSync(path);
};

/** The files of one room, by full path. */
export interface RoomFiles {
  readonly database: string;
  readonly head: string;
  readonly making: string;
}

/** A database file with what SQLite keeps beside it. */
export const withSidecars = (database: string): readonly string[] => ['', '-wal', '-shm', '-journal'].map((ending) => database + ending);
