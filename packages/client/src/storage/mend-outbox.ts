import type { Runtime } from '@alcove/core/runtime/runtime';
import { type DiskKey, type DiskTable, type DiskTransaction, mutationsUpTo, only } from './disk.ts';
import { lostMutation } from './outbox-rows.ts';
import { seal, unseal } from './seal.ts';
import type { StoredClient, StoredMutation } from './storage.ts';

/** What a damaged row stood under, and what there is of a client around it. */
interface Left {
  client: StoredClient | undefined;
  /** By mutationId; undefined: it cannot be read. */
  readonly mutations: Map<number, StoredMutation | undefined>;
}

/**
 * Makes the outbox whole again after damage, so that it is told once: what cannot be read goes, an id that was minted is marked as used up, and a client whose row is
 * gone has its counters back from its mutations. Nothing that can be read is lost.
 */
export async function mendOutbox(runtime: Runtime, transaction: DiskTransaction): Promise<void> {
  const [clients, mutations, rejections] = await Promise.all([
    entriesOf<StoredClient>(runtime, transaction, 'clients'),
    entriesOf<StoredMutation>(runtime, transaction, 'mutations'),
    entriesOf<unknown>(runtime, transaction, 'rejections'),
  ]);
  for (const [key, rejection] of rejections) if (rejection === undefined) transaction.delete('rejections', only(key));
  const left = new Map<string, Left>();
  const leftOf = (clientId: string): Left => {
    const known = left.get(clientId) ?? { client: undefined, mutations: new Map() };
    left.set(clientId, known);
    return known;
  };
  for (const [key, client] of clients) leftOf(String(key)).client = client;
  for (const [key, mutation] of mutations) {
    const [clientId, mutationId] = Array.isArray(key) ? key : [];
    if (typeof clientId === 'string' && typeof mutationId === 'number') leftOf(clientId).mutations.set(mutationId, mutation);
    else transaction.delete('mutations', only(key));
  }
  for (const [clientId, one] of left) mendClient(runtime, transaction, clientId, one);
}

function mendClient(runtime: Runtime, transaction: DiskTransaction, clientId: string, { client: known, mutations }: Left): void {
  const client = known ?? clientFrom(clientId, mutations);
  if (client === null) {
    transaction.delete('clients', only(clientId));
    transaction.delete('mutations', mutationsUpTo(clientId, Number.MAX_SAFE_INTEGER));
    return;
  }
  if (known === undefined) transaction.put('clients', clientId, seal(runtime, client));
  transaction.delete('mutations', mutationsUpTo(clientId, client.confirmed));
  for (let mutationId = client.confirmed + 1; mutationId <= client.lastMutationId; mutationId += 1)
    if (mutations.get(mutationId) === undefined)
      transaction.put('mutations', [clientId, mutationId], seal(runtime, lostMutation(client, mutationId)));
}

/**
 * A client's row as far as its mutations tell it; null: none of them can be read. Whether it was ever welcomed they do not: of a room that has forgotten clients since
 * it began it may be one, which the room then says.
 */
function clientFrom(clientId: string, mutations: ReadonlyMap<number, StoredMutation | undefined>): StoredClient | null {
  const readable = [...mutations.values()].filter((mutation) => mutation !== undefined);
  const last = readable.at(-1);
  if (last === undefined) return null;
  const ids = [...mutations.keys()];
  return {
    clientId,
    lastMutationId: Math.max(...ids),
    confirmed: Math.min(...ids) - 1,
    confirmedAt: null,
    welcomed: 0,
    groupId: null,
    seenAtMs: last.nowMs,
  };
}

async function entriesOf<Value>(
  runtime: Runtime,
  transaction: DiskTransaction,
  table: DiskTable,
): Promise<(readonly [DiskKey, Value | undefined])[]> {
  const [keys, rows] = await Promise.all([transaction.getKeys(table), transaction.getAll(table)]);
  return keys.map((key, at) => [key, unseal<Value>(runtime, rows[at])]);
}
