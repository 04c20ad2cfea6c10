import type { LoadedParts, RoomStorage, StoredRoom } from './storage.ts';

/** Reads what is kept; whoever cannot does not keep it open. */
export async function loadOrClose(room: RoomStorage, what: LoadedParts): Promise<StoredRoom> {
  try {
    return await room.load(what);
  } catch (error) {
    room.close();
    throw error;
  }
}
