import type { RoomStorage, Storage, StoragePlace, StoredRoom } from './storage.ts';

/**
 * `storage`, with what is kept under `place` being read from now on: a worker reads while it still waits for its SQLite. Whoever opens the place first gets it;
 * where it failed they learn it then.
 */
export function readEarly(storage: Storage, place: StoragePlace): Storage {
  let early: Promise<RoomStorage> | null = storage.open(place).then(loadEarly);
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

function loadEarly(room: RoomStorage): RoomStorage {
  let early: Promise<StoredRoom> | null = room.load();
  early.catch(() => undefined);
  const { load } = room;
  room.load = () => {
    const taken = early;
    early = null;
    return taken ?? load.call(room);
  };
  return room;
}
