import { describe, expect, it } from 'vitest';
import { silentLogger } from '@alcove/core/runtime/logger';
import { storageContract } from '../../../../test/contract/storage-contract.ts';
import { newPlace, type Row, clientOf, mutationOf } from '../../../../test/contract/storage-samples.ts';
import { createBrowserRuntime } from '../worker/browser-runtime.ts';
import type { DiskKey, DiskTable } from './disk.ts';
import { createIdbStorage, databaseName } from './idb-storage.ts';
import { rememberForgotten, wasForgotten } from './idb-forgotten.ts';
import type { StoragePlace } from './storage.ts';
import { eventually } from '../../../../test/fake/eventually.ts';

const runtime = createBrowserRuntime({ log: silentLogger });

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const asked = <Result>(request: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new TypeError('failed'));
  });

async function damage(place: StoragePlace, table: DiskTable, change: (row: Row, key: DiskKey) => Row | undefined): Promise<void> {
  const database = await asked(indexedDB.open(databaseName(place)));
  const store = database.transaction(table, 'readwrite').objectStore(table);
  const [keys, rows]: [IDBValidKey[], Row[]] = await Promise.all([asked(store.getAllKeys()), asked(store.getAll())]);
  for (const [index, key] of keys.entries()) {
    const row = rows[index];
    const changed = row === undefined ? undefined : change(row, key as DiskKey); // keys as the storage made them
    if (changed === undefined) store.delete(key);
    else store.put(changed, key);
  }
  const done = new Promise<void>((resolve) => (store.transaction.oncomplete = () => resolve()));
  await done;
  database.close();
}

storageContract('IndexedDB', () => ({
  storage: createIdbStorage({ runtime, digest }),
  damage,
  clear: async (place) => {
    await asked(indexedDB.deleteDatabase(databaseName(place)));
  },
  hexOfSha256: digest,
}));

describe('storage in IndexedDB', () => {
  it('[ST-15] what a newer build wrote is left alone', async () => {
    const place = newPlace();
    const newer = await asked(indexedDB.open(databaseName(place), 99));
    newer.close();
    await expect(createIdbStorage({ runtime, digest }).open(place)).rejects.toMatchObject({ code: 'update_needed' });
    const still = await asked(indexedDB.open(databaseName(place)));
    expect(still.version).toBe(99);
    still.close();
  });

  it('[ST-15] a newer build that wants in gets in', async () => {
    const place = newPlace();
    const room = await createIdbStorage({ runtime, digest }).open(place);
    const ended = new Promise<string>((resolve) => room.onEnded(({ code }) => resolve(code)));
    const newer = await asked(indexedDB.open(databaseName(place), 99));
    expect(await ended).toBe('update_needed');
    await expect(room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)])).rejects.toMatchObject({ code: 'update_needed' });
    newer.close();
  });

  it('[ST-16] an open that nobody answers is given up, and closed when it comes late', async () => {
    const place = newPlace();
    const database = await asked(indexedDB.open(databaseName(place), 1));
    let finish = (): void => undefined;
    // Ours waits behind this change of version, which lasts as long as the older one stays open.
    const blocking = asked(indexedDB.open(databaseName(place), 2));
    const storage = createIdbStorage({ runtime, digest, openTimeoutMs: 50 });
    const opened = storage.open(place);
    await expect(opened).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('50 ms') });
    finish = () => database.close();
    finish();
    (await blocking).close();
  });

  it('[ST-41] a transaction that another tab keeps waiting is given up, and leaves nothing behind', async () => {
    const place = newPlace();
    const room = await createIdbStorage({ runtime, digest, timeoutsMs: { read: 50, write: 50 } }).open(place);
    const other = await asked(indexedDB.open(databaseName(place)));
    let isHeld = true;
    const table = other.transaction([...other.objectStoreNames], 'readwrite').objectStore('header');
    const again = (): void => {
      if (isHeld) table.get(0).addEventListener('success', again);
    };
    again();
    const late = { code: 'storage_failed', message: expect.stringContaining('50 ms') };
    await expect(room.load()).rejects.toMatchObject(late);
    await expect(room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)])).rejects.toMatchObject(late);
    isHeld = false;
    await eventually(async () => expect(await room.load()).toMatchObject({ clients: [], mutations: [] }));
    room.close();
    other.close();
  });

  it('[ST-55] remembers the newest thousand groups that were forgotten', async () => {
    await asked(indexedDB.deleteDatabase('alcove forgotten'));
    const names = Array.from({ length: 1_001 }, (_, index) => `forgotten ${index}`);
    await rememberForgotten(names.slice(0, 1), 1);
    await rememberForgotten(names.slice(1, 1_000), 2);
    expect(await wasForgotten('forgotten 0')).toBe(true);
    await rememberForgotten(names.slice(1_000), 3);
    expect(await Promise.all(['forgotten 0', 'forgotten 1000'].map(wasForgotten))).toEqual([false, true]);
    await asked(indexedDB.deleteDatabase('alcove forgotten'));
  });

  it('[ST-1] is refused with a code where the browser has no storage', async () => {
    const open = indexedDB.open;
    IDBFactory.prototype.open = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    try {
      await expect(createIdbStorage({ runtime, digest }).open(newPlace())).rejects.toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('SecurityError'),
      });
    } finally {
      IDBFactory.prototype.open = open;
    }
  });
});
