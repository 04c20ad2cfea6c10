import type { Mutation } from '@alcove/core/mutation/mutation';
import type { StoredMutation, StoredOutbox } from '../storage/storage.ts';
import type { EngineClient } from './engine-interface.ts';

/** What a page load that is gone left pending. */
export interface LeftClient {
  readonly client: EngineClient;
  /** In order. */
  readonly mutations: readonly Mutation[];
}

/**
 * What there is of each of these clients, on the disk (null: it cannot be read) and among the mutations that are shown as another tab's, which may not have reached
 * the disk. Clients of which nothing is known are left out.
 */
export function leftClients(clientIds: readonly string[], kept: StoredOutbox | null, shown: readonly Mutation[]): LeftClient[] {
  const byClient = new Map<string, Map<number, Mutation>>(clientIds.map((clientId) => [clientId, new Map()]));
  for (const mutation of [...shown, ...(kept?.mutations ?? []).map(plainMutation)])
    byClient.get(mutation.clientId)?.set(mutation.mutationId, mutation);
  const rows = new Map(kept?.clients.map((row) => [row.clientId, row]));
  return [...byClient].flatMap(([clientId, byId]) => {
    const row = rows.get(clientId);
    const known = [...byId.values()].sort((a, b) => a.mutationId - b.mutationId);
    if (row === undefined && known.length === 0) return [];
    const confirmed = row?.confirmed ?? (known[0]?.mutationId ?? 1) - 1;
    const mutations = known.filter(({ mutationId }) => mutationId > confirmed);
    const lastMutationId = Math.max(row?.lastMutationId ?? 0, mutations.at(-1)?.mutationId ?? confirmed);
    return [{ client: { clientId, lastMutationId, confirmed, welcomed: row?.welcomed ?? null }, mutations }];
  });
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
