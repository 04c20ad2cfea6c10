import type { Bug } from './bug.ts';
import { finalChecks } from './check/final-checks.ts';
import { RoomWatch } from './check/room-watch.ts';
import { isQuiet, whatIsNotQuiet } from './check/quiet.ts';
import { textOfLine } from './check/kept-rows.ts';
import { remains } from './check/remains.ts';
import { FaultInjector } from './world/fault-injector.ts';
import type { Finding } from './world/findings.ts';
import type { RunPlan } from './world/swarm.ts';
import { World } from './world/world.ts';
import type { Databases } from './world/world.ts';

export interface RunOptions {
  readonly plan: RunPlan;
  readonly databases: Databases;
  readonly bug?: Bug | null;
  /** Gets every line of the trace. */
  readonly echo?: ((line: string) => void) | null;
  /** Inspects every tab after every event. */
  readonly close?: boolean;
}

export interface RunReport {
  readonly plan: RunPlan;
  readonly findings: readonly Finding[];
  /** Equal for two runs of one seed. */
  readonly traceHash: string;
  readonly lines: readonly string[];
  readonly simulatedMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** From the end of all faults to quiet, at most: nobody may be stuck. */
export const LIVENESS_MS = 60_000;
/** With storage: what tabs did not hear of each other they find on the disk, which they look at once a minute. */
const STORAGE_LIVENESS_MS = 150_000;
/** After quiet: long enough for every session of somebody gone to be noticed and its presence to expire. */
const AFTERMATH_MIN_MS = 5_000;
const AFTERMATH_MAX_MS = 40_000;
/** More than any read may take. */
const FINAL_READS_MS = 30_000;
/** With storage: two looks at the disk. */
const STORAGE_AFTERMATH_MAX_MS = 130_000;

/** One run of one seed: faults and work, then neither, then quiet, then the checks. */
export async function runSeed({ plan, databases, bug = null, echo = null, close = false }: RunOptions): Promise<RunReport> {
  const world = new World({ plan, databases, bug, echo, close });
  const injector = new FaultInjector(world, world.random.fork('faults'));
  const unhandled = (error: unknown): void =>
    world.findings.report('crash', `unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on('unhandledRejection', unhandled);
  const takeOut = bug?.put?.();
  try {
    await phases(world, injector);
  } finally {
    takeOut?.();
    process.off('unhandledRejection', unhandled);
    world.dispose();
  }
  return reportOf(world, injector);
}

async function phases(world: World, injector: FaultInjector): Promise<void> {
  const { plan, time, findings } = world;
  const watch = new RoomWatch(world);
  world.startServer();
  for (let group = 1; group <= plan.groups; group += 1) world.addGroup(group);
  for (const group of world.groups) for (let count = 0; count < plan.tabsPerGroup; count += 1) world.addTab(group, null);
  world.fleet?.start();
  injector.start();
  const work = new Working(world);
  work.start();
  watch.start();
  await world.run(plan.activeMs);
  injector.stop();
  work.stop();
  heal(world);
  const healedMs = time.nowMs;
  const livenessMs = plan.storage ? STORAGE_LIVENESS_MS : LIVENESS_MS;
  let pending = Number.POSITIVE_INFINITY;
  // Where much is pending and little may be pushed at a time it takes as long as it takes, for as long as it gets less.
  while (!findings.any && !isQuiet(world) && pendingIn(world) < pending) {
    pending = pendingIn(world);
    await world.run(time.nowMs + livenessMs, () => isQuiet(world));
  }
  if (!findings.any && !isQuiet(world))
    findings.report('I7', `not quiet ${time.nowMs - healedMs} ms after the last fault: ${whatIsNotQuiet(world)}`);
  if (!findings.any) await world.run(time.nowMs + AFTERMATH_MIN_MS);
  if (!findings.any)
    await world.run(
      time.nowMs + (plan.storage ? STORAGE_AFTERMATH_MAX_MS : AFTERMATH_MAX_MS),
      () => isQuiet(world) && remains(world).next().done === true,
    );
  if (!findings.any) await readFinally(world);
  if (!findings.any) finalChecks(world);
  watch.close();
}

/** Mutations that wait in tabs. */
const pendingIn = (world: World): number => world.liveTabs().reduce((sum, { audit }) => sum + (audit?.pending.length ?? 0), 0);

/** When everything is well each tab's reads are answered, and everything that was read so far is judged. */
async function readFinally(world: World): Promise<void> {
  if (!world.plan.reads) return;
  for (const tab of world.liveTabs()) world.tabReads.askFinally(tab);
  await world.run(world.time.nowMs + FINAL_READS_MS, () => world.tabReads.open === 0);
}

/** Everybody awake, the server up, and every outbox that was left behind in somebody's hands. */
function heal(world: World): void {
  world.trace.add('world', 'heals');
  world.host.nextCommitFate = 'fine';
  world.disk.limitPages(null);
  world.fleet?.heal();
  for (const tab of world.liveTabs()) {
    tab.page.wake();
    tab.host.running?.worker.wake();
  }
  for (const { browser } of world.groups) browser?.heal();
  world.grants.heal();
  for (const tab of world.liveTabs()) tab.page.enter(() => tab.room.hint('authChanged'));
  for (const group of world.groups) while (group.orphans.length > 0) world.addTab(group, world.takeOrphan(group));
  if (world.builds.areTwo) release(world);
}

/** Everybody gets the newer release sooner or later; some do not load their page again, and need not. */
function release(world: World): void {
  const { builds, random } = world;
  builds.isOut = true;
  world.updateServer();
  for (const tab of world.liveTabs()) if (!tab.build.isNewer && random.chance(0.5)) world.closeTab(tab);
  for (const group of world.groups) world.addTab(group, null);
}

/** Keeps every tab at work, and the checks that look in now and then. */
class Working {
  readonly #world: World;
  /** Of whoever looks through what was rejected. */
  readonly #eyes: World['random'];
  #stopped = false;

  constructor(world: World) {
    this.#world = world;
    this.#eyes = world.random.fork('eyes');
  }

  start(): void {
    const { plan, random } = this.#world;
    this.#every(
      random.fork('act'),
      () => plan.actionEveryMs / Math.max(1, this.#world.liveTabs().length),
      () => this.#act(),
    );
    this.#inspectAll();
    if (plan.faults.has('tokenExpiry')) this.#signIn(random.fork('signIn'));
    if (plan.faults.has('dismissals'))
      this.#every(
        random.fork('dismiss'),
        () => 700,
        () => this.#dismiss(),
      );
    if (plan.reads) this.#read(random.fork('read'));
    const countsOnMemory = plan.tight.has('retention') || plan.tight.has('clients') || plan.faults.has('wallJump');
    if (!countsOnMemory)
      this.#every(
        random.fork('jobs'),
        () => 1_500,
        () => this.#world.calls.call(),
      );
  }

  stop(): void {
    this.#stopped = true;
  }

  #every(random: World['random'], meanMs: () => number, act: () => void): void {
    this.#world.time.setTimer(-Math.log(1 - random.float()) * meanMs(), () => {
      if (this.#stopped || this.#world.findings.any) return;
      act();
      this.#every(random, meanMs, act);
    });
  }

  #act(): void {
    const { random, workload, census, time } = this.#world;
    const tabs = this.#world.liveTabs().filter((tab) => !tab.page.paused);
    if (tabs.length === 0) return;
    const tab = random.pick(tabs);
    // Now and then a burst: a user who drags something.
    for (let count = random.chance(0.1) ? random.int(2, 8) : 1; count > 0; count -= 1) {
      tab.page.enter(() => {
        const handle = workload.act(tab);
        if (handle !== null) census.add(tab, handle, time.nowMs);
      });
    }
  }

  /** Tabs ask the server, and so does its own code. */
  #read(random: World['random']): void {
    const { plan, tabReads, fleet } = this.#world;
    const read = (): void => {
      const tabs = this.#world.liveTabs().filter((tab) => !tab.page.paused);
      if (tabs.length === 0) return;
      const tab = random.pick(tabs);
      for (let count = random.chance(0.1) ? random.int(2, 8) : 1; count > 0; count -= 1) tabReads.ask(tab);
    };
    this.#every(random.fork('tabs'), () => (plan.actionEveryMs * 1.5) / Math.max(1, this.#world.liveTabs().length), read);
    const own = random.fork('own');
    this.#every(
      own,
      () => 900,
      () => fleet?.readOwn(own),
    );
  }

  /** Somebody looks through what was rejected. */
  #dismiss(): void {
    const { census, time } = this.#world;
    const tabs = this.#world.liveTabs().filter((tab) => !tab.page.paused && tab.room.rejected.getSnapshot().length > 0);
    if (tabs.length === 0) return;
    const tab = this.#eyes.pick(tabs);
    for (let count = this.#eyes.int(1, 3); count > 0; count -= 1)
      tab.page.enter(() => {
        const lines = tab.room.rejected.getSnapshot();
        if (lines.length === 0) return;
        const line = this.#eyes.pick(lines);
        const { key, name, status } = line;
        this.#world.trace.add(tab.name, `dismisses ${name}`);
        // What may have taken effect nobody calls again without looking.
        if (status === 'unknown' || status === 'lost' || this.#eyes.chance(0.7)) return tab.room.dismiss(key);
        tab.retried.add(textOfLine(line));
        const handle = tab.room.retry(key);
        if (handle !== null) census.add(tab, handle, time.nowMs);
      });
  }

  /** Users who are asked to sign in do so after a while. Goes on after the work has stopped. */
  #signIn(random: World['random']): void {
    this.#world.time.setTimer(random.int(200, 1_500), () => {
      for (const tab of this.#world.liveTabs())
        if (tab.room.status.getSnapshot().connection === 'needs_auth') tab.page.enter(() => tab.room.hint('authChanged'));
      this.#signIn(random);
    });
  }

  /** Goes on after the work has stopped. */
  #inspectAll(): void {
    const { time, random } = this.#world;
    time.setTimer(random.int(100, 600), () => {
      this.#world.tabReads.look();
      for (const tab of this.#world.liveTabs()) if (random.chance(0.6)) this.#world.inspect(tab);
      this.#inspectAll();
    });
  }
}

function reportOf(world: World, injector: FaultInjector): RunReport {
  const counts: Record<string, number> = {
    steps: world.steps,
    versions: world.history.head,
    calls: world.census.calls,
    serverStarts: world.host.starts,
    connections: world.network.opened,
    tailsLost: world.history.tailsLost,
    pagesThatSawOne: world.liveTabs().filter(({ shown }) => shown.lost !== null).length,
    replicasCompared: world.inspected.replicas,
    queriesCompared: world.inspected.queries,
  };
  if (world.fleet !== null) {
    const { fleet } = world;
    counts['readsJudged'] = world.reads.judged;
    counts['ownReads'] = fleet.ownReads;
    counts['copies'] = fleet.copies;
    counts['batches'] = fleet.batches;
    for (const [follower, count] of world.ways.counts) counts[`connections to ${follower}`] = count;
    for (const follower of fleet.followers)
      for (const [type, count] of follower.tabs?.audit.counts ?? [])
        counts[`told by followers ${type}`] = (counts[`told by followers ${type}`] ?? 0) + count;
    for (const [what, count] of world.tabReads.counts) counts[`reads ${what}`] = count;
  }
  for (const [status, count] of Object.entries(world.census.countBy())) counts[`mutations ${status}`] = count;
  for (const [type, count] of world.audit.counts) counts[`message ${type}`] = count;
  for (const [fault, count] of injector.counts) counts[`fault ${fault}`] = count;
  return {
    plan: world.plan,
    findings: world.findings.list,
    traceHash: world.trace.digest(),
    lines: world.trace.lines(),
    simulatedMs: world.time.nowMs,
    counts,
  };
}
