import { createHash } from 'node:crypto';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import type { DeviceKeeping } from '../../../packages/client/src/page/forget-places.ts';
import type { DiskTable } from '../../../packages/client/src/storage/disk.ts';
import { PlaceMarks } from '../../../packages/client/src/storage/place-marks.ts';
import type { LoadedParts, Storage, StoragePlace } from '../../../packages/client/src/storage/storage.ts';
import type { EngineStorage } from '../../../packages/client/src/sync/engine-storage.ts';
import type { OpenTabChannel } from '../../../packages/client/src/tabs/tab-channel.ts';
import { FakeBrowser } from '../../fake/fake-browser.ts';
import type { DiskUser } from '../../fake/fake-disk.ts';
import type { Prng } from '../../fake/prng.ts';
import type { VirtualTime } from '../../fake/virtual-time.ts';
import { Channel } from '../tab/channel.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Trace } from '../world/trace.ts';
import { Dismissals } from './dismissals.ts';
import { Forgets } from './forgets.ts';
import { SimLocks } from './sim-locks.ts';

export interface BrowserParts {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly sights: SightWatch;
  readonly random: Prng;
  readonly place: StoragePlace;
  exportImage(database: Database): Uint8Array;
}

/** A browser of the simulated world: the disk, the channels and the locks that the tabs of one user share, each with time and trouble of its own. */
export class SimBrowser {
  readonly place: StoragePlace;
  readonly locks: SimLocks;
  /** Shares of transactions that fail, and of messages between tabs that are lost, doubled or late. */
  trouble = { disk: 0, channel: 0 };
  /** When a fault last took something of what tabs had written for good; before it nothing is promised. */
  harmedAtMs = Number.NEGATIVE_INFINITY;
  readonly forgets: Forgets;
  readonly dismissals = new Dismissals();
  readonly #marks = new Map<string, string>();
  /** Channels that are open. */
  channels = 0;
  readonly #fake = new FakeBrowser();
  readonly #parts: BrowserParts;
  readonly #random: Prng;
  #lastMessageMs = 0;

  constructor(parts: BrowserParts) {
    this.#parts = parts;
    this.#random = parts.random;
    this.place = parts.place;
    this.locks = new SimLocks(parts.time, parts.random.fork('locks'));
    this.forgets = new Forgets(() => parts.time.nowMs);
    this.#fake.disk.onRemoved = () => this.forgets.removed();
    this.#fake.soon = (run) => this.#later(run);
    this.#fake.deliver = () => {
      if (!this.#random.chance(this.trouble.channel)) return true;
      return this.#random.chance(0.5) ? 'twice' : false;
    };
  }

