import type { Mutation } from '@alcove/core/mutation/mutation';
import { mintedAs } from '../outbox/client-names.ts';
import type { EngineClient } from './engine-interface.ts';

/** What a page load that is gone left pending. */
export interface LeftClient {
  readonly client: EngineClient;
  /** In order; ids that are missing among them are nobody's. */
  readonly mutations: readonly Mutation[];
  /** Those of them that were only heard of: they are not on the disk. */
  readonly unstored: readonly Mutation[];
  /** What else it was found as: all of that is among its mutations, or has ended. */
  readonly older: readonly EngineClient[];
}

/** What these clients may be found as: as they were minted, as they are asked for, and as else they were heard of. */
export function allNames(clientIds: readonly string[], heardOf: readonly string[]): string[] {
  const minted = new Set(clientIds.map(mintedAs));
  return [...new Set([...minted, ...clientIds, ...heardOf.filter((clientId) => minted.has(mintedAs(clientId)))])];
}

/** Without any name of a client that has one for which this does not hold. */
export function wholeClients(clientIds: readonly string[], holds: (clientId: string) => boolean): string[] {
  const others = new Set(clientIds.filter((clientId) => !holds(clientId)).map(mintedAs));
  return clientIds.filter((clientId) => !others.has(mintedAs(clientId)));
}

/**
 * A client that was renamed after a lost tail is one client still: what is left of it under several names, because a word of the renaming or its place on the disk is
 * missing, goes on under the newest. What an older name has of it is the same mutation there, or has ended there, or goes behind what is there.
 */
export function joinNames(left: readonly LeftClient[]): LeftClient[] {
  const byClient = new Map<string, LeftClient[]>();
  for (const one of left) {
    const minted = mintedAs(one.client.clientId);
    byClient.set(minted, [...(byClient.get(minted) ?? []), one]);
  }
  return [...byClient.values()].flatMap((names) => {
    const [newest, ...older] = names.sort((a, b) => ageOf(b) - ageOf(a));
    return newest === undefined ? [] : [older.reduce(joined, newest)];
  });
}

/** A page writes at once that it renamed a client, the older name going with that: one that was only heard of is newer. */
function ageOf({ client: { clientId }, mutations, unstored }: LeftClient): number {
  if (clientId === mintedAs(clientId)) return 0;
  if (mutations.length === 0) return 1;
  return mutations.length > unstored.length ? 2 : 3;
}

function joined(newer: LeftClient, older: LeftClient): LeftClient {
  const { clientId, confirmed } = newer.client;
  const known = new Map(newer.mutations.map((mutation) => [identityOf(mutation), mutation.mutationId]));
  const common = older.mutations.find((mutation) => known.has(identityOf(mutation)));
  // Where they have none in common, all was renamed that was pending.
  const offset = common === undefined ? older.client.confirmed : common.mutationId - (known.get(identityOf(common)) ?? 0);
  const used = new Set(known.values());
  let last = newer.client.lastMutationId;
  const behind: Mutation[] = [];
  for (const mutation of older.mutations) {
    const renamedTo = mutation.mutationId - offset;
    if (known.has(identityOf(mutation)) || renamedTo <= confirmed) continue;
    const mutationId = used.has(renamedTo) ? last + 1 : renamedTo;
    used.add(mutationId);
    last = Math.max(last, mutationId);
    behind.push({ ...mutation, clientId, mutationId });
  }
  return {
    client: { ...newer.client, lastMutationId: Math.max(last, older.client.lastMutationId - offset) },
    mutations: [...newer.mutations, ...behind].sort((a, b) => a.mutationId - b.mutationId),
    unstored: [...newer.unstored, ...behind],
    older: [...newer.older, ...older.older, older.client],
  };
}

/** Whatever it goes by. */
const identityOf = ({ seed, nowMs, name }: Mutation): string => JSON.stringify([seed, nowMs, name]);
