import { statSync } from 'node:fs';
import type { Database } from '@alcove/core/sqlite/database';
import type { MirroredAddress } from '../postgres/mirrored-room.ts';
import type { RoomSource } from '../postgres/room-source.ts';
import type { DataDir } from './data-dir.ts';
import { openDatabase } from './open-database.ts';

/** Files that are open at a time; the longest unused is closed first. Opening one takes about a millisecond. */
const HANDLES_MAX = 16;
/** As in ReaderHandles: one of the drivers keeps files open until its statements were collected. */
const CLOSED_MAX = 8;

interface Handle {
  readonly database: Database;
  readonly inode: bigint;
}

/** The rooms' files as a mirror process reads them: through handles that cannot write, of which a few are kept. */
export class MirrorFiles implements RoomSource {
  readonly #dataDir: DataDir;
  readonly #ask: (room: MirroredAddress) => Promise<void>;
  readonly #open = new Map<string, Handle>();
  #closed = 0;

  /** @param ask The server opens the room, which brings its file to the definition. */
  constructor(dataDir: DataDir, ask: (room: MirroredAddress) => Promise<void>) {
    this.#dataDir = dataDir;
    this.#ask = ask;
  }

  list(name: string): Promise<readonly string[]> {
    return this.#dataDir.roomIds(name);
  }

  open(room: MirroredAddress): Database | null {
    const { database: path } = this.#dataDir.roomFiles(room);
    const known = this.#open.get(path);
    const inode = inodeOf(path);
    // Deleted, or deleted and made again: what is open is another room. No other file gets the number while it is open.
    if (known !== undefined && known.inode === inode) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known.database;
    }
    this.#close(path);
    if (inode === null) return null;
    const database = openDatabase(path, { readonly: true });
    // Another file may have come there meanwhile: then the next look closes this one again.
    this.#open.set(path, { database, inode });
    const [oldest] = this.#open.keys();
    if (this.#open.size > HANDLES_MAX && oldest !== undefined) this.#close(oldest);
    return database;
  }

  openOwn(room: MirroredAddress): Database | null {
    const { database: path } = this.#dataDir.roomFiles(room);
    return inodeOf(path) === null ? null : openDatabase(path, { readonly: true });
  }

  bringUpToDate(room: MirroredAddress): Promise<void> {
    return this.#ask(room);
  }

  close(): void {
    for (const path of [...this.#open.keys()]) this.#close(path);
  }

  #close(path: string): void {
    const handle = this.#open.get(path);
    if (handle === undefined) return;
    this.#open.delete(path);
    handle.database.close();
    this.#closed += 1;
    if (this.#closed % CLOSED_MAX === 0) globalThis.gc?.();
  }
}

const inodeOf = (path: string): bigint | null => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
