import type { SimBrowser } from '../browser/sim-browser.ts';
import type { Tab } from '../tab/tab.ts';
import { VALUES } from '../tab/tab.ts';
import type { World } from '../world/world.ts';
import { SEES_ALL } from '../room/rule-sets.ts';
import { textOf } from './sight-watch.ts';

/** Whether everything that was begun has ended: every tab stands at the room's head with nothing pending, and the room has nothing under way. */
export const isQuiet = (world: World): boolean => unrest(world).next().done === true;

export const whatIsNotQuiet = (world: World): string => [...unrest(world)].slice(0, 6).join('; ');

function* unrest(world: World): Generator<string> {
  const { host, history, census, calls } = world;
  const { room } = host;
  if (room === null) yield 'the server is down';
  else {
    const { durable, version, behind, hydrating, queuedMutations, waitingAtGate, unwrittenValues } = room.stats;
    if (durable < version) yield `the room has version ${version} and durable ${durable}`;
    for (const [what, count] of Object.entries({ behind, hydrating, queuedMutations, waitingAtGate, unwrittenValues })) {
      if (count > 0) yield `the room has ${count} ${what}`;
    }
  }
  for (const tab of world.liveTabs()) {
    yield* unrestOf(tab, history.head);
    yield* blindness(tab, world);
  }
  for (const { groupId, browser } of world.groups) if (browser !== null) yield* unrestIn(groupId, browser);
  if (world.fleet !== null) yield* world.fleet.unrest({ historyId: history.id, version: history.head });
  if (world.tabReads.open > 0) yield `${world.tabReads.open} reads wait for their answers`;
  const open = census.open((name) => world.isLive(name));
  if (open > 0) yield `${open} calls of living tabs wait for their fate`;
  if (calls.open > 0) yield `${calls.open} calls of the server's own code wait`;
}

function* unrestOf(tab: Tab, head: number): Generator<string> {
  const status = tab.room.status.getSnapshot();
  const { connection, replica, version, pendingCount, error } = status;
  if (connection !== 'connected') yield `${tab.name} is ${connection} (${error?.code ?? 'no error'}: ${error?.message ?? ''})`;
  if (replica !== 'current') yield `${tab.name} has a ${replica} replica (${JSON.stringify(status.snapshotProgress)})`;
  if (version !== head) yield `${tab.name} is at version ${version}, the room at ${head}`;
  if (pendingCount > 0) yield `${tab.name} has ${pendingCount} mutations pending`;
  const left = tab.audit?.pending.length ?? 0;
  if (left > 0) yield `${tab.name}'s engine has ${left} mutations pending`;
  const siblings = tab.audit?.siblings.length ?? 0;
  if (siblings > 0) yield `${tab.name} shows ${siblings} mutations of its siblings`;
  const { storage, storageError } = status;
  if (tab.group.browser !== null && storage !== 'saved') yield `${tab.name}'s storage is ${storage} (${storageError?.message ?? ''})`;
  for (const [name, key] of VALUES) if (tab.room.value(name, key).getSnapshot().pending) yield `${tab.name} has ${name} ${key} unwritten`;
}

/** It sees by what its user is now, and by the room's rules of today. */
function* blindness(tab: Tab, { grants, host }: World): Generator<string> {
  const user = tab.audit?.user ?? null;
  const grant = grants.of(tab.group.user);
  if (!grants.isToday(tab.group.user, user)) yield `${tab.name} goes by ${JSON.stringify(user)}, its user is ${JSON.stringify(grant)}`;
  const [sees, may] = [tab.audit?.sight ?? SEES_ALL, host.build.ruleSet.sightOf({ sub: tab.group.user, ...grant })];
  if (textOf(sees) !== textOf(may)) yield `${tab.name} sees ${textOf(sees)}, and may see ${textOf(may)}`;
}

/** What waits on a browser's disk for a tab to take it over. */
function* unrestIn(groupId: string, browser: SimBrowser): Generator<string> {
  // Rows that were damaged stay where they are.
  const left = browser.harmedAtMs === Number.NEGATIVE_INFINITY ? browser.count('mutations') : 0;
  if (left > 0) yield `the disk of ${groupId} has ${left} mutations pending`;
}
