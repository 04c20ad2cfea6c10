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

/** Clients of which not all is there that was minted and is not confirmed. */
export function incompleteClients({ clients, mutations }: StoredOutbox): StoredClient[] {
  const ids = new Map<string, Set<number>>(clients.map(({ clientId }) => [clientId, new Set()]));
  for (const { clientId, mutationId } of mutations) ids.get(clientId)?.add(mutationId);
  return clients.filter(({ clientId, confirmed, lastMutationId }) => {
    const known = ids.get(clientId) ?? new Set();
    for (let id = confirmed + 1; id <= lastMutationId; id += 1) if (!known.has(id)) return true;
    return false;
  });
}

/** What stands in the place of a mutation that was damaged, and was told: its id is used up. */
const LOST_NAME = '$lost';

export const lostMutation = ({ clientId, seenAtMs }: StoredClient, mutationId: number): StoredMutation => ({
  clientId,
  mutationId,
  name: LOST_NAME,
  args: null,
  seed: '',
  nowMs: seenAtMs,
  schemaId: '',
});

export const isLost = ({ name }: StoredMutation): boolean => name === LOST_NAME;
