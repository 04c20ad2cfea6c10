import { listsApart } from './kept-rows.ts';
import type { World } from '../world/world.ts';

interface Remainder {
  readonly invariant: string;
  readonly message: string;
}

/** What goes away by itself some time after everything is quiet: who left and is still shown, what was heard and is still kept, what is above its bound. */
export function* remains(world: World): Generator<Remainder> {
  yield* shownStill(world);
  yield* keptStill(world);
  yield* onDisksStill(world);
  for (const message of listsApart(world)) yield { invariant: 'I27', message };
  yield* heldStill(world);
}

/** Each tab sees each other living one that says something of itself, once, as it last said it; and nobody else. */
function* shownStill(world: World): Generator<Remainder> {
  const live = world.liveTabs();
  const text = (list: string[]): string => [...list].sort().join(', ');
  for (const tab of live) {
    const shown = text(tab.room.presence.others.getSnapshot().map(({ state }) => `${state.name} ${state.n}`));
    const others = live.filter((other) => other !== tab).map((other) => other.room.presence.mine.getSnapshot());
    const right = text(others.flatMap((mine) => (mine === null ? [] : [`${mine.name} ${mine.n}`])));
    if (shown !== right) yield { invariant: 'I16', message: `${tab.name} sees ${shown || 'nobody'}; there are ${right || 'none'}` };
    const cursors = tab.room.cursors.others.getSnapshot().length;
    if (cursors > 0) yield { invariant: 'I16', message: `${tab.name} sees ${cursors} cursors long after anybody moved` };
  }
}

/** Of clients of pages that are gone nothing is kept after the next look at the disk, but what its owner damaged. */
function* onDisksStill(world: World): Generator<Remainder> {
  for (const { groupId, browser } of world.groups) {
    if (browser === null || browser.harmedAtMs > Number.NEGATIVE_INFINITY) continue;
    const live = world.liveTabs().filter(({ group }) => group.browser === browser).length;
    const clients = browser.count('clients');
    if (clients > live) yield { invariant: 'I17', message: `the disk of ${groupId} knows ${clients} clients, and ${live} tabs live` };
  }
}

/** What the newer release left is in the room: pages of the older one count nothing any more that waits for them to be updated. */
function* heldStill(world: World): Generator<Remainder> {
  for (const tab of world.liveTabs()) {
    const { waitsForUpdateCount } = tab.room.status.getSnapshot();
    const isHarmed = (tab.group.browser?.harmedAtMs ?? 0) > Number.NEGATIVE_INFINITY;
    if (waitsForUpdateCount > 0 && !isHarmed)
      yield { invariant: 'I28', message: `${tab.name} says that ${waitsForUpdateCount} mutations wait for its update` };
  }
}

function* keptStill(world: World): Generator<Remainder> {
  const { host, plan } = world;
  const { database, room } = host;
  if (database === null || room === null) return;
  const tabs = world.liveTabs();
  const live = new Set(tabs.map((tab) => tab.room.clientId));
  for (const [clientId, count] of database.prepare('SELECT client_id, count(*) FROM alcove_rejections GROUP BY client_id').all()) {
    const message = `${Number(count)} rejections of ${String(clientId)}, which is here, were never heard`;
    if (live.has(String(clientId))) yield { invariant: 'I18', message };
  }
  const { changeLogVersionsMax = Number.POSITIVE_INFINITY, clientsMax = Number.POSITIVE_INFINITY } = plan.roomLimits;
  const versions = room.stats.version - room.stats.floor;
  if (versions > changeLogVersionsMax)
    yield { invariant: 'I17', message: `the log holds ${versions} versions, ${changeLogVersionsMax} may be` };
  const clients = Number(database.prepare('SELECT count(*) FROM alcove_clients').get()?.[0]);
  // Whoever a tab speaks for is not forgotten: the name it came with, the one it goes by, and whose outbox it adopted.
  const spokenFor = tabs.reduce((sum, tab) => sum + 1 + (tab.audit?.clients.size ?? 0), 0);
  if (clients > Math.max(clientsMax, spokenFor))
    yield { invariant: 'I17', message: `${clients} clients are remembered, ${clientsMax} may be` };
}
