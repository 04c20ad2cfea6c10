import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Database } from '@alcove/core/sqlite/database';
import type { StorageDamage, Storage, StoragePlace, StoredMutation, StoredRejection } from '../storage/storage.ts';
import type { OpenTabChannel } from '../tabs/tab-channel.ts';

/** Where a room is kept, and the way to the other tabs that keep it there too; by the platform. */
export interface EngineStorage {
  readonly storage: Storage;
  readonly place: StoragePlace;
  readonly openChannel: OpenTabChannel;
  /** A copy of the database as a SQLite file; the database cannot be used after it. */
  exportImage(database: Database): Uint8Array;
  /** Lower-case hex of the SHA-256. */
  digest(bytes: Uint8Array): Promise<string>;
  /** The right to image this place; null where another tab has it just now. The function gives it back. */
  tryImager(): Promise<(() => void) | null>;
  /** A tail below it is never worth an image. Default 1 MiB. */
  readonly tailBytesMin?: number;
  /** Between two images that one tab makes, however fast the tail grows, in ms. Default 30,000. */
  readonly imagePauseMs?: number;
}

/** Of this client all mutations that are pending up to one are on the disk, or what became of some. */
export interface StoredNotice {
  readonly type: 'stored';
  readonly clientId: string;
  readonly upTo: number;
  /** Default 1. */
  readonly from?: number;
  /** That they were rejected is there, of those from `from` on. Else it may not be: the disk took them while they were pending. */
  readonly areRejected?: boolean;
}

/** As a page was told of it. */
export interface ToldRejection {
  readonly mutation: Mutation;
  readonly error: ErrorBody;
  /** Wall time. */
  readonly atMs: number;
}

/** What earlier loads of the page left for people to see, or other tabs by now, and what of it was found damaged. */
export interface RestoredNotice {
  readonly type: 'restored';
  readonly rejections: readonly StoredRejection[];
  readonly damage: readonly StorageDamage[];
  readonly onDisk?: RejectionsOnDisk;
}

/** What was known to be there and is not among `keys` any more was dismissed in another tab; where it was begun anew that does not follow. */
export interface RejectionsOnDisk {
  readonly keys: readonly string[];
  readonly isAnew: boolean;
}

/** Another tab took them off its list, and off the disk. */
export interface DismissedNotice {
  readonly type: 'dismissed';
  readonly keys: readonly string[];
}

/**
 * Clients of other page loads that something is kept of, all of them: those whose Web Lock is free are nobody's, and whoever gets it calls `adoptStored`.
 */
export interface OthersNotice {
  readonly type: 'others';
  readonly clientIds: readonly string[];
  /** Those that a newer build of the app has to take over: their locks are let go. Absent: none. */
  readonly heldBack?: readonly string[];
}

/** Mutations that other tabs have pending, as far as this one knows: how many, and the oldest of them. Told a moment later, where they are pending still. */
export interface ElsewhereNotice {
  readonly type: 'elsewhere';
  readonly count: number;
  readonly oldest: readonly Mutation[];
}

/** Another tab would push what is left of these, and this one cannot now: `ClientRoom` lets go of those that it took over. */
export interface WantedNotice {
  readonly type: 'wanted';
  readonly clientIds: readonly string[];
}

/** What was pending of another page load is this engine's to push now. */
export interface AdoptedNotice {
  readonly type: 'adopted';
  readonly clientId: string;
  readonly lastMutationId: number;
  readonly confirmed: number;
  readonly welcomed: number | null;
  readonly mutations: readonly Mutation[];
}

/** What is kept was opened. */
export interface KeptNotice {
  readonly type: 'kept';
  /** Another one than before: the place was emptied meanwhile. */
  readonly groupId: string;
  /** Clients that something is pending of there. */
  readonly clientIds: readonly string[];
}

/** Another tab, or this page, has what is kept removed: nothing of it is kept any more, and the room is to be closed. */
export interface ForgottenNotice {
  readonly type: 'forgotten';
}

export type StorageNotice =
  | WantedNotice
  | KeptNotice
  | ForgottenNotice
  | StoredNotice
  | RestoredNotice
  | DismissedNotice
  | OthersNotice
  | ElsewhereNotice
  | AdoptedNotice;

/** Of a mutation that was put aside: how it is called on the disk. */
export const rejectionKey = ({ clientId, mutationId }: Pick<Mutation, 'clientId' | 'mutationId'>): string => `${clientId} ${mutationId}`;

/** It was put aside; `error` null: the room gave no reason. */
export const rejectionOf = (mutation: StoredMutation, error: ErrorBody | null, atMs: number): StoredRejection => ({
  key: rejectionKey(mutation),
  mutation,
  error: error ?? { code: 'internal', message: 'rejected without a reason' },
  atMs,
});
