import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Database } from '@alcove/core/sqlite/database';
import type { Socket, SocketHandlers } from '../../../packages/client/src/connection/socket.ts';
import { ANY_ROUTE } from '../../../packages/server/src/read/read-route.ts';
import { ReadRouter } from '../../../packages/server/src/read/read-router.ts';
import type { Replica } from '../../../packages/server/src/read/replica.ts';
import type { ReplicaSettings } from '../../../packages/server/src/read/replica-state.ts';
import { resolveRouterOptions } from '../../../packages/server/src/read/resolve-router-options.ts';
import { STRATEGIES } from '../../../packages/server/src/read/strategy.ts';
import type { RouterSettings } from '../../../packages/server/src/read/router-options.ts';
import type { Prng } from '../../fake/prng.ts';
import type { Bug } from '../bug.ts';
import type { ReadAudit } from '../check/read-audit.ts';
import { rowsInCells } from '../check/read-audit.ts';
import { rowText } from '../oracle/dump.ts';
import { copyRoom } from '../room/copy-room.ts';
import { playground } from '../room/playground.ts';
import type { RoomDisk } from '../room/room-disk.ts';
import { ROOM_ID } from '../room/addresses.ts';
import type { HostSurroundings } from '../room/room-host.ts';
import { SEES_ALL } from '../room/rule-sets.ts';
import type { Life } from '../room/server-life.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { FleetPlan, FollowerFault, ReplicaFault } from '../world/swarm.ts';
import { callOverNetwork, GOOD_WIRE, SimRemote, type ReplicaServer, type Wire } from './call-over-network.ts';
import { ServedTabs, type ServedTabsParts } from '../relay/served-tabs.ts';
import { DECOY, DECOY_ACCOUNTS, DECOY_ID, makeDecoy } from './decoy-room.ts';
import { LifeReads } from './life-reads.ts';
import { PrimaryReaders } from './primary-readers.ts';
import { OWN_QUESTIONS } from './questions.ts';
import { SimFollower } from './sim-follower.ts';
import { SimMirror } from './sim-mirror.ts';

export interface FleetParts extends HostSurroundings {
  readonly plan: FleetPlan;
  readonly audit: HostSurroundings['audit'];
  readonly reads: ReadAudit;
  readonly bug: Bug | null;
  connect(process: SimProcess, handlers: SocketHandlers): Socket;
  /** See SimFollowerParts. */
  abandon(process: SimProcess, hearsAfterMs: () => number | null): void;
  /** A link of the process dies, as `cut` does it. */
  cut(process: SimProcess, random: Prng): void;
  /** What followers that serve tabs do it with; null: none does. */
  readonly tabs: ServedTabsParts | null;
  openDatabase(): Database;
  /** Of the server that runs. */
  life(): Life | null;
}

interface Member {
  readonly server: SimFollower | SimMirror;
  readonly settings: ReplicaSettings;
}

const DOWN_MAX_MS = 3_000;
/** How often somebody looks whether a follower is of another release than its primary. */
const DEPLOY_MS = 700;
const LAG_MS_MAX = 4_000;

