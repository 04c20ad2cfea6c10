import { openBrowserChannel } from '../worker/browser-channel.ts';
import { type MarkTexts, PlaceMarks } from '../storage/place-marks.ts';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { DeviceKeeping } from './forget-places.ts';

/** Set once the browser was asked: some of them ask the person, who should be asked once. */
const ASKED_KEY = 'alcove persist asked';

/** What this browser keeps for the page's origin. IndexedDB's code is loaded when it is first needed here: the worker has its own. */
export function browserDevice(runtime: Runtime): DeviceKeeping {
  return {
    storage: async () => {
      const { browserIdb } = await import('../worker/browser-storage.ts');
      return browserIdb(runtime);
    },
    openChannel: openBrowserChannel,
    marks: new PlaceMarks(localTexts),
    names: async () => {
      // Some browsers do not have it.
      const databases: (() => Promise<IDBDatabaseInfo[]>) | undefined = indexedDB.databases?.bind(indexedDB);
      return databases === undefined ? null : (await databases()).flatMap(({ name }) => name ?? []);
    },
    wasForgotten: async (groupId) => (await import('../storage/idb-forgotten.ts')).wasForgotten(groupId),
    pause: (ms) => new Promise((resolve) => void runtime.setTimer(ms, resolve)),
    persist: askOnce,
  };
}

async function askOnce(): Promise<boolean | null> {
  const storage: StorageManager | undefined = navigator.storage;
  if (storage?.persist === undefined) return null;
  if (await storage.persisted()) return true;
  if (wasAsked()) return false;
  return storage.persist();
}

/** Where that cannot be remembered nobody is asked. */
function wasAsked(): boolean {
  try {
    if (localStorage.getItem(ASKED_KEY) !== null) return true;
    localStorage.setItem(ASKED_KEY, 'yes');
    return false;
  } catch {
    return true;
  }
}

const localTexts: MarkTexts = {
  read: (key) => localStorage.getItem(key),
  write: (key, text) => (text === null ? localStorage.removeItem(key) : localStorage.setItem(key, text)),
  keys: () => Object.keys(localStorage),
};
