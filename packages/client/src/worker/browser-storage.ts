import type { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Database } from '@alcove/core/sqlite/database';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readEarly } from '../storage/early-storage.ts';
import { createIdbStorage, databaseName } from '../storage/idb-storage.ts';
import type { LoadedParts, Storage, StoragePlace } from '../storage/storage.ts';
import type { EngineStorage } from '../sync/engine-storage.ts';
import { openBrowserChannel } from './browser-channel.ts';
import { missingForStorage } from './missing-platform.ts';

/** A room's storage in a browser, from its worker: IndexedDB, a BroadcastChannel, Web Locks. What is kept is being read from this call on, the replica only where it is `wanted`. */
export function createBrowserStorage(
  runtime: Runtime,
  place: StoragePlace,
  wanted: LoadedParts,
  exportImage: (database: Database) => Uint8Array,
): EngineStorage {
  const missing = missingForStorage('this page’s worker');
  if (missing !== null) return keptNowhere(place, exportImage, missing);
  return {
    storage: readEarly(browserIdb(runtime), place, wanted),
    place,
    openChannel: openBrowserChannel,
    exportImage,
    digest,
    tryImager: () => tryLock(`${databaseName(place)} imager`),
  };
}

/** The engine goes on in memory, and says why. */
function keptNowhere(place: StoragePlace, exportImage: EngineStorage['exportImage'], missing: AlcoveError): EngineStorage {
  return {
    storage: { open: () => Promise.reject(missing), remove: () => Promise.reject(missing) },
    place,
    openChannel: () => ({ post: () => undefined, close: () => undefined }),
    exportImage,
    digest,
    tryImager: () => Promise.resolve(null),
  };
}

/** IndexedDB, from a worker or a page. */
export const browserIdb = (runtime: Runtime): Storage => createIdbStorage({ runtime, digest });

/** By the platform, off this thread; in JavaScript on pages that are not secure, which have no such thing. */
async function digest(bytes: Uint8Array): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle;
  if (subtle === undefined) return bytesToHex(sha256(bytes));
  return bytesToHex(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))); // never shared memory here
}

function tryLock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(null);
        return new Promise<void>((release) => resolve(() => release()));
      })
      .catch(reject);
  });
}
