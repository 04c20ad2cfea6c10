import { AlcoveError } from '@alcove/core/error';
import { placeName, type PlaceMarks, placeOf } from '../storage/place-marks.ts';
import type { Storage, StoragePlace } from '../storage/storage.ts';
import type { OpenTabChannel, TabMessage } from '../tabs/tab-channel.ts';

/** What `forget` takes. */
export interface ForgetOptions {
  /** Mutations that the room has not decided are thrown away, too. Without it they are named and nothing is removed. */
  readonly discardPending?: boolean;
}

/** What this device keeps for a page, and the way to its other tabs. */
export interface DeviceKeeping {
  storage(): Promise<Storage>;
  readonly openChannel: OpenTabChannel;
  readonly marks: PlaceMarks;
  /** Names of all that is stored for this page's origin; null where the browser does not tell. */
  names(): Promise<readonly string[] | null>;
  /** Whether the place of that client group was removed for good. */
  wasForgotten(groupId: string): Promise<boolean>;
  /** Resolves after so many ms. */
  pause(ms: number): Promise<void>;
  /** Asks the browser, once, to keep what is stored when space runs short; what it said, null where there is no answer. */
  persist(): Promise<boolean | null>;
}

/** Other tabs write what they hold back within it, unless their threads or the disk are busy for longer. */
const HURRY_MS = 300;

/** One room that is to be forgotten. */
export interface Forgettable {
  readonly place: StoragePlace;
  /** Mutations in this page's memory alone. */
  unsaved(): number;
  /** Closes it in this page. */
  close(): void;
}

/**
 * Removes rooms from this device, all of them or, where something would be lost that is not to be, none. Other tabs that have them open close them and keep
 * nothing of them.
 *
 * @throws AlcoveError `pending_writes` with how many; `storage_failed` where a tab that does not answer keeps the browser from removing: to be called again
 */
export async function forgetPlaces(device: DeviceKeeping, rooms: readonly Forgettable[], options: ForgetOptions = {}): Promise<void> {
  const storage = await device.storage();
  const keeps = options.discardPending !== true;
  if (keeps) {
    for (const { place } of rooms) tellTabs(device, place, { type: 'hurry' });
    await device.pause(HURRY_MS);
    await assertNothingPending(storage, rooms);
  }
  for (const { place, close } of rooms) {
    tellTabs(device, place, { type: 'forget', keeps });
    close();
  }
  if (keeps) {
    // What another tab wrote between the two looks stays, also what it held back until it was told.
    await device.pause(HURRY_MS);
    await assertNothingPending(storage, rooms);
  }
  for (const { place } of rooms) {
    await storage.remove(place);
    device.marks.forget(place);
  }
}

/** Rooms of this user of this server that something is kept of. */
export async function keptPlaces(device: DeviceKeeping, server: string, user: string | null): Promise<StoragePlace[]> {
  const stored = (await device.names())?.map(placeOf).filter((place) => place !== null) ?? [];
  const byName = new Map([...device.marks.places(), ...stored].map((place) => [placeName(place), place]));
  return [...byName.values()].filter((place) => place.server === server && place.user === user);
}

async function assertNothingPending(storage: Storage, rooms: readonly Forgettable[]): Promise<void> {
  const counts: { readonly roomId: string; readonly count: number }[] = [];
  for (const { place, unsaved } of rooms) {
    const count = unsaved() + (await storedPending(storage, place));
    if (count > 0) counts.push({ roomId: place.roomId, count });
  }
  refuse(counts);
}

/** @throws AlcoveError `pending_writes` */
export function assertNonePending(roomId: string, count: number): void {
  refuse(count === 0 ? [] : [{ roomId, count }]);
}

function refuse(counts: readonly { readonly roomId: string; readonly count: number }[]): void {
  if (counts.length === 0) return;
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const named = counts.map(({ roomId, count }) => `${count} of “${roomId}”`).join(', ');
  throw new AlcoveError('pending_writes', `${total} ${total === 1 ? 'mutation is' : 'mutations are'} not decided by the room: ${named}`);
}

async function storedPending(storage: Storage, place: StoragePlace): Promise<number> {
  const room = await storage.open(place);
  try {
    return (await room.outbox()).mutations.length;
  } finally {
    room.close();
  }
}

function tellTabs({ openChannel }: DeviceKeeping, place: StoragePlace, message: TabMessage): void {
  const channel = openChannel(placeName(place), () => undefined);
  channel.post(message);
  channel.close();
}
