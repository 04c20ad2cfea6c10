import { createHash } from 'node:crypto';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { EngineStorage } from '../../packages/client/src/sync/engine-storage.ts';
import type { StoragePlace } from '../../packages/client/src/storage/storage.ts';
import type { SqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import type { OpenTabChannel } from '../../packages/client/src/tabs/tab-channel.ts';
import { FakeBrowserDisk } from './fake-disk.ts';

/** What the tabs of one browser share: its disk, their channels, the right to image. */
export class FakeBrowser {
  readonly disk = new FakeBrowserDisk();
  readonly #listeners = new Map<string, Set<(message: unknown) => void>>();
  #isImaging = false;
  /** Asked for every message to one tab: false loses it. Called again for a second copy where it says `twice`. */
  deliver: () => boolean | 'twice' = () => true;
  /** Hands a message over when the caller's turn has ended. */
  soon: (run: () => void) => void = (run) => queueMicrotask(run);

  openChannel: OpenTabChannel = (name, onMessage) => {
    const others = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, others);
    others.add(onMessage);
    return {
      post: (message) => {
        const copy: unknown = structuredClone(message);
        for (const listener of others) if (listener !== onMessage) this.#send(others, listener, copy);
      },
      close: () => void others.delete(onMessage),
    };
  };

  #send(alive: ReadonlySet<unknown>, listener: (message: unknown) => void, message: unknown): void {
    const times = this.deliver();
    for (let left = times === 'twice' ? 2 : times ? 1 : 0; left > 0; left -= 1)
      this.soon(() => {
        if (alive.has(listener)) listener(structuredClone(message));
      });
  }

  storageOf(runtime: Runtime, place: StoragePlace): EngineStorage {
    const digest = async (bytes: Uint8Array): Promise<string> => createHash('sha256').update(bytes).digest('hex');
    return {
      storage: this.disk.storage(runtime, digest),
      place,
      openChannel: this.openChannel,
      exportImage: (database) => (database as SqljsDatabase).exportImage(), // tabs of tests run on sql.js
      digest,
      tryImager: async () => {
        if (this.#isImaging) return null;
        this.#isImaging = true;
        return () => {
          this.#isImaging = false;
        };
      },
    };
  }
}
