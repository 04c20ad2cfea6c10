import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { deleteDB, openDB } from 'idb';
import { emptyHeader } from './header.ts';
import { DISK_TABLES, HEADER_KEY } from './disk.ts';
import { DiskRoomStorage } from './disk-room-storage.ts';
import { forgottenError, keptGroups } from './kept-groups.ts';
import { rememberForgotten, wasForgotten } from './idb-forgotten.ts';
import { IdbDisk, type RoomSchema } from './idb-disk.ts';
import type { Digest } from './load-room.ts';
import { seal } from './seal.ts';
import type { RoomStorage, Storage, StoragePlace } from './storage.ts';
import { storageError } from './storage-error.ts';

/** Rises with every change of what is kept; an older build finds `update_needed`. */
const FORMAT = 1;
/** An open that nobody answers (another tab holds an older format, the browser's process hangs) is given up: work goes on in memory. */
const OPEN_TIMEOUT_MS = 5_000;

export interface IdbStorageOptions {
  readonly runtime: Runtime;
  readonly digest: Digest;
  readonly openTimeoutMs?: number;
  /** Of one transaction. */
  readonly timeoutsMs?: { readonly read: number; readonly write: number };
}

/** Storage in IndexedDB: one database a place, so that one that is damaged or removed takes nothing else with it. */
export function createIdbStorage(options: IdbStorageOptions): Storage {
  const { runtime, openTimeoutMs = OPEN_TIMEOUT_MS } = options;
  return {
    open: (place, groupId) => withinTime(runtime, openTimeoutMs, 'open', openRoom(options, place, groupId), (late) => late.close()),
    remove: (place) => withinTime(runtime, openTimeoutMs, 'remove', removeRoom(options, place), () => undefined),
  };
}

/** `alcove` and the format's family first, so that the databases of a page tell what they are. */
export const databaseName = ({ server, user, roomName, roomId }: StoragePlace): string =>
  `alcove ${JSON.stringify([server, user, roomName, roomId])}`;

async function openRoom(options: IdbStorageOptions, place: StoragePlace, groupId: string | undefined): Promise<RoomStorage> {
  const { runtime, digest } = options;
  try {
    if (groupId !== undefined && (await wasForgotten(groupId))) throw forgottenError();
    return new DiskRoomStorage({ runtime, digest, disk: await openDisk(options, place, groupId ?? runtime.newId()) });
  } catch (error) {
    throw storageError(error, 'open');
  }
}

async function openDisk({ runtime, timeoutsMs }: IdbStorageOptions, place: StoragePlace, groupId: string): Promise<IdbDisk> {
  let isNew = false;
  let disk: IdbDisk | null = null;
  const lost = (message: string): void => disk?.end(new AlcoveError('storage_failed', message));
  const database = await openDB<RoomSchema>(databaseName(place), FORMAT, {
    upgrade(created, oldVersion, _newVersion, transaction) {
      isNew = oldVersion === 0;
      if (!isNew) return;
      for (const table of DISK_TABLES) created.createObjectStore(table);
      void transaction.objectStore('header').put(seal(runtime, emptyHeader(groupId)), HEADER_KEY);
    },
    blocking(_currentVersion, blockedVersion) {
      if (blockedVersion === null) lost('what was stored of this room is being removed');
      else disk?.end(new AlcoveError('update_needed', 'a newer build of the app takes over what is stored here'));
    },
    terminated: () => lost('the browser closed its storage'),
  });
  disk = new IdbDisk(runtime, database, isNew, timeoutsMs);
  return disk;
}

/** Remembered first: however far this gets, no tab begins it anew that kept something there. */
async function removeRoom(options: IdbStorageOptions, place: StoragePlace): Promise<void> {
  try {
    const groupIds = await groupsOf(options, place);
    const isRemembered = await remembered(groupIds, options.runtime.nowMs());
    await deleteDB(databaseName(place));
    if (!isRemembered) await rememberForgotten(groupIds, options.runtime.nowMs());
  } catch (error) {
    throw storageError(error, 'remove');
  }
}

/** False on a full disk: there is room when the place is gone. */
async function remembered(groupIds: readonly string[], nowMs: number): Promise<boolean> {
  try {
    await rememberForgotten(groupIds, nowMs);
    return true;
  } catch (error) {
    if (storageError(error, 'remove').code === 'storage_full') return false;
    throw error;
  }
}

async function groupsOf(options: IdbStorageOptions, place: StoragePlace): Promise<string[]> {
  let disk: IdbDisk;
  try {
    disk = await openDisk(options, place, options.runtime.newId());
  } catch (error) {
    // A newer build wrote it, in its own way.
    if (storageError(error, 'remove').code === 'update_needed') return [];
    throw error;
  }
  try {
    return disk.isNew ? [] : await keptGroups(options.runtime, disk);
  } finally {
    disk.close();
  }
}

function withinTime<Value>(
  runtime: Runtime,
  timeoutMs: number,
  doing: string,
  promise: Promise<Value>,
  onLate: (value: Value) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = runtime.setTimer(timeoutMs, () => {
      isLate = true;
      reject(new AlcoveError('storage_failed', `the browser’s storage did not answer for ${timeoutMs} ms (${doing})`));
    });
    promise.then(
      (value) => {
        timer.cancel();
        if (isLate) onLate(value);
        else resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error instanceof Error ? error : new AlcoveError('storage_failed', String(error)));
      },
    );
  });
}
