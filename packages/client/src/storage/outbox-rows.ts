import type { StoredClient, StoredMutation, StoredOutbox } from './storage.ts';

/** Mutations of clients that are known, each client's in order; the clients by when their oldest mutation was called. */
export function sortOutbox(clients: readonly StoredClient[], mutations: readonly StoredMutation[]): StoredOutbox {
  const byClient = new Map<string, { readonly client: StoredClient; readonly pending: StoredMutation[] }>();
  for (const client of clients) byClient.set(client.clientId, { client, pending: [] });
  for (const mutation of mutations) {
    const entry = byClient.get(mutation.clientId);
    if (entry !== undefined && mutation.mutationId > entry.client.confirmed) entry.pending.push(mutation);
  }
  const entries = [...byClient.values()];
  for (const { pending } of entries) pending.sort((a, b) => a.mutationId - b.mutationId);
  const calledAt = ({ client, pending }: (typeof entries)[number]): number => pending[0]?.nowMs ?? client.seenAtMs;
  entries.sort((a, b) => calledAt(a) - calledAt(b) || (a.client.clientId < b.client.clientId ? -1 : 1));
  return { clients: entries.map(({ client }) => client), mutations: entries.flatMap(({ pending }) => pending) };
}

/** Whether all that was minted and is not confirmed is there. */
export function isWholeOutbox({ clientId, confirmed, lastMutationId }: StoredClient, mutations: readonly StoredMutation[]): boolean {
  const pending = mutations.filter((mutation) => mutation.clientId === clientId);
  return pending.length === lastMutationId - confirmed && pending.every((mutation, index) => mutation.mutationId === confirmed + 1 + index);
}