/** Everything that answers reads of a run, and the router of each server that runs. */
export class ReadFleet {
  readonly followers: readonly SimFollower[];
  readonly mirrors: readonly SimMirror[];
  readonly #parts: FleetParts;
  readonly #random: Prng;
  readonly #settings: RouterSettings;
  readonly #members: readonly Member[];
  readonly #wire: Wire = { ...GOOD_WIRE, latencyMs: { ...GOOD_WIRE.latencyMs } };
  readonly #trouble = { killed: 0, slow: 0 };
  readonly #decoy: RoomDisk;
  #reads: LifeReads | null = null;
  #isOver = false;
  ownReads = 0;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    const random = parts.random.fork('fleet');
    this.#random = random;
    this.#settings = drawnSettings(random.fork('settings'));
    this.#decoy = makeDecoy(random.fork('decoy'));
    this.followers = Array.from({ length: parts.plan.followers }, (_, at) => this.#follower(`follower${at + 1}`));
    this.mirrors = Array.from({ length: parts.plan.mirrors }, (_, at) => this.#mirror(`mirror${at + 1}`));
    this.#members = [...this.followers, ...this.mirrors].map((server) => ({ server, settings: this.#settingsOf(server.id) }));
  }

  get copies(): number {
    return this.followers.reduce((sum, { copies }) => sum + copies, 0);
  }

  get batches(): number {
    return this.mirrors.reduce((sum, { batches }) => sum + batches, 0);
  }

  /** Everything starts; the server may be there already. */
  start(): void {
    for (const follower of this.followers) follower.start();
    this.#deploy();
  }

  /** A server has opened its room: its router, and who writes to the mirrors. */
  opened(life: Life): LifeReads {
    const { process, build } = life;
    const router = new ReadRouter(this.#settings, process.runtime);
    const readers = new PrimaryReaders({
      process,
      random: this.#random.fork(`readers/${process.name}`),
      trouble: this.#trouble,
      model: build.room.model,
      fileOf: ({ id }) => (id === ROOM_ID ? this.#parts.disk.path : id === DECOY_ID ? this.#decoy.path : null),
      isDurable: ({ id }, version) => id !== ROOM_ID || (!life.over && life.room.stats.durable >= version),
    });
    router.add(this.#broken(readers), { ...PLAIN, id: readers.id, concurrencyMax: 3, isPrimary: true });
    for (const member of this.#members) router.add(this.#replica(member, process), member.settings);
    const durable = (): number => (life.over ? 0 : life.room.stats.durable);
    for (const mirror of this.mirrors) mirror.attach({ process, definition: build.room, path: this.#parts.disk.path, durable });
    this.#reads = new LifeReads({ life, router, random: this.#random.fork(`rights/${process.name}`) });
    return this.#reads;
  }

  /** What befalls some of the replicas. */
  strike(fault: ReplicaFault | FollowerFault, random: Prng): void {
    switch (fault) {
      case 'replicaDeath':
        return this.#kill(random);
      case 'replicaPause':
        return this.#on(random, ({ process }) => process?.pause(random.int(100, 4_000)));
      case 'replicaLag':
        return this.#on(random, (server) => {
          if (server instanceof SimMirror) server.hold(random.int(500, LAG_MS_MAX));
          else if (random.chance(0.3)) server.process?.pause(random.int(100, LAG_MS_MAX));
        });
      case 'replicaFleet':
        return this.#change(random);
      case 'followerStop':
      case 'followerResync':
      case 'followerCut':
        return this.#strikeFollower(fault, random);
      case 'replicaWire':
      case 'readerTrouble':
        return; // weather: see `weather`
      default:
        return exhaustive(fault);
    }
  }

  weather(on: (fault: ReplicaFault) => boolean): void {
    if (on('replicaWire')) Object.assign(this.#wire, { refuse: 0.08, hang: 0.04, lateMs: this.#random.pick([100, 600, 2_500]) });
    this.#wire.latencyMs.max = this.#random.pick([3, 20, 80]);
    if (on('readerTrouble')) Object.assign(this.#trouble, { killed: 0.05, slow: 0.03 });
  }

  /** Everybody is up, awake and reachable, and asked again. */
  heal(): void {
    Object.assign(this.#wire, { ...GOOD_WIRE, latencyMs: { ...GOOD_WIRE.latencyMs } });
    Object.assign(this.#trouble, { killed: 0, slow: 0 });
    for (const { server } of this.#members) {
      server.start();
      server.process?.wake();
    }
    for (const mirror of this.mirrors) mirror.hold(0);
  }

  /** Who is not level with the room. */
  *unrest(head: BookmarkParts): Generator<string> {
    for (const { id, open } of this.followers) {
      const at = open?.room.head;
      if (at?.historyId !== head.historyId || at.version !== head.version)
        yield `${id} is at version ${at?.version ?? 'none'} of ${at?.historyId ?? 'nothing'}, the room at ${head.version} of ${head.historyId}`;
    }
    for (const { id, database } of this.mirrors) {
      const at = database.watermark;
      if (at?.historyId !== head.historyId || at.version !== head.version)
        yield `${id} is at version ${at?.version ?? 'none'} of ${at?.historyId ?? 'nothing'}, the room at ${head.version} of ${head.historyId}`;
    }
  }

  /** The server's own code reads: the room, tables that stay in it among them, or another room. */
  readOwn(random: Prng): void {
    const reads = this.#reads;
    const life = this.#parts.life();
    if (reads === null || life === null || life.over) return;
    const isDecoy = random.chance(0.2);
    const sql = isDecoy ? 'SELECT id, balance FROM accounts ORDER BY id' : random.pick(OWN_QUESTIONS);
    const at = random.pick(['any', 'latest'] as const);
    const head = isDecoy ? DECOY : { historyId: this.#parts.history.id, version: life.room.stats.durable };
    const address = { name: playground.name, id: isDecoy ? DECOY_ID : ROOM_ID };
    const read = { sql, params: [], dialect: 'sqlite' as const, at, waitMs: 500, route: ANY_ROUTE, signal: new AbortController().signal };
    this.ownReads += 1;
    life.process.enter(() => {
      reads.own(address, read, head).then(
        (answer) => {
          const rows = rowsInCells(answer.cells);
          const where = `${answer.replica} to the server's own code`;
          if (!isDecoy) this.#parts.reads.told({ ...answer.at, sql, params: [], sight: SEES_ALL, rows, where });
          else this.#isDecoy(rows.map(rowText), answer.at, where);
          const isOld = at === 'latest' && (answer.at.historyId !== head.historyId || answer.at.version < head.version);
          this.#parts.findings.check(!isOld, 'I34', () => `${where}: version ${answer.at.version}, and ${head.version} was asked for`);
        },
        (error: unknown) =>
          this.#parts.findings.check(
            OWN_FAIR.has(AlcoveError.from(error).code),
            'I35',
            () => `the server's own read of ${sql}: ${String(error)}`,
          ),
      );
    });
  }

  dispose(): void {
    this.#isOver = true;
    for (const { server } of this.#members) server.dispose();
    this.#decoy.dispose();
  }

  #isDecoy(rows: readonly string[], at: BookmarkParts, where: string): void {
    const right = DECOY_ACCOUNTS.map((row) => rowText(row));
    const isRight = at.historyId === DECOY.historyId && JSON.stringify(rows) === JSON.stringify(right);
    this.#parts.findings.check(isRight, 'I33', () => `${where}: of another room were read ${rows.join(' ')} of ${at.historyId}`);
  }

  #follower(id: string): SimFollower {
    const { builds, bug, wallMs, tabs } = this.#parts;
    const random = this.#random.fork(id);
    return new SimFollower(id, {
      ...this.#parts,
      random,
      build: () => builds.ofRoom,
      tabs: tabs === null ? null : new ServedTabs(tabs, random.fork('tabs')),
      wrap: (database) => bug?.followerDatabase?.(database, random) ?? database,
      wallMs,
      fetchCopy: (process, end) => this.#fetchCopy(process, end, random),
    });
  }

  #mirror(id: string): SimMirror {
    const random = this.#random.fork(id);
    const { bug } = this.#parts;
    return new SimMirror(id, {
      ...this.#parts,
      random,
      wire: this.#wire,
      batchMs: random.pick([30, 200, 1_200]),
      inOrder: bug?.mirrorOrder ?? null,
    });
  }

  #settingsOf(id: string): ReplicaSettings {
    const random = this.#random.fork(`settings/${id}`);
    return {
      ...PLAIN,
      id,
      region: random.pick([null, 'north', 'south']),
      weight: random.int(1, 4),
      tier: random.chance(0.8) ? 0 : 1,
      purposes: random.chance(0.15) ? ['analytics'] : [],
      concurrencyMax: random.int(1, 6),
    };
  }

  #replica({ server }: Member, asker: SimProcess): Replica {
    const { time } = this.#parts;
    const random = this.#random.fork(`${asker.name}/${server.id}`);
    return this.#broken(new SimRemote(server.id, server satisfies ReplicaServer, { time, random, wire: this.#wire, asker }));
  }

  #broken(replica: Replica): Replica {
    return this.#parts.bug?.replica?.(replica, this.#random) ?? replica;
  }

  /** As `?copy=` of the primary: the file as it is when the request gets there, once a crash can take nothing of it back. */
  #fetchCopy(asker: SimProcess, end: AbortController, random: Prng): Promise<Buffer> {
    const { time, life, disk } = this.#parts;
    const failed = (why: string): AlcoveError => new AlcoveError('connection_lost', `no copy of the room: ${why}`);
    const parts = { time, random, wire: this.#wire, asker, server: () => life()?.process ?? null, failed };
    const timer = asker.runtime.setTimer(3_000, () => end.abort());
    return callOverNetwork(parts, end.signal, async () => {
      const now = life();
      if (now === null || now.over || now.room.stats.durable < this.#parts.history.head) throw failed('the room is being written');
      return copyRoom(disk.path);
    }).finally(() => timer.cancel());
  }

  #kill(random: Prng): void {
    this.#on(random, (server) => {
      if (server instanceof SimMirror) server.crash();
      else server.crash(random.pick(['kept', 'lost', 'torn'] as const));
      this.#startLater(server, random);
    });
  }

  #strikeFollower(fault: FollowerFault, random: Prng): void {
    const follower = random.pick(this.followers);
    const { process, build } = follower;
    if (process === null || build === null) return;
    switch (fault) {
      case 'followerStop':
        follower.stop(random.chance(0.3));
        return this.#startLater(follower, random);
      case 'followerResync':
        return process.enter(() => void follower.resync({ name: build.room.name, id: ROOM_ID }).catch(() => undefined));
      case 'followerCut':
        return this.#parts.cut(process, random);
      default:
        return exhaustive(fault);
    }
  }

  #startLater(server: SimFollower | SimMirror, random: Prng): void {
    this.#parts.time.setTimer(random.int(0, DOWN_MAX_MS), () => {
      if (!this.#isOver) server.start();
    });
  }

  /** Whoever runs the server changes who is asked. */
  #change(random: Prng): void {
    const router = this.#reads?.router;
    const life = this.#parts.life();
    if (router === undefined || life === null || life.over || this.#members.length === 0) return;
    const member = random.pick(this.#members);
    const { id } = member.settings;
    const isThere = router.snapshot().replicas.some((replica) => replica.id === id);
    const kind = random.int(0, 4);
    this.#parts.trace.add('fleet', `changes ${id}: ${kind}${isThere ? '' : ', which was removed'}`);
    life.process.enter(() => {
      if (!isThere) return router.add(this.#replica(member, life.process), member.settings);
      if (kind === 0) void router.remove(id).catch(() => undefined);
      else if (kind === 1) void router.drain(id).catch(() => undefined);
      else if (kind === 2) void router.check(id).catch(() => undefined);
      else if (kind === 3) router.weigh(id, random.int(1, 5));
      else router.enable(id, random.chance(0.5));
    });
  }

  #on(random: Prng, strike: (server: SimFollower | SimMirror) => void): void {
    const up = this.#members.filter(({ server }) => server.process !== null);
    if (up.length > 0) strike(random.pick(up).server);
  }

  /** By its rules it shows tabs what its primary does not show any more. */
  #hasOtherRules({ tabs, build }: SimFollower): boolean {
    const primary = this.#parts.life();
    return tabs !== null && build !== null && primary !== null && build !== primary.build && primary.build === this.#parts.builds.ofRoom;
  }

  /** A follower of another release is started anew with that of its primary. */
  #deploy(): void {
    this.#parts.time.setTimer(DEPLOY_MS, () => {
      if (this.#isOver) return;
      for (const follower of this.followers)
        if (follower.isOutdated || this.#hasOtherRules(follower)) {
          if (follower.tabs === null) follower.crash('kept');
          else follower.stop(false);
          follower.start();
        }
      this.#deploy();
    });
  }
}

