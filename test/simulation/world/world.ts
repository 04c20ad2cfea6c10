import type { Database } from '@alcove/core/sqlite/database';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import { Prng } from '../../fake/prng.ts';
import { VirtualTime, settlePromises } from '../../fake/virtual-time.ts';
import { FakeRuntime } from '../../fake/fake-runtime.ts';
import { SimBrowser } from '../browser/sim-browser.ts';
import type { Bug } from '../bug.ts';
import { clientLookUps } from '../check/client-look-ups.ts';
import { ReadAudit } from '../check/read-audit.ts';
import { SightWatch } from '../check/sight-watch.ts';
import { StreamAudit } from '../check/stream-audit.ts';
import { ValuesModel } from '../check/values-model.ts';
import { cutBy } from '../network/link.ts';
import { Network } from '../network/network.ts';
import { History } from '../oracle/history.ts';
import { Runs } from '../oracle/runs.ts';
import { Registry } from '../oracle/registry.ts';
import type { ShadowSources } from '../oracle/shadow.ts';
import { type FleetParts, ReadFleet } from '../reads/read-fleet.ts';
import { TabReads } from '../reads/tab-reads.ts';
import { TabWays } from '../relay/tab-ways.ts';
import { ImageDesk } from '../room/image-desk.ts';
import { innermost } from '../room/wrapped-database.ts';
import { RoomDisk } from '../room/room-disk.ts';
import type { LostTail } from '../room/room-disk.ts';
import { ROOM_ID } from '../room/addresses.ts';
import { RoomHost } from '../room/room-host.ts';
import type { HostedReads, Life } from '../room/server-life.ts';
import { ServerCalls } from '../room/server-calls.ts';
import { Census } from '../tab/census.ts';
import { auditTab } from '../tab/audit-tab.ts';
import { Tab } from '../tab/tab.ts';
import type { Group, Outbox } from '../tab/tab.ts';
import { DISK_TABLES } from '../../../packages/client/src/storage/disk.ts';
import { Workload } from '../workload.ts';
import { Builds, OLDER } from './builds.ts';
import type { Build } from './builds.ts';
import { Clients } from './clients.ts';
import { Findings } from './findings.ts';
import { hostOptions } from './host-options.ts';
import { mayBeVoid } from './may-be-void.ts';
import { Grants } from './grants.ts';
import { withoutPlatform } from './platform-guard.ts';
import { BUSY, SLOW } from './sim-process.ts';
import type { SimProcess } from './sim-process.ts';
import type { FleetPlan, RunPlan } from './swarm.ts';
import { Trace } from './trace.ts';

/** Databases of one kind for tabs and oracles. */
export interface Databases {
  /** Of a tab: sql.js, or better-sqlite3 where speed counts more. */
  openReplica(image: Uint8Array | null): Database;
  openShadow(): Database;
  /** A copy of a tab's database as a file. */
  exportImage(database: Database): Uint8Array;
}

/** 1 January 2027. */
const START_MS = Date.UTC(2027, 0, 1);

/** Opening a database in a tab takes up to so long. */
const OPEN_MAX_MS = 20;
/** Timers of no delay fire at the same moment; more than this many in a row spin. */
const STEPS_A_MOMENT_MAX = 2_000;

export interface WorldOptions {
  readonly plan: RunPlan;
  readonly databases: Databases;
  readonly bug: Bug | null;
  readonly echo: ((line: string) => void) | null;
  /** Inspects every tab after every event: slow, and finds the very event that went wrong. */
  readonly close: boolean;
}

/** Everything there is in one run: a server with its disk, a network, client groups with their tabs, the oracle, and the time they all share. */
export class World {
  readonly plan: RunPlan;
  readonly time = new VirtualTime();
  readonly trace: Trace;
  readonly findings: Findings;
  readonly random: Prng;
  readonly disk: RoomDisk;
  readonly images: ImageDesk;
  readonly host: RoomHost;
  readonly network: Network;
  readonly history: History;
  readonly registry = new Registry();
  readonly audit: StreamAudit;
  readonly census: Census;
  readonly values: ValuesModel;
  readonly workload: Workload;
  readonly calls: ServerCalls;
  readonly clients = new Clients();
  readonly builds: Builds;
  readonly grants: Grants;
  readonly sights: SightWatch;
  readonly reads: ReadAudit;
  readonly tabReads: TabReads;
  /** Null: there is the primary alone. */
  readonly fleet: ReadFleet | null;
  /** Of tabs to servers. */
  readonly ways: TabWays;
  readonly runs: Runs;
  readonly groups: Group[] = [];
  readonly tabs: Tab[] = [];
  /** Totals of inspections of engines that are gone. */
  inspected = { replicas: 0, queries: 0 };
  steps = 0;
  readonly #options: WorldOptions;
  readonly #slowness: Prng;
  #restartAtMs: number | null = null;
  #lastStepMs = 0;
  #sameMoment = 0;
  #tabCount = 0;

