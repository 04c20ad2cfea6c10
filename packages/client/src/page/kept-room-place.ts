import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { Observable } from './observable.ts';
import { type DeviceKeeping, type Forgettable, type ForgetOptions, forgetPlaces } from './forget-places.ts';
import { type PageLocks, RoomLocks } from './room-locks.ts';
import type { LostOutbox } from '../storage/place-marks.ts';
import type { StoragePlace } from '../storage/storage.ts';
import type { KeptNotice, OthersNotice, RestoredNotice } from '../sync/engine-storage.ts';

/** Where a room is kept between loads of the page, and what tells whose is what. */
export interface RoomKeeping {
  readonly place: StoragePlace;
  readonly locks: PageLocks;
  /** Without one nothing is marked, and nothing can be forgotten. */
  readonly device?: DeviceKeeping | undefined;
}

/** What a page knows of the place where its room is kept. */
export interface PlaceFacts {
  readonly lostOutbox: LostOutbox | null;
  readonly storagePersisted: boolean | null;
}

export const NO_FACTS: PlaceFacts = { lostOutbox: null, storagePersisted: null };

/** The page's side of a kept room: the locks of the clients it speaks for, the mark outside of the disk, and how all of it is forgotten. */
export class KeptRoomPlace {
  readonly facts = new Observable<PlaceFacts>(NO_FACTS);
  readonly #keeping: RoomKeeping;
  readonly #locks: RoomLocks;
  readonly #runtime: Pick<Runtime, 'nowMs'>;
  #groupId: string | null = null;
  /** The mark may name clients of this page's. */
  #isMarked = true;
  #isClosed = false;

  constructor(keeping: RoomKeeping, runtime: Pick<Runtime, 'nowMs'>, onFree: (clientId: string) => void) {
    this.#keeping = keeping;
    this.#runtime = runtime;
    this.#locks = new RoomLocks(keeping.locks, onFree);
  }

  own(clientId: string): void {
    this.#locks.own(clientId);
  }

  /** Another page speaks for these. */
  giveUp(clientIds: readonly string[]): void {
    this.#locks.giveUp(clientIds);
  }

  /** The page is put aside: it speaks for nobody. */
  letGo(): void {
    this.#locks.letGo();
  }

  others({ clientIds, heldBack = [] }: OthersNotice): void {
    this.#locks.giveUp(heldBack);
    this.#locks.others(clientIds);
  }

  /** What is kept was opened. At the start of the page a mark that knows of more tells that it was lost; later the tabs themselves still have it. */
  kept({ groupId, clientIds }: KeptNotice): void {
    const { device, place } = this.#keeping;
    const isStart = this.#groupId === null;
    this.#groupId = groupId;
    const before = device?.marks.opened(place, groupId, clientIds) ?? null;
    this.#isMarked = true;
    if (device !== undefined && before !== null && isStart) this.#missed(device, before);
    if (isStart && device !== undefined) this.#persist(device);
  }

  /** Part of it could not be read. */
  restored({ damage }: Pick<RestoredNotice, 'damage'>): void {
    if (damage.some(({ what }) => what === 'outbox')) this.#lost('damaged');
  }

  /** Of the clients `own` these have something pending on the disk. */
  pending(own: readonly string[], withKept: readonly string[]): void {
    const { device, place } = this.#keeping;
    if (this.#groupId === null || this.#isClosed || (withKept.length === 0 && !this.#isMarked)) return;
    this.#isMarked = withKept.length > 0;
    device?.marks.pending(place, this.#groupId, own, withKept);
  }

  dismissLostOutbox(): void {
    this.facts.set({ ...this.facts.getSnapshot(), lostOutbox: null });
  }

  forget(room: Omit<Forgettable, 'place'>, options: ForgetOptions): Promise<void> {
    const { device, place } = this.#keeping;
    if (device === undefined) return Promise.reject(new AlcoveError('option_invalid', 'this client has no device to forget a room on'));
    return forgetPlaces(device, [{ ...room, place }], options);
  }

  close(): void {
    this.#isClosed = true;
    this.#locks.close();
  }

  /** A tab that had not heard yet that its room was forgotten marks what it had there. */
  #missed(device: DeviceKeeping, groupId: string): void {
    device.wasForgotten(groupId).then(
      (isForgotten) => isForgotten || this.#lost('emptied'),
      () => this.#lost('emptied'),
    );
  }

  #lost(why: LostOutbox['why']): void {
    this.facts.set({ ...this.facts.getSnapshot(), lostOutbox: { why, atMs: this.#runtime.nowMs() } });
  }

  /** What the browser thinks of it changes nothing here: it is said in the status. */
  #persist(device: DeviceKeeping): void {
    device.persist().then(
      (storagePersisted) => this.facts.set({ ...this.facts.getSnapshot(), storagePersisted }),
      () => undefined,
    );
  }
}
