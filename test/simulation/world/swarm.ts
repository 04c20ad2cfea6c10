import type { EngineLimits } from '../../../packages/client/src/sync/engine-limits.ts';
import type { HostLimits } from '../../../packages/server/src/host/node/host-limits.ts';
import type { RoomLimits } from '../../../packages/server/src/room/room-options.ts';
import { Prng } from '../../fake/prng.ts';

/** What befalls replicas; `replicaWire` and `readerTrouble` are weather. */
export const REPLICA_FAULTS = ['replicaDeath', 'replicaPause', 'replicaWire', 'replicaLag', 'replicaFleet', 'readerTrouble'] as const;
export type ReplicaFault = (typeof REPLICA_FAULTS)[number];
/** What befalls followers that serve tabs: they end in good order, are told to copy the room anew, lose their way to the primary. */
export const FOLLOWER_FAULTS = ['followerStop', 'followerResync', 'followerCut'] as const;
export type FollowerFault = (typeof FOLLOWER_FAULTS)[number];

/** What can go wrong. In each run every class is on with p = 0.5: runs with few of them reach states that runs with all of them never do. */
export const FAULT_CLASSES = [
  'cut',
  'halfOpen',
  'stall',
  'refusal',
  'slowLink',
  'roomCrash',
  'crashWhileSending',
  'roomDrain',
  'diskError',
  'diskFull',
  'laterDisk',
  'tabDeath',
  'tabClose',
  'workerDeath',
  'tabPause',
  'wallJump',
  'longSleep',
  'imageTrouble',
  'lostTail',
  'storageError',
  'storageFull',
  'storageCleared',
  'machineCrash',
  'storageDamage',
  'channelTrouble',
  'slowTab',
  'forget',
  'dismissals',
  'oldBuilds',
  'claims',
  'tokenExpiry',
  'otherRules',
  ...REPLICA_FAULTS,
  ...FOLLOWER_FAULTS,
  'folderBack',
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];

const FLEET_CLASSES: ReadonlySet<FaultClass> = new Set(REPLICA_FAULTS);
const RELAY_CLASSES: ReadonlySet<FaultClass> = new Set(FOLLOWER_FAULTS);
const READS_SHARE = 0.35;
const RELAY_SHARE = 0.35;
const ACCESS_CLASSES: ReadonlySet<FaultClass> = new Set(['claims', 'tokenExpiry', 'otherRules']);

/** Sizes at their edges. */
export const TIGHT_CLASSES = [
  'log',
  'backlog',
  'push',
  'commit',
  'snapshot',
  'retention',
  'outbox',
  'rejections',
  'clients',
  'relay',
] as const;
export type TightClass = (typeof TIGHT_CLASSES)[number];

/** Servers beside the primary. */
export interface FleetPlan {
  readonly followers: number;
  readonly mirrors: number;
}

/** Everything about a run that is not drawn while it goes on. */
export interface RunPlan {
  readonly seed: string;
  readonly faults: ReadonlySet<FaultClass>;
  readonly tight: ReadonlySet<TightClass>;
  readonly groups: number;
  readonly tabsPerGroup: number;
  /** Simulated time with faults and work. */
  readonly activeMs: number;
  /** Mean time between two actions of one tab, and between two faults of one class. */
  readonly actionEveryMs: number;
  readonly faultEveryMs: number;
  readonly images: boolean;
  /** Tabs keep their rooms in their browser. */
  readonly storage: boolean;
  /** Users are told apart by more than their names. */
  readonly claims: boolean;
  /** Not everybody sees everything. */
  readonly rules: boolean;
  readonly tabsTakeImages: boolean;
  /** Servers beside the primary; null: there are none, and nobody has anything of them. */
  readonly fleet: FleetPlan | null;
  /** Tabs and the server's own code read on the server. */
  readonly reads: boolean;
  /** Tabs come to followers, too. */
  readonly relay: boolean;
  readonly hostLimits: Partial<HostLimits>;
  readonly roomLimits: Partial<RoomLimits>;
  readonly engineLimits: Partial<EngineLimits>;
}

