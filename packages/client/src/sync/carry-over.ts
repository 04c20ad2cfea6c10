import type { Outbox } from '../outbox/outbox.ts';
import type { Persistence } from '../storage/persistence.ts';
import type { VersionAt } from '../tabs/sibling-mutations.ts';
import type { ToldRejection } from './engine-storage.ts';
import type { HeardWords } from './heard-words.ts';
import type { StoredRows } from './stored-rows.ts';

export interface CarryOverOptions {
  readonly outbox: Pick<Outbox, 'counters' | 'unheard'>;
  readonly heard: Pick<HeardWords, 'said'>;
  readonly rows: Pick<StoredRows, 'client' | 'rejection'>;
  readonly disk: Pick<Persistence, 'advance'>;
  /** The last that this page showed. */
  shown(): VersionAt | null;
}

/**
 * Rejections that an earlier engine of this page settled, and that the disk is not known to have: it may have those mutations as pending, and whoever takes them
 * over is to get the room's answer. They are written together with the counters that say that they have ended; until then the room is not told that they were heard.
 * To be called before the first hello, which says how far that is.
 */
export function carryOver({ outbox, heard, rows, disk, shown }: CarryOverOptions, rejections: readonly ToldRejection[]): void {
  for (const { mutation } of rejections) {
    outbox.unheard(mutation);
    heard.said(mutation.clientId, mutation.mutationId);
  }
  const clientIds = [...new Set(rejections.map(({ mutation }) => mutation.clientId))];
  const known = clientIds.filter((clientId) => outbox.counters(clientId) !== null);
  disk.advance(
    '',
    [],
    known.map((clientId) => rows.client(clientId, shown())),
    rejections.map((told) => rows.rejection(told)),
  );
}