  constructor(options: WorldOptions) {
    const { plan, bug, echo } = options;
    this.#options = options;
    this.plan = plan;
    this.trace = new Trace(() => this.time.nowMs, 400, echo);
    this.findings = new Findings(this.trace);
    this.random = new Prng(`run/${plan.seed}`);
    this.#slowness = this.random.fork('slowness');
    this.sights = new SightWatch(this.findings);
    this.grants = new Grants(this.random.fork('grants'), () => this.wallMs(), plan.claims, plan.faults.has('tokenExpiry'));
    this.runs = new Runs(this.grants, this.findings);
    this.history = new History(this.findings, { runs: this.runs, learn: (version) => this.sights.learn(version) });
    this.disk = new RoomDisk(this.random.fork('disk'));
    this.builds = new Builds(this.random.fork('builds'), plan.storage && plan.faults.has('oldBuilds'), plan.rules);
    this.images = new ImageDesk(this.disk, this.time, this.random.fork('images'), () => this.host.build.room.model, this.sights);
    this.reads = new ReadAudit(() => this.shadowSources());
    const runtime = new FakeRuntime({ seed: 'audit' });
    this.audit = new StreamAudit({ ...this, runtime, ...clientLookUps(this.clients, () => this.host.database) });
    const hostParts = { ...this, seed: plan.seed, random: this.random.fork('host'), bug, wallMs: () => this.wallMs() };
    const opened = (life: Life): HostedReads | null => (plan.reads ? (this.fleet?.opened(life) ?? null) : null);
    this.host = new RoomHost(hostOptions(plan, this.random), { ...hostParts, opened });
    this.network = new Network(this.time, this.random.fork('network'), this.host);
    this.census = new Census(this.history, this.registry, this.findings, () => this.time.nowMs);
    this.tabReads = new TabReads({ ...this, random: this.random.fork('reads'), timeoutMs: plan.engineLimits.serverReadTimeoutMs ?? 0 });
    this.fleet = plan.fleet === null ? null : new ReadFleet({ ...hostParts, ...this.#fleetParts(plan.fleet), opened });
    this.ways = new TabWays(this.random.fork('ways'), plan.relay ? (this.fleet?.followers ?? []) : [], this);
    this.values = new ValuesModel(this.findings);
    this.workload = new Workload(this.random, this.values, plan.rules);
    this.calls = new ServerCalls(this, this.random.fork('calls'));
  }

  #fleetParts(plan: FleetPlan): Pick<FleetParts, 'plan' | 'random' | 'connect' | 'abandon' | 'cut' | 'openDatabase' | 'life' | 'tabs'> {
    const { openShadow: openDatabase } = this.#options.databases;
    const connect: FleetParts['connect'] = (process, handlers) => this.network.connect(process, handlers);
    const abandon: FleetParts['abandon'] = (process, hearsAfterMs) => this.network.abandonClient(process, hearsAfterMs);
    const { relay: isOn, roomLimits, hostLimits, images } = this.plan;
    const tabs = isOn ? { ...this, roomLimits, hostLimits, hasImages: images, clients: this.clients } : null;
    const cut: FleetParts['cut'] = (process, random) => this.network.cutClient(process, cutBy(random));
    return { plan, random: this.random.fork('fleet'), connect, abandon, cut, openDatabase, life: () => this.host.life, tabs };
  }

  wallMs(): number {
    return START_MS + this.time.nowMs;
  }

  liveTabs(): Tab[] {
    return this.tabs.filter((tab) => tab.live);
  }

  isLive(name: string): boolean {
    return this.tabs.some((tab) => tab.name === name && tab.live);
  }

  shadowSources(): ShadowSources {
    const { history, registry, findings } = this;
    return {
      room: this.builds.newest.room,
      mayBeVoid: (clientId, mutationId) => mayBeVoid(this, clientId, mutationId),
      history,
      registry,
      findings,
      openDatabase: () => this.#options.databases.openShadow(),
    };
  }

  /** Moves the time on, event by event, until then or until something was found or `done` says so. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    while (!this.findings.any && !done()) {
      if (!withoutPlatform(() => this.time.step(untilMs))) break;
      this.steps += 1;
      await settlePromises();
      this.#afterStep();
    }
    if (!this.findings.any && !done() && this.time.nowMs < untilMs) this.time.advance(untilMs - this.time.nowMs);
  }

  #afterStep(): void {
    if (this.#options.close) for (const tab of this.liveTabs()) this.inspect(tab);
    this.#sameMoment = this.time.nowMs === this.#lastStepMs ? this.#sameMoment + 1 : 0;
    this.#lastStepMs = this.time.nowMs;
    this.findings.check(
      this.#sameMoment < STEPS_A_MOMENT_MAX,
      'I17',
      () => `${STEPS_A_MOMENT_MAX} events without time passing: somebody asks to be called at once, again and again`,
    );
    if (this.host.diedSending) this.crashServer('kept', this.random.int(0, 1_000));
    if (this.host.process === null && this.#restartAtMs === null) this.restartAfter(this.random.int(0, 500));
  }

  crashServer(tail: LostTail, downMs: number): void {
    if (this.host.process === null) return;
    const hears = (): number | null => this.random.pick([0, this.random.int(1, 200), this.random.int(200, 4_000), null]);
    this.host.crash(tail, { clientsHearAfterMs: hears, keepDown: () => this.random.chance(0.5) });
    this.restartAfter(downMs);
  }

  /** A deploy: the server ends in good order, and another comes up; after some seconds it is ended the hard way. */
  drainServer(downMs: number): void {
    const { host } = this;
    const { process } = host;
    if (process === null) return;
    host.drain();
    const giveUpMs = this.time.nowMs + 5_000;
    const look = (): void => {
      if (host.process !== process) return;
      if (host.endDrained()) return this.restartAfter(downMs);
      if (this.time.nowMs >= giveUpMs) return this.crashServer('kept', downMs);
      this.time.setTimer(20, look);
    };
    this.time.setTimer(1, look);
  }

  /** From its next start on the server runs the newer release. */
  updateServer(): void {
    if (!this.builds.update()) return;
    this.trace.add('world', 'the server gets the newer release');
    this.drainServer(this.random.int(0, 500));
  }

  startServer(): void {
    this.#restartAtMs = null;
    withoutPlatform(() => this.host.start());
    this.calls.serverStarted();
  }

  /** The server comes up again. */
  restartAfter(ms: number): void {
    this.#restartAtMs = this.time.nowMs + ms;
    this.time.setTimer(ms, () => {
      if (this.host.process === null) this.startServer();
    });
  }

  /** The disk takes only a few pages more, for a while. */
  fillDisk(ms: number): void {
    if (this.host.process === null) return;
    this.disk.limitPages(this.disk.pageCount() + this.random.int(0, 2));
    this.time.setTimer(ms, () => this.disk.limitPages(null));
  }

  addGroup(number: number): void {
    const [groupId, user] = [`group${number}`, `user${number}`];
    const place = { server: 'ws://simulation/sync', user, roomName: OLDER.room.name, roomId: ROOM_ID };
    const { databases } = this.#options;
    const exportImage = (database: Database): Uint8Array => databases.exportImage(innermost(database));
    const parts = { ...this, random: this.random.fork(groupId), place, exportImage };
    this.groups.push({ groupId, user, orphans: [], browser: this.plan.storage ? new SimBrowser(parts) : null });
  }

  addTab(group: Group, adopted: Outbox | null, build: Build = this.builds.ofPage()): Tab {
    this.#tabCount += 1;
    const name = `tab${this.#tabCount}`;
    const tab = new Tab(name, group, this.#tabParts(name, build), adopted);
    this.tabs.push(tab);
    this.trace.add(
      name,
      `opens, of ${group.groupId}${build.isNewer ? ', of the newer release' : ''}${adopted === null ? '' : `, adopts ${adopted.mutations.length} mutations`}`,
    );
    tab.start();
    return tab;
  }

  killTab(tab: Tab): void {
    this.trace.add(tab.name, 'dies');
    this.#gone(tab);
    tab.die();
    this.#follow(tab);
  }

  closeTab(tab: Tab): void {
    this.trace.add(tab.name, 'is closed');
    this.#gone(tab);
    tab.close();
    this.#follow(tab);
  }

  /** Its user is signed out, in this tab or in another one: the page is loaded again. */
  #roomClosed(tab: Tab): void {
    this.trace.add(tab.name, 'its room was forgotten');
    this.#gone(tab);
    this.#follow(tab);
  }

  killWorker(tab: Tab): void {
    this.trace.add(tab.name, 'its worker dies');
    this.#gone(tab);
    tab.killWorker();
  }

  /** The machine of a group dies with all tabs; they come back, to a disk that may lack what was written last, or is damaged. */
  crashMachine(group: Group, random: Prng): void {
    const { browser } = group;
    if (browser === null) return;
    for (const tab of this.liveTabs()) if (tab.group === group) this.killTab(tab);
    browser.crash(random.float());
    if (this.plan.faults.has('storageDamage') && random.chance(0.5)) browser.damage(random.pick(DISK_TABLES));
  }

  pauseTab(tab: Tab, ms: number): void {
    this.trace.add(tab.name, `sleeps ${ms} ms`);
    tab.page.pause(ms);
    tab.host.running?.worker.pause(ms);
  }

  /** Looks at one tab between two events. */
  inspect(tab: Tab): void {
    const running = tab.host.running;
    if (running === null || !running.worker.alive) return;
    running.audit.inspect();
    this.values.observe(tab);
  }

  dispose(): void {
    for (const tab of this.tabs) {
      this.#gone(tab);
      tab.page.kill();
      tab.host.running?.die(false);
    }
    this.host.process?.kill();
    this.fleet?.dispose();
    this.disk.dispose();
  }

  /** What an engine that goes was inspected counts. */
  #gone(tab: Tab): void {
    const { audit } = tab;
    if (audit === null) return;
    this.inspected = { replicas: this.inspected.replicas + audit.inspected, queries: this.inspected.queries + audit.queries.compared };
  }

