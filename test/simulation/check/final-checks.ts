import type { Row } from '@alcove/core/sqlite/database';
import { difference, dump } from '../oracle/dump.ts';
import { Shadow } from '../oracle/shadow.ts';
import { ACCOUNTS, OPENING_BALANCE, playground, SECRET } from '../room/playground.ts';
import type { World } from '../world/world.ts';
import { lookAtDisks } from './kept-rows.ts';
import { lostTailsAreTold } from './lost-tails.ts';
import { remains } from './remains.ts';

/** What must hold once everything is quiet: all replicas equal the oracle, every call has its fate, nobody who left is still shown. */
export function finalChecks(world: World): void {
  const { host, history, registry, findings, census, values, calls } = world;
  const { database } = host;
  if (database === null) return findings.report('I7', 'the server is down at the end');
  const shadow = new Shadow(world.shadowSources());
  shadow.goTo(history.head);
  const { model } = host.build.room;
  const right = shadow.dump(model);
  shadow.close();
  const differs = difference(dump(database, model), right, 'in the room', 'in the oracle');
  for (const { id, open } of world.fleet?.followers ?? []) {
    const strange = open === null ? 'it has no file' : difference(dump(open.database, model), right, `in ${id}`, 'in the oracle');
    findings.check(strange === null, 'I6', () => `at the end, ${id}: ${strange ?? ''}`);
  }
  world.reads.judge();
  world.tabReads.judge();
  findings.check(differs === null, 'I6', () => `at the end, the room: ${differs ?? ''}`);
  for (const tab of world.liveTabs()) world.inspect(tab);
  const held = Number(database.prepare('SELECT sum(balance) FROM accounts').get()?.[0]);
  findings.check(held === ACCOUNTS.length * OPENING_BALANCE, 'I4', () => `the accounts hold ${held} together`);
  const isUnknowable = ([note]: Row): boolean =>
    registry.namesOfElement(String(note).slice(SECRET.length + 1)).some(({ clientId }) => history.isUnknowable(clientId));
  const twice = database.prepare('SELECT note, count(*) FROM ledger GROUP BY note HAVING count(*) > 1').all();
  const ledger = twice.filter((row) => !isUnknowable(row));
  findings.check(ledger.length === 0, 'I2', () => `written twice: ${JSON.stringify(ledger)}`);
  census.judge((name) => world.isLive(name));
  values.judge(right, history.tailsLost > 0);
  calls.judge();
  pages(world);
  rejectionsAreKept(world);
  lookAtDisks(world);
  nothingIsMissed(world);
  released(world);
  lostTailsAreTold(world);
  for (const { invariant, message } of remains(world)) findings.report(invariant, message);
}

/** What the apps themselves hold: every live query of a page is what SQL says. */
function pages(world: World): void {
  const { host, findings } = world;
  const total = ACCOUNTS.length * OPENING_BALANCE;
  for (const tab of world.liveTabs()) {
    const query = tab.room.query((db) => db.select().from(playground.schema.accounts).orderBy(playground.schema.accounts.id));
    const { data, status } = query.getSnapshot();
    findings.check(status === 'current', 'query', () => `${tab.name}: a live query is ${status} at the end`);
    const shown = (data ?? []).map(({ id, balance }) => `${id}=${balance}`).join(' ');
    const right = (host.database?.prepare('SELECT id, balance FROM accounts ORDER BY id').all() ?? [])
      .map(([id, balance]) => `${String(id)}=${Number(balance)}`)
      .join(' ');
    findings.check(shown === right, 'query', () => `${tab.name} shows accounts ${shown}, the room has ${right} (${total} in all)`);
  }
}

/** What the room rejected stands on the disk until somebody dismisses it or has the room forgotten. */
function rejectionsAreKept(world: World): void {
  const { groups, history, findings } = world;
  for (const { groupId, browser } of groups) {
    if (browser === null || browser.harmedAtMs > Number.NEGATIVE_INFINITY) continue;
    const kept = new Set(browser.texts('rejections').map((text) => (JSON.parse(text) as { key: string }).key)); // a StoredRejection
    for (let version = 1; version <= history.head; version += 1)
      for (const { clientId, mutationId, rejected } of history.at(version).acks) {
        if (rejected === null || world.clients.groupOf(clientId) !== groupId) continue;
        if (
          (world.clients.bornIn(clientId) ?? 0) < browser.forgets.removals.length ||
          browser.dismissals.told.has(`${clientId} ${mutationId}`)
        )
          continue;
        findings.check(
          kept.has(`${clientId} ${mutationId}`) || !world.census.wasStored(clientId, mutationId),
          'I25',
          () => `mutation ${mutationId} of ${clientId} was rejected (${rejected.code}), and the disk of ${groupId} does not say so`,
        );
      }
  }
}

/**
 * No page is told that its browser lost what was pending, where nothing took it. A disk that fails may take a mutation and not the one before, and its tab may die then; of what a tab died with unsaved
 * another may have heard a later one and not the one before, and keeps what it took over.
 */
function nothingIsMissed(world: World): void {
  const mayHaveGaps = (['storageError', 'storageFull', 'channelTrouble'] as const).some((fault) => world.plan.faults.has(fault));
  for (const tab of world.liveTabs()) {
    const { lostOutbox } = tab.room.status.getSnapshot();
    const isHarmed = (tab.group.browser?.harmedAtMs ?? 0) > Number.NEGATIVE_INFINITY;
    const isExpected = isHarmed || (mayHaveGaps && lostOutbox?.why === 'damaged');
    world.findings.check(
      lostOutbox === null || isExpected,
      'I29',
      () => `${tab.name} is told that its outbox was ${lostOutbox?.why ?? ''}`,
    );
  }
}

/** Locks, channels and the disk are held by nobody who is gone. */
function released(world: World): void {
  const { findings } = world;
  for (const { groupId, browser } of world.groups) {
    if (browser === null) continue;
    for (const { name, owner } of browser.locks.held()) findings.check(owner.alive, 'I17', () => `${owner.name} is gone and has ${name}`);
    const closing = world.tabs.filter(({ group, host }) => group.browser === browser && host.running !== null).length;
    findings.check(browser.channels <= closing, 'I17', () => `${browser.channels} channels of ${groupId} are open, for ${closing} engines`);
    findings.check(
      browser.openDisks <= closing,
      'I17',
      () => `the disk of ${groupId} is open ${browser.openDisks} times, for ${closing} engines`,
    );
  }
}
