import type { ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Advance, ImageReason, NamedSchema, Storage, StoragePlace, StoredRoom } from './storage.ts';
import type { Patience } from './write-queue.ts';

/**
 * How well this tab's work is kept. `opening`: what is on the disk is being read. `saved`: all there is to keep is kept. `saving`: some of it is on its way.
 * `failing`: it is tried again (`error`). `off`: work goes on in memory only, for good (`error` says why).
 */
export interface PersistenceState {
  readonly status: 'opening' | 'saved' | 'saving' | 'failing' | 'off';
  readonly error: ErrorBody | null;
  /** Mutations called here that are not on the disk. */
  readonly unsaved: number;
}

export interface PersistenceOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly place: StoragePlace;
  /** Client group to begin the place as, where nothing is kept. */
  readonly groupId?: string;
  /** What mutations are called under here; absent: the disk is not told. */
  readonly under?: NamedSchema;
  /** A tail below it is never worth an image. Default 1 MiB. */
  readonly tailBytesMin?: number;
  /** What is kept of the replica is left alone: it is not read. */
  readonly isFrugal?: boolean;
  /** How long writes may wait just now. */
  patience(): Patience;
  /** These mutations of the client are on the disk. */
  onStored(clientId: string, mutationIds: readonly number[]): void;
  /** The counters are on the disk, with what ended by them. */
  onAdvanced(advance: Pick<Advance, 'clients' | 'rejections'>): void;
  /** Rejections that were dismissed have left the disk. */
  onDismissed(): void;
  onState(state: PersistenceState): void;
  /** Also where nothing is kept that an image could be made of. */
  onImageWanted(reason: ImageReason): void;
  /** The place was forgotten, as at a sign-out: nothing is kept any more. */
  onForgotten(): void;
  /**
   * It was opened again, and what was kept may be gone: everything pending has to be handed over again. `isFirst`: it was not there when this tab began, and `stored`
   * is all that it keeps.
   */
  onReopened(stored: StoredRoom, isFirst: boolean): void;
}
