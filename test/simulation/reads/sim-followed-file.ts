import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import type { FetchedCopy, FollowedCopy, ServedFile } from '../../../packages/server/src/follow/followed-copy.ts';
import { FollowedRoom } from '../../../packages/server/src/follow/followed-room.ts';
import type { RoomDisk } from '../room/room-disk.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Trace } from '../world/trace.ts';

export interface SimFollowedFileParts {
  readonly process: SimProcess;
  readonly trace: Trace;
  readonly disk: RoomDisk;
  readonly definition: AnyRoom;
  /** With a deliberate bug, perhaps. */
  wrap(database: Database): Database;
  /** A copy of the room's file as it is now, over HTTP; nothing comes of it once `signal` is aborted. */
  fetchCopy(process: SimProcess, end: AbortController): Promise<Buffer>;
}

/** A follower's file in one life of its process, on a disk that outlives it. */
export class SimFollowedFile implements FollowedCopy {
  readonly #parts: SimFollowedFileParts;
  #open: ServedFile | null = null;
  #fetched: Buffer | null = null;
  /** The room is of another release. */
  isOutdated = false;
  /** How often the room was copied. */
  copies = 0;

  constructor(parts: SimFollowedFileParts) {
    this.#parts = parts;
  }

  get open(): ServedFile | null {
    return this.#open;
  }

  find(): void {
    const { disk, definition, wrap, trace, process } = this.#parts;
    if (disk.isEmpty) return;
    try {
      const database = wrap(disk.open());
      this.#open = { database, room: new FollowedRoom(database, definition, process.runtime) };
      trace.add(process.name, `opened its file at version ${this.#open.room.head.version}`);
    } catch (cause) {
      const { code, message } = AlcoveError.from(cause);
      this.isOutdated ||= code === 'schema_mismatch';
      trace.add(process.name, `throws its file away: ${code} ${message}`);
      this.throwAway();
    }
  }

  fetch(): FetchedCopy {
    const { process, trace, fetchCopy } = this.#parts;
    const end = new AbortController();
    this.copies += 1;
    trace.add(process.name, 'copies the room');
    const whole = fetchCopy(process, end).then((bytes) => {
      this.#fetched = bytes;
    });
    return { whole, cancel: () => end.abort() };
  }

  replace(): void {
    this.throwAway();
    if (this.#fetched !== null) this.#parts.disk.put(this.#fetched);
    this.#fetched = null;
    this.find();
    if (this.#open === null) throw new AlcoveError('file_damaged', 'the copy of the room cannot be used');
  }

  throwAway(): void {
    this.#open = null;
    this.#parts.disk.wipe();
  }

  /** The process ends; what becomes of what it wrote is up to the disk. */
  close(): void {
    this.#open = null;
  }
}
