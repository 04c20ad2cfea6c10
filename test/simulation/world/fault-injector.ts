import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { Prng } from '../../fake/prng.ts';
import { cutBy, type Link } from '../network/link.ts';
import type { LostTail } from '../room/room-disk.ts';
import type { Tab } from '../tab/tab.ts';
import { type FaultClass, FOLLOWER_FAULTS, type FollowerFault, REPLICA_FAULTS, type ReplicaFault } from './swarm.ts';
import { backUpOrLoseTail, copyOrPutFolderBack } from './restores.ts';
import type { World } from './world.ts';

const TAILS: readonly LostTail[] = ['lost', 'kept', 'torn'];
/** How long the server stays down. */
const DOWN_MAX_MS = 2_500;
/** Beyond the time the room remembers a silent client, where that is short. */
const LONG_SLEEP_MS = { min: 9_000, max: 15_000 };

/** Inflicts what the plan has turned on, at moments drawn from the seed, until `stop`. */
export class FaultInjector {
  readonly #world: World;
  readonly #random: Prng;
  #stopped = false;
  /** How often each class struck. */
  readonly counts = new Map<FaultClass, number>();

  constructor(world: World, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    for (const fault of this.#world.plan.faults) this.#again(fault, this.#random.fork(fault));
    this.#makeWeather();
  }

  /** No new faults. */
  stop(): void {
    this.#stopped = true;
    this.#world.network.heal();
    this.#world.images.trouble = { fail: 0, hang: 0, damage: 0 };
  }

  #makeWeather(): void {
    const { plan, network, images } = this.#world;
    const on = (fault: FaultClass): boolean => plan.faults.has(fault);
    network.weather = {
      refuse: on('refusal') ? 0.25 : 0,
      hang: on('refusal') ? 0.1 : 0,
      latencyMs: { min: 1, max: this.#random.pick([5, 30, 150]) },
      bytesPerMs: on('slowLink') ? [null, 2, 10, 50] : [null],
    };
    for (const { browser } of this.#world.groups) if (browser !== null && on('channelTrouble')) browser.trouble.channel = 0.15;
    this.#world.fleet?.weather(on);
    if (on('imageTrouble')) images.trouble = { fail: 0.2, hang: 0.1, damage: 0.2 };
  }

  #again(fault: FaultClass, random: Prng): void {
    const waitMs = -Math.log(1 - random.float()) * this.#world.plan.faultEveryMs;
    this.#world.time.setTimer(waitMs, () => {
      if (this.#stopped) return;
      this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
      this.#strike(fault, random);
      this.#again(fault, random);
    });
  }

