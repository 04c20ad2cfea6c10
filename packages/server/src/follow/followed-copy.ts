import type { Database } from '@alcove/core/sqlite/database';
import type { FollowedRoom } from './followed-room.ts';

/** An open copy, to tell of. */
export interface ServedFile {
  readonly database: Database;
  readonly room: FollowedRoom;
}

/** The copy of one room on this host's disk: open or not, and put in place of the one before. */
export interface FollowedCopy {
  /** Null: there is none, or none that can be used. */
  readonly open: ServedFile | null;
  /** What an earlier start left; a copy that is no good is thrown away, to be fetched anew. */
  find(): void;
  /** Brings the file of the room as the primary has it now, beside the open one. */
  fetch(): FetchedCopy;
  /** Puts what was fetched whole in place. @throws AlcoveError `file_damaged` where it cannot be used */
  replace(): void;
  throwAway(): void;
  close(): void;
}

/** A copy on its way. */
export interface FetchedCopy {
  /** Resolves once it is whole, and rejects where it will not be, also after `cancel`. */
  readonly whole: Promise<void>;
  cancel(): void;
}
