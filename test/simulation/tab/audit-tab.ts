import type { Mutation } from '@alcove/core/mutation/mutation';
import type { EngineClient } from '../../../packages/client/src/sync/engine-interface.ts';
import type { SightWatch } from '../check/sight-watch.ts';
import type { ValuesModel } from '../check/values-model.ts';
import type { History } from '../oracle/history.ts';
import type { Registry } from '../oracle/registry.ts';
import type { ShadowSources } from '../oracle/shadow.ts';
import type { RoomHost } from '../room/room-host.ts';
import type { Clients } from '../world/clients.ts';
import type { Findings } from '../world/findings.ts';
import type { Census } from './census.ts';
import { EngineAudit } from './engine-audit.ts';
import type { Tab } from './tab.ts';

/** What of the world an engine is held against. */
export interface AuditedWorld {
  readonly host: RoomHost;
  readonly history: History;
  readonly registry: Registry;
  readonly findings: Findings;
  readonly census: Census;
  readonly clients: Clients;
  readonly values: ValuesModel;
  readonly sights: SightWatch;
  readonly time: { readonly nowMs: number };
  shadowSources(): ShadowSources;
  liveTabs(): Tab[];
}

/** Watches one engine of a tab, and what it takes over of others. */
export function auditTab(world: AuditedWorld, name: string, tab: Tab): EngineAudit {
  const { user } = tab.group;
  return new EngineAudit({
    ...world.shadowSources(),
    sights: world.sights,
    name,
    user,
    build: tab.build,
    onClient: (clientId) => world.clients.met(clientId, tab),
    onStopped: () => world.values.forgotten(tab),
    onDropped: (mutations) => world.census.dropped(mutations),
    onStored: (mutation) => world.census.stored(mutation),
    onAdopted: (client, mutations) => adopted(world, tab, client, mutations),
    shown: (position) => tab.shown.saw(name, position),
    hasSiblings: tab.group.browser !== null,
    tab: tab.name,
    nowMs: () => world.time.nowMs,
  });
}

/** Only what nobody speaks for any more is taken over, of a newer release nothing that is on the disk, and nothing that was forgotten. */
function adopted(world: AuditedWorld, by: Tab, { clientId, welcomed }: EngineClient, mutations: readonly Mutation[]): void {
  const { findings, host, history, registry, census } = world;
  const isRemembered = host.database?.prepare('SELECT 1 FROM alcove_clients WHERE client_id = ?').get([clientId]) !== undefined;
  if (welcomed === null && !isRemembered) history.unknowable(clientId);
  const owner = world.liveTabs().find((tab) => tab !== by && tab.room.clientId === clientId);
  findings.check(owner === undefined, 'I24', () => `${by.name} took over ${clientId}, by which ${owner?.name ?? ''} lives`);
  if (by.group.browser === null || by.group.browser.harmedAtMs > Number.NEGATIVE_INFINITY) return;
  findings.check(
    (world.clients.bornIn(clientId) ?? by.born) >= by.born || mutations.length === 0,
    'I26',
    () => `${by.name} took over ${clientId}, whose room was forgotten before the page was loaded`,
  );
  const newer = mutations.find(
    (mutation) => registry.get(clientId, mutation.mutationId)?.isNewer === true && census.wasStored(clientId, mutation.mutationId),
  );
  findings.check(
    newer === undefined || by.build.isNewer,
    'I28',
    () =>
      `${by.name}, of the older release, took over ${newer?.name ?? ''} ${newer?.mutationId ?? ''} of ${clientId}, which is of the newer one`,
  );
  if (by.build.isNewer) return;
  // What it heard of and nobody had stored it may take over, and stores as its own from here on.
  for (const { mutationId } of mutations) {
    const registered = registry.get(clientId, mutationId);
    if (registered !== undefined) registered.isNewer = false;
  }
}
