import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import type { RoomHead } from '../../../packages/server/src/room/room-ports.ts';
import type { Prng } from '../../fake/prng.ts';

/** The room's file as a crash would leave it. */
interface Image {
  readonly main: Buffer;
  readonly wal: Buffer | null;
}

/** All that a room has on its disk. */
interface FolderCopy {
  readonly image: Image;
  readonly head: RoomHead | null;
}

/** What a crash leaves of commits that were not said to be durable yet. `torn`: some first part of the bytes. */
export type LostTail = 'lost' | 'kept' | 'torn';

/** In memory where there is such a folder: nothing here is ever flushed to a real disk. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Pages of the log after which SQLite writes it back; small, so that it happens often in a run. */
const CHECKPOINT_PAGES = 40;

/**
 * The disk under one room: a real SQLite file in WAL mode, and the copy of it that a crash goes back to. What the room has committed since `secure` is not
 * on disk yet.
 */
export class RoomDisk {
  readonly #folder: string;
  readonly #random: Prng;
  #opened = 0;
  #database: Database | null = null;
  #path = '';
  #secured: Image | null = null;
  #backup: Image | null = null;
  #folderCopy: FolderCopy | null = null;
  #headStored: RoomHead | null = null;
  #headSecured: RoomHead | null = null;
  #headNewest: RoomHead | null = null;

  constructor(random: Prng) {
    this.#random = random;
    this.#folder = mkdtempSync(join(FOLDER, 'alcove-simulation-'));
  }

  get path(): string {
    return this.#path;
  }

  /** The room's file as the last crash or close left it; a fresh one at first. */
  open(): Database {
    assert(this.#database === null, 'the disk is open already');
    this.#opened += 1;
    this.#path = join(this.#folder, `room-${this.#opened}.sqlite`);
    if (this.#secured !== null) {
      writeFileSync(this.#path, this.#secured.main);
      if (this.#secured.wal !== null) writeFileSync(`${this.#path}-wal`, this.#secured.wal);
    }
    this.#database = openDatabase(this.#path, { synchronous: 'OFF' });
    this.#database.prepare(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`).all();
    return this.#database;
  }

  /** Everything committed by now is on disk. */
  secure(): void {
    if (this.#database !== null) this.#secured = this.#read();
  }

  /** Somebody copies the file away. */
  backUp(): void {
    if (this.#database !== null) this.#backup = this.#read();
  }

  get hasBackup(): boolean {
    return this.#backup !== null;
  }

  /** The copy is put in the file's place; the head beside it is the newest there was. */
  goBack(): void {
    this.#secured = this.#backup;
    this.#headStored = this.#headNewest;
    this.#headSecured = this.#headNewest;
  }

  /** Somebody copies the whole folder away: the file and the head beside it. */
  copyFolder(): void {
    if (this.#database !== null) this.#folderCopy = { image: this.#read(), head: this.#headStored };
  }

  /** The folder is put back as it was copied; whoever does that makes copies of the file anew. */
  putFolderBack(): void {
    assert(this.#folderCopy !== null, 'the folder was copied');
    const { image, head } = this.#folderCopy;
    this.#secured = image;
    this.#backup = null;
    this.#headStored = head;
    this.#headSecured = head;
    this.#headNewest = head;
  }

  /** The process is gone. `tail`: see LostTail; without commits since `secure` all are the same. */
  crash(tail: LostTail): void {
    const now = this.#read();
    if (this.#secured === null || tail === 'kept') this.#secured = now;
    else if (tail === 'torn') this.#secured = this.#torn(this.#secured, now);
    this.#shut();
    // The head is written beside the file and reaches the disk now and then.
    if (this.#random.chance(0.5)) this.#headStored = this.#headSecured;
  }

  /** The process ended in good order. A driver that keeps statements open leaves its log beside the file. */
  close(): void {
    this.#database?.close();
    this.#database = null;
    this.#secured = this.#read();
    this.#headSecured = this.#headStored;
    this.#remove();
  }

  get head(): RoomHead | null {
    return this.#headStored;
  }

  /** A host puts the head of a room that it has just opened on the disk at once, later ones now and then. */
  secureHead(): void {
    this.#headSecured = this.#headStored;
  }

  storeHead(head: RoomHead): void {
    this.#headStored = head;
    this.#headNewest = head;
    if (this.#random.chance(0.2)) this.#headSecured = head;
  }

  /** As the disk is full, or has space again. */
  limitPages(pages: number | null): void {
    const most = 1_073_741_823;
    this.#database?.prepare(`PRAGMA max_page_count = ${pages ?? most}`).all();
  }

  pageCount(): number {
    return Number(this.#database?.prepare('PRAGMA page_count').get()?.[0] ?? 0);
  }

  /** There is no file. */
  get isEmpty(): boolean {
    return this.#database === null && this.#secured === null;
  }

  /** A whole file is put there. */
  put(main: Buffer): void {
    this.wipe();
    this.#secured = { main, wal: null };
  }

  /** The file is deleted. */
  wipe(): void {
    this.#shut();
    this.#secured = null;
  }

  /** As `crash`, where the process may have had nothing open. */
  crashIfOpen(tail: LostTail): void {
    if (this.#database !== null) this.crash(tail);
  }

  dispose(): void {
    this.#database?.close();
    this.#database = null;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A first part of what the log got since; where SQLite has written it back meanwhile, nothing of it. */
  #torn(secured: Image, now: Image): Image {
    if (secured.wal === null || now.wal === null || !now.main.equals(secured.main)) return secured;
    if (now.wal.length <= secured.wal.length || !now.wal.subarray(0, secured.wal.length).equals(secured.wal)) return secured;
    const bytes = this.#random.int(secured.wal.length, now.wal.length);
    return { main: now.main, wal: now.wal.subarray(0, bytes) };
  }

  #read(): Image {
    const wal = `${this.#path}-wal`;
    return { main: readFileSync(this.#path), wal: existsSync(wal) ? readFileSync(wal) : null };
  }

  #shut(): void {
    this.#database?.close();
    this.#database = null;
    if (this.#path !== '') this.#remove();
  }

  #remove(): void {
    for (const ending of ['', '-wal', '-shm']) rmSync(this.#path + ending, { force: true });
  }
}
