import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Outbox } from '../outbox/outbox.ts';
import type { StoredOutbox } from '../storage/storage.ts';
import { rejectionKey } from './engine-storage.ts';

export interface KeepMissingOptions {
  readonly outbox: Pick<Outbox, 'counters' | 'pending'>;
  /** It is not on the disk. */
  keep(mutation: Mutation): void;
  /** It is, with all of its client before it. */
  isKept(mutation: Mutation): void;
  /** The disk has not heard how far these have come. */
  keepEnded(clientIds: readonly string[]): void;
}

/** What an earlier engine of this page was handed, and what it was told, is on the disk, or comes there now. */
export function keepMissing({ outbox, keep, isKept, keepEnded }: KeepMissingOptions, { clients, mutations }: StoredOutbox): void {
  const kept = new Set(mutations.map(rejectionKey));
  const lacking = new Set<string>();
  for (const mutation of outbox.pending()) {
    const { clientId } = mutation;
    if (!kept.has(rejectionKey(mutation))) {
      lacking.add(clientId);
      keep(mutation);
    } else if (!lacking.has(clientId)) isKept(mutation);
  }
  const behind = clients.filter(({ clientId, confirmed }) => (outbox.counters(clientId)?.confirmed ?? 0) > confirmed);
  if (behind.length > 0) keepEnded(behind.map(({ clientId }) => clientId));
}
