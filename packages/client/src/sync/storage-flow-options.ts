import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Outbox } from '../outbox/outbox.ts';
import type { ImageReason, StoredOutbox, StoredReplica } from '../storage/storage.ts';
import type { SiblingMutations, VersionAt } from '../tabs/sibling-mutations.ts';
import type { EngineStorage } from './engine-storage.ts';
import type { NoticeBatch } from './notice-batch.ts';
import type { StoredRowsOptions } from './stored-rows.ts';

export interface StorageFlowOptions extends StoredRowsOptions, Pick<EngineStorage, 'storage' | 'place' | 'openChannel' | 'tailBytesMin'> {
  readonly runtime: Runtime;
  readonly isFrugal: boolean;
  /** The page's client group: that of the place where this tab begins it. */
  readonly groupId: string;
  readonly outbox: Outbox;
  /** The last that this page showed, by this engine or an earlier one. */
  shown(): VersionAt | null;
  readonly siblings: SiblingMutations;
  readonly notices: NoticeBatch;
  wake(): void;
  /** The status is told at its end anyway. */
  isInTurn(): boolean;
  /** The disk was looked at for what tabs did not hear of each other. */
  onSeen(kept: StoredOutbox): void;
  /** Mutations of other tabs, to be shown. */
  show(mutations: readonly Mutation[]): void;
  /** An image of what is shown now is wanted. */
  onImageWanted(reason: ImageReason): void;
  /** What is kept of the replica, from a disk that answered only now. */
  onLate(kept: StoredReplica): void;
}
