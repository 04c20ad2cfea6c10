import type { Registry } from '../oracle/registry.ts';
import type { Census } from '../tab/census.ts';
import type { RunPlan } from './swarm.ts';

/**
 * Whether nothing of a mutation may be left with anybody who speaks for its client. A browser's disk loses rows; of what a dead tab had not told to be on the disk others may have heard a later
 * mutation and not this one. A void of a client that was renamed has a name that nobody called a mutation by.
 */
export function mayBeVoid(
  { plan, registry, census }: { readonly plan: RunPlan; readonly registry: Registry; readonly census: Census },
  clientId: string,
  mutationId: number,
): boolean {
  if (!plan.storage) return false;
  if (plan.faults.has('storageDamage') || plan.faults.has('storageCleared')) return true;
  const registered = registry.get(clientId, mutationId);
  if (registered === undefined) return clientId.includes('~');
  return !registry.namesOf(registered.mutation.seed).some((name) => census.wasStored(name.clientId, name.mutationId));
}