/** What a read of the server's own code may end with while things go wrong. */
const OWN_FAIR = new Set(['read_behind', 'replica_unavailable', 'query_timeout', 'overloaded', 'closed']);

const PLAIN: ReplicaSettings = {
  id: '',
  dialect: 'sqlite',
  region: null,
  weight: 1,
  tier: 0,
  purposes: [],
  concurrencyMax: 4,
  isPrimary: false,
};

/** Times that let a breaker open and close within seconds. */
function drawnSettings(random: Prng): RouterSettings {
  return resolveRouterOptions({
    strategy: random.pick(STRATEGIES),
    defaultToReplica: random.chance(0.85),
    breaker: random.chance(0.85),
    ...(random.chance(0.5) ? { region: 'north' } : {}),
    operationClasses: random.chance(0.5) ? ['analytics'] : [],
    limits: {
      lagVersionsMax: random.pick([5, 1_000]),
      lagMsMax: random.pick([500, 10_000]),
      retriesMax: random.int(0, 2),
      failoverTimeoutMs: random.int(100, 800),
      checkIntervalMs: random.int(300, 2_000),
      queueMax: random.pick([1, 100]),
      queueWaitMs: random.int(20, 500),
      waitingReadsMax: random.pick([0, 2, 100]),
      breakerFailuresMax: random.pick([1, 2, 4]),
      breakerOpenMs: random.int(200, 2_000),
      rampMs: random.int(50, 2_000),
    },
  }).router;
}