  /** Somebody else of the group comes, and takes over what was left. */
  #follow(tab: Tab): void {
    this.time.setTimer(this.random.int(0, 3_000), () => {
      if (this.findings.any) return;
      this.addTab(tab.group, this.takeOrphan(tab.group));
    });
  }

  takeOrphan(group: Group): Outbox | null {
    return group.orphans.shift() ?? null;
  }

  #tabParts(name: string, build: Build): ConstructorParameters<typeof Tab>[2] {
    const { plan, ways } = this;
    return {
      ...this,
      seed: plan.seed,
      random: this.random.fork(name),
      limits: plan.engineLimits,
      takesImages: plan.tabsTakeImages,
      build,
      busy: plan.faults.has('slowTab') && this.random.fork(`${name}/pace`).chance(0.5) ? SLOW : BUSY,
      bug: this.#options.bug,
      wallMs: () => this.wallMs(),
      token: (user) => this.grants.token(user),
      viewIn: (frame) => ways.viewIn(frame),
      onRoomClosed: (tab) => this.#roomClosed(tab),
      openDatabase: (image) => this.#replica(image),
      connect: (worker, handlers) => this.#connect(worker, handlers),
      fetchImage: (worker, path) => ways.fetchImage(worker, path),
      newAudit: (worker, tab) => auditTab(this, worker, tab),
      throughEngine: this.tabReads.throughEngine,
    };
  }

  /** Opening one takes time. */
  #replica(image: Uint8Array | null): Database {
    const { databases, bug } = this.#options;
    this.time.spend(this.#slowness.int(0, OPEN_MAX_MS));
    const database = databases.openReplica(image);
    return bug?.tabDatabase?.(database, this.random) ?? database;
  }

  #connect(worker: SimProcess, handlers: SocketHandlers): Socket {
    const socket = this.ways.connect(worker, handlers);
    return this.#options.bug?.socket?.(socket, { worker: worker.name, random: this.random, runtime: worker.runtime }) ?? socket;
  }
}
