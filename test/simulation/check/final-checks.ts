import { difference, dump } from '../oracle/dump.ts';
import { Shadow } from '../oracle/shadow.ts';
import { ACCOUNTS, OPENING_BALANCE, playground } from '../room/playground.ts';
import type { World } from '../world/world.ts';

/** What must hold once everything is quiet: all replicas equal the oracle, every call has its fate, nobody who left is still shown. */
export function finalChecks(world: World): void {
  const { host, history, findings, census, values, calls } = world;
  const { database } = host;
  if (database === null) return findings.report('I7', 'the server is down at the end');
  const shadow = new Shadow(world.shadowSources());
  shadow.goTo(history.head);
  const right = shadow.dump();
  shadow.close();
  const differs = difference(dump(database, playground.model), right, 'in the room', 'in the oracle');
  findings.check(differs === null, 'I6', () => `at the end, the room: ${differs ?? ''}`);
  for (const tab of world.liveTabs()) world.inspect(tab);
  const held = Number(database.prepare('SELECT sum(balance) FROM accounts').get()?.[0]);
  findings.check(held === ACCOUNTS.length * OPENING_BALANCE, 'I4', () => `the accounts hold ${held} together`);
  const ledger = database.prepare('SELECT note, count(*) FROM ledger GROUP BY note HAVING count(*) > 1').all();
  findings.check(ledger.length === 0, 'I2', () => `written twice: ${JSON.stringify(ledger)}`);
  census.judge((name) => world.isLive(name));
  values.judge(right, history.tailsLost > 0);
  calls.judge();
  pages(world);
  presence(world);
  memory(world);
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

/** Each tab sees each other living one that says something of itself, once, as it last said it; and nobody else. */
function presence(world: World): void {
  const { findings } = world;
  const live = world.liveTabs();
  for (const tab of live) {
    const shown = tab.room.presence.others.getSnapshot().map(({ state }) => `${state.name} ${state.n}`);
    const right = live
      .filter((other) => other !== tab)
      .flatMap((other) => {
        const mine = other.room.presence.mine.getSnapshot();
        return mine === null ? [] : [`${mine.name} ${mine.n}`];
      });
    const text = (list: string[]): string => [...list].sort().join(', ');
    findings.check(
      text(shown) === text(right),
      'I16',
      () => `${tab.name} sees ${text(shown) || 'nobody'}; there are ${text(right) || 'none'}`,
    );
    const cursors = tab.room.cursors.others.getSnapshot();
    findings.check(cursors.length === 0, 'I16', () => `${tab.name} sees ${cursors.length} cursors long after anybody moved`);
  }
}

/** Rejections that were heard are forgotten; what is remembered is within its bounds. */
function memory(world: World): void {
  const { host, findings, plan } = world;
  const { database, room } = host;
  if (database === null || room === null) return;
  const live = new Set(world.liveTabs().map((tab) => tab.room.clientId));
  const left = database.prepare('SELECT client_id, count(*) FROM alcove_rejections GROUP BY client_id').all();
  for (const [clientId, count] of left) {
    findings.check(
      !live.has(String(clientId)),
      'I18',
      () => `${Number(count)} rejections of ${String(clientId)}, which is here, were never heard`,
    );
  }
  const { version, floor } = room.stats;
  const versionsMax = plan.roomLimits.changeLogVersionsMax;
  if (versionsMax !== undefined)
    findings.check(version - floor <= versionsMax, 'I17', () => `the log holds ${version - floor} versions, ${versionsMax} may be`);
  const clients = Number(database.prepare('SELECT count(*) FROM alcove_clients').get()?.[0]);
  const clientsMax = plan.roomLimits.clientsMax;
  // Whoever a tab speaks for is not forgotten: the name it came with, the one it goes by, and whose outbox it adopted.
  const spokenFor = world.liveTabs().reduce((sum, tab) => sum + 1 + (tab.audit?.clients.size ?? 0), 0);
  if (clientsMax !== undefined)
    findings.check(clients <= Math.max(clientsMax, spokenFor), 'I17', () => `${clients} clients are remembered, ${clientsMax} may be`);
}
