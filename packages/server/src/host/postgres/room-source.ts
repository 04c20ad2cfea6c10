import type { Database } from '@alcove/core/sqlite/database';
import type { MirroredAddress } from './mirrored-room.ts';

/** Where a mirror finds the rooms: their files, which somebody else writes. Handles only read. */
export interface RoomSource {
  /** Ids of the rooms that there are of a definition. */
  list(name: string): Promise<readonly string[]>;
  /** A handle on the room's file as it stands at its place now, for use within this turn of the event loop; null: there is none. It is kept for a while, with a few others. */
  open(room: MirroredAddress): Database | null;
  /** A handle of one's own, to be closed by whoever took it. */
  openOwn(room: MirroredAddress): Database | null;
  /** Has the room brought to its definition by whoever writes it. Resolves when it is, or could not be; rejects with what is wrong with it. */
  bringUpToDate(room: MirroredAddress): Promise<void>;
}
