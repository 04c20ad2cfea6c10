import type { Persistence } from '../storage/persistence.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { ClientGroups } from './client-group.ts';
import type { DiskLook } from './disk-look.ts';
import { allNames, type LeftClient, wholeClients } from './join-names.ts';
import { leftClients } from './left-client.ts';
import type { OtherTabs } from './other-tabs.ts';

export interface LeftSources {
  readonly disk: Pick<Persistence, 'outbox' | 'state'>;
  readonly siblings: Pick<SiblingMutations, 'known' | 'confirmed' | 'confirmedOf' | 'pendingOf' | 'welcomedOf'>;
  readonly tabs: Pick<OtherTabs, 'free' | 'isHeld'>;
  readonly groups: Pick<ClientGroups, 'learn' | 'isOurs'>;
  readonly look: Pick<DiskLook, 'found'>;
}

/** Of clients that nobody lives of any more, whatever their names: what is pending of those that are known (by now), on the disk or as other tabs told of it. */
export async function findLeft(asked: readonly string[], { disk, siblings, tabs, groups, look }: LeftSources): Promise<LeftClient[]> {
  const clientIds = allNames(asked, siblings.known());
  const read = await disk.outbox(clientIds);
  const kept = read === null ? null : tabs.free(read, clientIds);
  // It may have more than was heard of: not now. Where it is never read, what was heard of is all there is.
  if (kept === null && disk.state.status !== 'off') return [];
  // Of which only their tab's word came, and not that they have ended.
  for (const { clientId, lastMutationId, confirmedAt } of read?.gone ?? []) siblings.confirmed(clientId, lastMutationId, confirmedAt);
  if (read !== null) look.found(clientIds, read);
  // What has ended is shown until its commit is.
  for (const { clientId, confirmed, confirmedAt, groupId } of kept?.clients ?? []) {
    siblings.confirmed(clientId, confirmed, confirmedAt);
    groups.learn(clientId, groupId);
  }
  const ours = wholeClients(clientIds, (clientId) => groups.isOurs(clientId) && !tabs.isHeld(clientId));
  return leftClients(ours, kept, siblings);
}