/** What a run of a seed is to leave out: for making a failure smaller. */
export interface Omissions {
  readonly faults?: readonly FaultClass[];
  readonly tight?: readonly TightClass[];
  readonly groups?: number;
  readonly tabsPerGroup?: number;
  readonly activeMs?: number;
  readonly images?: false;
  readonly storage?: false;
  /** Rules, and claims that change or run out. */
  readonly access?: false;
  /** Reads on the server, and replicas for them alone. `true`: there are some, whatever the seed says. */
  readonly reads?: boolean;
  /** Tabs at followers. `true`: there are some, whatever the seed says. */
  readonly relay?: boolean;
  /** The room's whole folder put back. `true`: it is, whatever the seed says, where there are no servers beside the primary. */
  readonly restores?: boolean;
}

/** Everything is drawn from generators of its own, so that leaving one thing out changes no other. */
export function planOf(seed: string, without: Omissions = {}): RunPlan {
  const random = new Prng(`plan/${seed}`);
  const isOn = (fault: FaultClass): boolean =>
    without.faults?.includes(fault) !== true &&
    (without.access !== false || !ACCESS_CLASSES.has(fault)) &&
    (fleet !== null || !FLEET_CLASSES.has(fault)) &&
    (relay || !RELAY_CLASSES.has(fault)) &&
    (fault !== 'folderBack' || (fleet === null && without.restores !== false));
  const read = fleetPlan(random.fork('reads'), without.reads);
  const relay = without.relay ?? random.fork('relay').chance(RELAY_SHARE);
  const fleet = relay ? withFollowers(read, random.fork('followers')) : read;
  const isDrawn = (fault: FaultClass): boolean => random.fork(fault).chance(0.5) || (fault === 'folderBack' && without.restores === true);
  const faults = new Set(FAULT_CLASSES.filter((fault) => isDrawn(fault) && isOn(fault)));
  const tight = new Set(TIGHT_CLASSES.filter((size) => random.fork(size).chance(0.4) && without.tight?.includes(size) !== true));
  const draw = random.fork('sizes');
  const drawn = {
    groups: draw.int(1, 3),
    tabsPerGroup: draw.int(1, 2),
    activeMs: draw.int(8_000, 20_000),
    actionEveryMs: draw.int(120, 500),
    faultEveryMs: draw.int(1_500, 5_000),
    images: draw.chance(0.5),
    tabsTakeImages: draw.chance(0.8),
  };
  const storage = random.fork('storage').chance(0.6) && without.storage !== false;
  return {
    seed,
    faults,
    tight,
    ...drawn,
    groups: without.groups ?? drawn.groups,
    tabsPerGroup: without.tabsPerGroup ?? drawn.tabsPerGroup,
    activeMs: without.activeMs ?? drawn.activeMs,
    images: drawn.images && without.images !== false,
    storage,
    fleet,
    reads: read !== null,
    relay,
    hostLimits: hostLimits(tight, random.fork('host')),
    claims: without.access !== false,
    rules: random.fork('rules').chance(0.6) && without.access !== false,
    roomLimits: { ...roomLimits(tight, random.fork('room')), ...(faults.has('folderBack') ? KEEPS_HASHES : {}) },
    engineLimits: engineLimits(tight, random.fork('engine')),
  };
}

/** Of which lines it is without a room knows by hashes alone, and below its floor it has but some of them: see drift.md. */
const KEEPS_HASHES: Partial<RoomLimits> = { keptHashEveryVersions: 1 };

/** Most runs have none: replicas cost as much again as everything else. */
function fleetPlan(random: Prng, wanted: boolean | undefined): FleetPlan | null {
  const isOn = random.chance(READS_SHARE);
  const plan = { followers: random.int(0, 2), mirrors: random.pick([0, 1, 1, 2]) };
  return (wanted ?? isOn) ? plan : null;
}