  /** What an engine in this worker keeps its room in. */
  storageOf(worker: SimProcess): EngineStorage {
    const user = this.#userOf(worker);
    worker.onKilled(() => this.#fake.disk.closeAllOf(user));
    return {
      storage: this.#watched(this.#fake.disk.storage(worker.runtime, digest, user)),
      place: this.place,
      openChannel: this.#channelOf(worker),
      exportImage: (database) => this.#parts.exportImage(database),
      digest: (bytes) => user.answer(digest(bytes)),
      tryImager: () => this.locks.try('imager', worker),
      tailBytesMin: 4_000,
      imagePauseMs: 2_000,
    };
  }

  /** Notes what is known to be dismissed, and for whom what is read was kept. */
  #watched(storage: Storage): Storage {
    const { dismissals } = this;
    const { viewsOfImages } = this.#parts.sights;
    const open: Storage['open'] = async (place, groupId) => {
      const room = await storage.open(place, groupId);
      return new Proxy(room, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          if (name === 'load')
            return async (what?: LoadedParts) => {
              const stored = await target.load(what);
              if (stored.replica !== null) viewsOfImages.set(stored.replica.image.bytes, stored.replica.image.position.view);
              return stored;
            };
          if (name !== 'dismiss') return value.bind(target) as unknown; // methods of the product's class need their own `this`
          return async (keys: readonly string[]) => {
            await target.dismiss(keys);
            dismissals.wrote(keys);
          };
        },
      });
    };
    return { ...storage, open };
  }

  /** What a page itself does with the disk: it marks what is kept there, and forgets it. */
  deviceOf(page: SimProcess): DeviceKeeping {
    const user = this.#userOf(page);
    page.onKilled(() => this.#fake.disk.closeAllOf(user));
    const inner = this.#fake.disk.storage(page.runtime, digest, user);
    const { forgets } = this;
    const storage: Storage = {
      open: (place, groupId) => {
        forgets.looks(page.name);
        return inner.open(place, groupId);
      },
      remove: (place) => {
        forgets.removes(page.name);
        return inner.remove(place);
      },
    };
    const marks = this.#marks;
    return {
      storage: () => Promise.resolve(storage),
      openChannel: this.#channelOf(page),
      marks: new PlaceMarks({
        read: (key) => marks.get(key) ?? null,
        write: (key, text) => void (text === null ? marks.delete(key) : marks.set(key, text)),
        keys: () => [...marks.keys()],
      }),
      names: () => Promise.resolve(null),
      wasForgotten: (groupId) => Promise.resolve(this.#fake.disk.isForgotten(groupId)),
      pause: (ms) => new Promise((resolve) => void page.runtime.setTimer(ms, resolve)),
      persist: () => Promise.resolve(null),
    };
  }

  #channelOf(worker: SimProcess): OpenTabChannel {
    return (name, onMessage) => {
      const channel = this.#fake.openChannel(name, (message) => worker.enter(() => onMessage(message)));
      let isOpen = true;
      this.channels += 1;
      const close = (): void => {
        if (isOpen) this.channels -= 1;
        isOpen = false;
        channel.close();
      };
      worker.onKilled(close);
      return { post: (message) => channel.post(message), close };
    };
  }

  /** In order, where nothing is wrong with the channel. */
  #later(run: () => void): void {
    const { time } = this.#parts;
    if (this.#random.chance(this.trouble.channel)) return void time.setTimer(this.#random.float() * 3_000, run);
    this.#lastMessageMs = Math.max(this.#lastMessageMs, time.nowMs + this.#random.float() * 3);
    time.setTimer(this.#lastMessageMs - time.nowMs, run);
  }

  #userOf(worker: SimProcess): DiskUser {
    const answers = new Channel(this.#parts.time, this.#random, worker);
    return {
      begin: async (doing) => {
        await this.#turn(worker);
        this.#mayFail(doing);
      },
      commit: async (doing) => {
        await this.#commit(worker);
        this.#mayFail(doing);
      },
      answer: (result) =>
        new Promise((resolve, reject) => {
          result.then(
            (value) => answers.post(() => resolve(value)),
            (error: unknown) => answers.post(() => reject(AlcoveError.from(error))),
          );
        }),
    };
  }

  #delayMs(): number {
    return this.#random.chance(0.1) ? this.#random.float() * 80 : this.#random.float() * 4;
  }

  /** A transaction does its part where its process is awake; until then all others of the place wait. */
  #turn(worker: SimProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new AlcoveError('storage_failed', `${worker.name} is gone`));
      worker.onKilled(gone);
      this.#parts.time.setTimer(this.#delayMs(), () => worker.enter(resolve));
    });
  }

  /** What is asked for goes its way without the process; of one that dies meanwhile it is done or not. */
  #commit(worker: SimProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      worker.onKilled(() => (this.#random.chance(0.5) ? resolve() : reject(new AlcoveError('storage_failed', `${worker.name} is gone`))));
      this.#parts.time.setTimer(this.#delayMs(), resolve);
    });
  }

  #mayFail(doing: string): void {
    if (this.#random.chance(this.trouble.disk)) throw new AlcoveError('storage_failed', `the disk failed (${doing})`);
  }

  /** No more than a little more fits. */
  fill(bytesLeft: number | null): void {
    this.#fake.disk.bytesMax = bytesLeft === null ? Number.POSITIVE_INFINITY : this.#fake.disk.bytes + bytesLeft;
  }

  /** The machine dies; its tabs are to be ended by the caller. */
  crash(share: number): void {
    this.#fake.disk.crash(share);
  }

  /** The user clears the site's storage under the tabs. */
  clear(): void {
    this.harmedAtMs = this.#parts.time.nowMs;
    this.#fake.disk.clear(this.place);
  }

  /** Some rows of a table become unreadable, or are gone. Only while no tab has it open. */
  damage(table: DiskTable): void {
    if (table !== 'image' && table !== 'tail') this.harmedAtMs = this.#parts.time.nowMs;
    const isLost = this.#random.chance(0.5);
    this.#fake.disk.damage(this.place, table, (row) => {
      if (!this.#random.chance(0.5)) return row;
      if (isLost) return undefined;
      return row instanceof Uint8Array ? row.slice(0, Math.max(0, row.length - 7)) : { ...row, text: `${row.text.slice(1)}x` };
    });
  }

  get openDisks(): number {
    return this.#fake.disk.openCount;
  }

  get bytes(): number {
    return this.#fake.disk.bytes;
  }

  count(table: DiskTable): number {
    return this.#fake.disk.rows(this.place, table).length;
  }

  /** What the rows of a table say, unsealed by nobody: they are the product's own. */
  texts(table: DiskTable): string[] {
    return this.#fake.disk.rows(this.place, table).map((row) => (row instanceof Uint8Array ? '' : row.text));
  }

  heal(): void {
    this.trouble = { disk: 0, channel: 0 };
    this.fill(null);
  }
}

const digest = async (bytes: Uint8Array): Promise<string> => createHash('sha256').update(bytes).digest('hex');
