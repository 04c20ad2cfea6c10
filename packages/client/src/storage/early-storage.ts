import type { LoadedParts, RoomStorage, Storage, StoragePlace, StoredRoom } from './storage.ts';

/**
 * `storage`, with what is kept under `place` being read from now on: a worker reads while it still waits for its SQLite. Whoever opens the place first gets it;
 * where it failed they learn it then.
 */
export function readEarly(storage: Storage, place: StoragePlace, what: LoadedParts = 'all'): Storage {
  let early: Promise<RoomStorage> | null = storage.open(place).then((room) => loadEarly(room, what));
  // Told to who opens it.
  early.catch(() => undefined);
  return {
    open(wanted, groupId) {
      const taken = wanted === place ? early : null;
      if (taken !== null) early = null;
      return taken ?? storage.open(wanted, groupId);
    },
    remove: (unwanted) => storage.remove(unwanted),
  };
}

function loadEarly(room: RoomStorage, what: LoadedParts): RoomStorage {
  let early: Promise<StoredRoom> | null = room.load(what);
  early.catch(() => undefined);
  const { load } = room;
  room.load = (wanted = 'all') => {
    const taken = wanted === what ? early : null;
    early = null;
    return taken ?? load.call(room, wanted);
  };
  return room;
}