/** Tabs need somebody to come to. */
const withFollowers = (read: FleetPlan | null, random: Prng): FleetPlan => ({
  followers: Math.max(read?.followers ?? 0, random.int(1, 2)),
  mirrors: read?.mirrors ?? 0,
});

function hostLimits(tight: ReadonlySet<TightClass>, random: Prng): Partial<HostLimits> {
  const sizes = {
    relayBacklogBytesMax: random.int(1_000, 3_000),
    relayBacklogBytesHard: random.int(3_000, 12_000),
    relayResultsMax: random.int(1, 20),
    relaySessionsMax: random.int(2, 4),
  };
  return { helloTimeoutMs: 3_000, ...(tight.has('relay') ? sizes : {}) };
}

/** Times that let a whole life of connections pass in seconds; and the tight sizes. */
function roomLimits(tight: ReadonlySet<TightClass>, random: Prng): Partial<RoomLimits> {
  const within = (size: TightClass, limits: (random: Prng) => Partial<RoomLimits>): Partial<RoomLimits> =>
    tight.has(size) ? limits(random.fork(size)) : {};
  return {
    heartbeatIntervalMs: 1_000,
    idleTimeoutMs: 3_000,
    retryAfterMs: random.int(20, 300),
    presenceTtlMs: 4_000,
    cursorTtlMs: 2_000,
    ephemeralTtlMs: 2_000,
    ephemeralTickMs: 50,
    housekeepingIntervalMs: random.int(100, 1_500),
    mutatorRowsMax: 50,
    openVerifyVersionsMax: 1_000,
    ...within('log', (draw) => ({ changeLogVersionsMax: draw.int(1, 8), keptHashEveryVersions: draw.int(1, 5) })),
    ...within('backlog', (draw) => ({
      subscriberBacklogBytesMax: draw.int(1_000, 4_000),
      subscriberBacklogBytesHard: draw.int(6_000, 30_000),
      subscriberBacklogMsMax: draw.int(500, 3_000),
      drainPollMs: draw.int(5, 60),
    })),
    ...within('push', (draw) => ({
      sessionQueuedMutationsMax: draw.int(1, 4),
      queuedMutationsMax: draw.int(4, 12),
      pushMutationsMax: draw.int(1, 3),
    })),
    ...within('commit', (draw) => ({ commitMutationsMax: draw.int(1, 2), catchUpVersionsMax: draw.int(1, 4) })),
    ...within('snapshot', (draw) => ({
      snapshotChunkRowsMax: draw.int(1, 5),
      snapshotRunsMax: draw.int(1, 2),
      snapshotOverlayRowsMax: draw.int(1, 30),
    })),
    ...within('retention', (draw) => ({ clientRetentionMs: draw.int(4_000, 8_000) })),
    ...within('clients', (draw) => ({ clientsMax: draw.int(1, 4) })),
    ...within('rejections', (draw) => ({ clientRejectionsMax: draw.int(2, 6) })),
  };
}

function engineLimits(tight: ReadonlySet<TightClass>, random: Prng): Partial<EngineLimits> {
  return {
    connectTimeoutMs: 2_000,
    imageStallMs: 1_500,
    serverReadTimeoutMs: random.fork('reads').int(2_000, 8_000),
    backoffMinMs: random.int(50, 300),
    backoffMaxMs: random.int(500, 2_000),
    cursorIntervalMs: 40,
    presenceIntervalMs: 50,
    ephemeralKeepMs: 3_000,
    ...(tight.has('push') ? { pushWindowMutationsMax: random.fork('push').int(1, 4) } : {}),
    ...(tight.has('outbox') ? { outboxMutationsMax: random.fork('outbox').int(2, 12) } : {}),
  };
}
