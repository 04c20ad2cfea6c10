import type { Mutation } from '@alcove/core/mutation/mutation';
import { mintedAs } from '../outbox/client-names.ts';
import type { StoredMutation, StoredOutbox } from '../storage/storage.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { joinNames, type LeftClient } from './join-names.ts';

/**
 * What there is of each of these clients, on the disk (null: it cannot be read) and among the mutations that are shown as another tab's, which may not have reached
 * the disk. Left out are clients of which nothing is known, and those of which something is missing that may be on the disk. Each is there once, whatever its names.
 */
export function leftClients(
  clientIds: readonly string[],
  kept: StoredOutbox | null,
  shown: Pick<SiblingMutations, 'confirmedOf' | 'pendingOf' | 'welcomedOf'>,
): LeftClient[] {
  const rows = new Map(kept?.clients.map((row) => [row.clientId, row]));
  const stored = byClient(kept?.mutations ?? []);
  const left = clientIds.flatMap((clientId): LeftClient[] => {
    const row = rows.get(clientId);
    const confirmed = row?.confirmed ?? shown.confirmedOf(clientId);
    const isOpen = ({ mutationId }: Mutation): boolean => mutationId > confirmed;
    const onDisk = (stored.get(clientId) ?? []).filter(isOpen).map(plainMutation);
    const names = new Set(onDisk.map(({ mutationId }) => mutationId));
    const unstored = shown.pendingOf(clientId).filter((mutation) => isOpen(mutation) && !names.has(mutation.mutationId));
    const mutations = [...onDisk, ...unstored].sort((a, b) => a.mutationId - b.mutationId);
    const isWhole = mutations.every(({ mutationId }, index) => mutationId === confirmed + index + 1);
    // Nothing is left of it; that much of it has ended may tell what has ended of it under an older name.
    const hasEnded = clientId !== mintedAs(clientId) && confirmed > 0 && confirmed < Number.MAX_SAFE_INTEGER;
    if ((row === undefined && mutations.length === 0 && !hasEnded) || (kept === null && !isWhole)) return [];
    const lastMutationId = Math.max(row?.lastMutationId ?? 0, mutations.at(-1)?.mutationId ?? confirmed);
    const welcomes = [row?.welcomed ?? null, shown.welcomedOf(clientId)].filter((version) => version !== null);
    // Where something of it was confirmed the room has met it, nobody knows when: from the first version on it may have forgotten it.
    const welcomed = welcomes.length > 0 ? Math.min(...welcomes) : confirmed > 0 ? 0 : null;
    return [{ client: { clientId, lastMutationId, confirmed, welcomed }, mutations, unstored, older: [] }];
  });
  return joinNames(left).filter(({ client, mutations, older }) => rows.has(client.clientId) || mutations.length + older.length > 0);
}

export const plainMutation = ({ clientId, mutationId, name, args, seed, nowMs }: StoredMutation): Mutation => ({
  clientId,
  mutationId,
  name,
  args,
  seed,
  nowMs,
});

/** In the order in which the clients appear. */
export function byClient<Named extends Pick<Mutation, 'clientId'>>(mutations: readonly Named[]): Map<string, Named[]> {
  const grouped = new Map<string, Named[]>();
  for (const mutation of mutations) {
    const known = grouped.get(mutation.clientId);
    if (known === undefined) grouped.set(mutation.clientId, [mutation]);
    else known.push(mutation);
  }
  return grouped;
}