  #strike(fault: FaultClass, random: Prng): void {
    this.#world.trace.add('fault', fault);
    if (isFleetFault(fault)) return this.#world.fleet?.strike(fault, random);
    switch (fault) {
      case 'cut':
        return this.#onLink(random, (link) => link.cut(cutBy(random)));
      case 'halfOpen':
        return this.#silence(random);
      case 'stall':
        return this.#onLink(random, (link) => link.stall(random.pick(['up', 'down'] as const), random.int(50, 4_000)));
      case 'roomCrash':
        return this.#world.crashServer(random.pick(TAILS), random.int(0, DOWN_MAX_MS));
      case 'crashWhileSending':
        return this.#world.host.crashWhileSending(random.int(0, 6));
      case 'roomDrain':
        return this.#world.drainServer(random.int(0, DOWN_MAX_MS));
      case 'diskError':
        return this.#failCommit(random);
      case 'diskFull':
        return this.#world.fillDisk(random.int(100, 2_000));
      case 'tabDeath':
        return this.#onTab(random, (tab) => this.#world.killTab(tab));
      case 'tabClose':
        return this.#onTab(random, (tab) => this.#world.closeTab(tab));
      case 'workerDeath':
        return this.#onTab(random, (tab) => this.#world.killWorker(tab));
      case 'tabPause':
        return this.#onTab(random, (tab) => this.#world.pauseTab(tab, random.int(100, 6_000)));
      case 'longSleep':
        return this.#onTab(random, (tab) => this.#world.pauseTab(tab, random.int(LONG_SLEEP_MS.min, LONG_SLEEP_MS.max)));
      case 'wallJump':
        return this.#jump(random);
      case 'lostTail':
      case 'folderBack':
        return this.#backUp(fault, random);
      case 'storageError':
      case 'storageFull':
      case 'storageCleared':
      case 'machineCrash':
        return this.#strikeBrowser(fault, random);
      case 'forget':
        return this.#onTab(random, (tab) => this.#forget(tab, random));
      case 'oldBuilds':
        return this.#release(random);
      case 'claims':
      case 'otherRules':
        return fault === 'claims' ? this.#changeClaims(random) : this.#changeRules(random);
      case 'dismissals': // work: see Working
      case 'slowTab':
      case 'tokenExpiry':
      case 'storageDamage':
      case 'channelTrouble':
      case 'refusal':
      case 'slowLink':
      case 'laterDisk':
      case 'imageTrouble':
        return; // weather: always on
    }
  }

  #silence(random: Prng): void {
    this.#onLink(random, (link) => link.silence(random.pick(['up', 'down'] as const), random.pick(['swallow', 'pile'] as const)));
  }

  /** Something is copied, or put back. Where that is all there is a worker may be replaced before it hears of it, which leaves its page with what it showed before. */
  #backUp(fault: 'lostTail' | 'folderBack', random: Prng): void {
    if (fault === 'lostTail') return backUpOrLoseTail(this.#world, random.int(0, DOWN_MAX_MS), random.chance(0.35));
    const isPutBack = random.chance(0.5);
    copyOrPutFolderBack(this.#world, random.int(0, DOWN_MAX_MS), isPutBack);
    if (isPutBack && random.chance(0.5)) this.#onTab(random, (tab) => this.#world.killWorker(tab));
  }

  #failCommit(random: Prng): void {
    this.#world.host.nextCommitFate = random.pick(['fails', 'lostAnswer'] as const);
  }

  /** Somebody signs out, or wants to. */
  #forget(tab: Tab, random: Prng): void {
    const { browser } = tab.group;
    const discardPending = random.chance(0.5);
    if (browser === null || tab.page.paused || random.chance(0.4)) return;
    this.#world.trace.add(tab.name, `forgets, ${discardPending ? 'with what is pending' : 'unless something is pending'}`);
    browser.forgets.asked(tab.name, discardPending);
    tab.page.enter(() => {
      tab.room.forget({ discardPending }).then(
        () => this.#world.trace.add(tab.name, 'has forgotten'),
        (error: unknown) => this.#notForgotten(tab, AlcoveError.from(error)),
      );
    });
  }

  #notForgotten(tab: Tab, { code, message }: AlcoveError): void {
    this.#world.trace.add(tab.name, `did not forget: ${code}`);
    const isRight = code === 'pending_writes' || code === 'storage_failed' || code === 'storage_full';
    this.#world.findings.check(isRight, 'crash', () => `${tab.name} could not forget: ${code} ${message}`);
  }

  /** The newer release is out: the server has it from now on, or somebody's page is loaded again. */
  #release(random: Prng): void {
    if (!this.#world.builds.areTwo) return;
    if (random.chance(0.3)) this.#world.updateServer();
    else this.#onTab(random, (tab) => (random.chance(0.5) ? this.#world.closeTab(tab) : this.#world.killTab(tab)));
  }

  /** A user may see something else from now on; some of the tabs are told, others notice with their next token. */
  #changeClaims(random: Prng): void {
    const { user } = random.pick(this.#world.groups);
    this.#world.grants.change(user);
    this.#world.trace.add(user, `is ${JSON.stringify(this.#world.grants.of(user))} now`);
    for (const tab of this.#world.liveTabs()) {
      if (tab.group.user !== user || !random.chance(0.5)) continue;
      if (this.#world.plan.reads) this.#world.tabReads.askRuled(tab);
      tab.page.enter(() => tab.room.hint('authChanged'));
    }
  }

  #changeRules(random: Prng): void {
    const { plan, builds, trace } = this.#world;
    if (!plan.rules || random.chance(0.5)) return;
    builds.changeRules(random);
    trace.add('world', `the server has rules ${builds.ofRoom.ruleSet.name} after its next start`);
    if (random.chance(0.5)) this.#world.drainServer(random.int(0, 500));
    else this.#world.crashServer(random.pick(TAILS), random.int(0, 500));
  }

  #jump(random: Prng): void {
    const byMs = random.pick([-3_600_000, 3_600_000, -500, 86_400_000 * 365]);
    const tab = random.pick([null, ...this.#world.liveTabs()]);
    if (tab === null) return this.#world.host.jumpWallTime(byMs);
    tab.wallSkewMs += byMs;
    tab.page.fake.jumpWallTime(byMs);
    tab.host.running?.worker.fake.jumpWallTime(byMs);
  }

  #onLink(random: Prng, strike: (link: Link) => void): void {
    const links = this.#world.network.openLinks();
    if (links.length > 0) strike(random.pick(links));
  }

  #strikeBrowser(fault: 'storageError' | 'storageFull' | 'storageCleared' | 'machineCrash', random: Prng): void {
    const group = random.pick(this.#world.groups);
    const { browser } = group;
    if (browser === null) return;
    const lastsMs = random.int(50, 6_000);
    switch (fault) {
      case 'storageError':
        browser.trouble.disk = random.pick([0.3, 1]);
        this.#world.time.setTimer(lastsMs, () => {
          browser.trouble.disk = 0;
        });
        return;
      case 'storageFull':
        browser.fill(random.int(0, 3_000));
        this.#world.time.setTimer(lastsMs, () => browser.fill(null));
        return;
      case 'storageCleared':
        if (random.chance(0.3)) browser.clear();
        return;
      case 'machineCrash':
        if (random.chance(0.5)) this.#world.crashMachine(group, random);
        return;
      default:
        return exhaustive(fault);
    }
  }

  #onTab(random: Prng, strike: (tab: Tab) => void): void {
    const tabs = this.#world.liveTabs();
    if (tabs.length > 0) strike(random.pick(tabs));
  }
}

const FLEET_FAULTS: readonly FaultClass[] = [...REPLICA_FAULTS, ...FOLLOWER_FAULTS];
const isFleetFault = (fault: FaultClass): fault is ReplicaFault | FollowerFault => FLEET_FAULTS.includes(fault);
