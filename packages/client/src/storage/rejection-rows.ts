import type { Runtime } from '@alcove/core/runtime/runtime';
import { type DiskTransaction, only } from './disk.ts';
import { unseal } from './seal.ts';
import type { FoundRejections, StoredRejection } from './storage.ts';

/** Kept until they are dismissed, the newest ones; as many as a page lists. */
const REJECTIONS_MAX = 1_000;
/** So many more may lie there: to find the oldest costs reading all of them. */
const SURPLUS_MAX = 100;

/** In order of time, the newest of them. */
export const newestRejections = (rejections: readonly StoredRejection[]): StoredRejection[] =>
  [...rejections].sort((a, b) => a.atMs - b.atMs || a.mutation.mutationId - b.mutation.mutationId).slice(-REJECTIONS_MAX);

/** Names of all, and those that are not known, in order of time. */
export async function findRejections(runtime: Runtime, transaction: DiskTransaction, known: ReadonlySet<string>): Promise<FoundRejections> {
  const keys = (await transaction.getKeys('rejections')).filter((key) => typeof key === 'string');
  const rows = await Promise.all(keys.filter((key) => !known.has(key)).map((key) => transaction.get('rejections', key)));
  const whole = rows.map((row) => unseal<StoredRejection>(runtime, row)).filter((rejection) => rejection !== undefined);
  return { keys, fresh: newestRejections(whole) };
}

/** Removes the oldest where there are too many, the damaged ones first. */
export async function trimRejections(runtime: Runtime, transaction: DiskTransaction): Promise<void> {
  const keys = await transaction.getKeys('rejections');
  if (keys.length <= REJECTIONS_MAX + SURPLUS_MAX) return;
  const rows = await transaction.getAll('rejections');
  const whole = rows.map((row) => unseal<StoredRejection>(runtime, row)).filter((rejection) => rejection !== undefined);
  const kept = new Set(newestRejections(whole).map(({ key }) => key));
  for (const key of keys) if (typeof key !== 'string' || !kept.has(key)) transaction.delete('rejections', only(key));
}
