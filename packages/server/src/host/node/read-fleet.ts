import { existsSync } from 'node:fs';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { LimitMeter } from '../../limits/limit-meter.ts';
import type { ReadRoute, RoutedAnswer } from '../../read/read-route.ts';
import { ReadRouter } from '../../read/read-router.ts';
import type { Dialect, EndSignal, ReadRequest, ReplicaLag } from '../../read/replica.ts';
import { type ReplicaOptions, type ResolvedReplica, resolveReplica } from '../../read/replica-options.ts';
import { digestTables } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import type { ReplicaSettings } from '../../read/replica-state.ts';
import type { RouterSnapshot } from '../../read/router-snapshot.ts';
import { MirrorReaders } from '../postgres/mirror-readers.ts';
import { MirrorNames } from '../../mirror/mirror-names.ts';
import { BearerToken } from './bearer-token.ts';
import type { DataDir } from './data-dir.ts';
import type { ReadRoutes } from './host-reads.ts';
import type { MirrorProcess } from './mirror-process.ts';
import { ReaderPool } from './reader-pool.ts';
import { RemoteReplica } from './remote-replica.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** Everything that answers reads of a server's rooms: its own reader processes and the replicas that it was given, behind one router. */
export class ReadFleet implements ReadRoutes {
  readonly router: ReadRouter;
  readonly #options: ResolvedServerOptions;
  readonly #pool: ReaderPool | null;
  readonly #hasReaders: boolean;
  readonly #mirror: MirrorReaders | null;
  /** Of those that were named, by id; what was removed may stand here still. */
  readonly #addresses = new Map<string, string>();

  /** @throws AlcoveError `option_invalid` for a replica that cannot be one. */
  constructor(options: ResolvedServerOptions, dataDir: DataDir, runtime: Runtime, meter: LimitMeter, mirror: MirrorProcess | null) {
    this.#options = options;
    const { replicas } = options;
    this.router = new ReadRouter(replicas.router, runtime, (limit) => meter.met(limit));
    const pool = readerPool(options, dataDir, runtime, meter);
    this.#pool = pool;
    this.#hasReaders = pool?.available === true;
    if (pool !== null && this.#hasReaders) this.router.add(pool, primarySettings(pool.id, options));
    this.#mirror = mirror === null ? null : mirrorReaders(options, this.router, runtime, mirror);
    for (const replica of replicas.replicas) this.#add(replica);
  }

  async read(request: ReadRequest, route: ReadRoute, waitMs: number, signal: EndSignal, dialect: Dialect): Promise<RoutedAnswer> {
    if (dialect === 'postgres') {
      await this.#mirror?.opened(waitMs, signal);
      return this.router.read(request, route, waitMs, signal, dialect);
    }
    if (!this.#hasReaders && this.router.snapshot().replicas.length === 0) throw this.#noReaders();
    return this.router.read(request, route, waitMs, signal);
  }

  /** A replica while the server runs. @throws AlcoveError `forbidden` without the follower token, `option_invalid` */
  add(given: ReplicaOptions, followerToken: string): void {
    const { followerToken: ours } = this.#options;
    if (ours === null)
      throw new AlcoveError('forbidden', 'a replica is added by whoever has the follower token, and the server has none', {
        hint: 'Give createServer `followers: { token }`, or ALCOVE_FOLLOWER_TOKEN; or name the replica among its `replicas`.',
      });
    if (!new BearerToken(ours).is(followerToken))
      throw new AlcoveError('forbidden', 'a replica is added by whoever has the follower token, and this is another one');
    const taken = this.router.snapshot().replicas.length;
    this.#add(resolveReplica(given, taken + 1, (field) => field));
  }

  /** The schema of a definition's tables in the mirror; null: they are in none. */
  mirrorSchemaOf(definition: string): string | null {
    const { mirror } = this.#options;
    return mirror === null || !mirror.rooms.includes(definition) ? null : new MirrorNames(mirror.prefix).schemaOf(definition);
  }

  /** Keeps the server's own readers off a room's file until what it resolves with is called. */
  async holdOff(path: string): Promise<() => void> {
    return this.#pool?.holdOff(path) ?? (() => undefined);
  }

  get snapshot(): RouterSnapshot {
    return this.router.snapshot();
  }

  close(): Promise<void> {
    return this.router.close();
  }

  #add(replica: ResolvedReplica): void {
    const { id } = replica.settings;
    // What waits for the mirror comes behind the router later, when nobody is there to be told that its id is taken.
    if (this.#mirror?.waitingIds.includes(id) === true)
      throw new AlcoveError(
        'option_invalid',
        `the id ${id} is taken, by the mirror or a replica that waits for it: give the replica another one`,
      );
    const address = this.#newAddress(replica);
    this.#addNew(replica);
    this.#addresses.set(replica.settings.id, address);
  }

  #addNew(replica: ResolvedReplica): void {
    const { url, settings } = replica;
    const { followerToken } = this.#options;
    if (settings.dialect === 'postgres') {
      if (this.#mirror !== null) return this.#mirror.add(replica);
      throw new AlcoveError('option_invalid', `replica ${settings.id} is a PostgreSQL, and the server has no mirror that it could hold`, {
        hint: 'Give createServer `mirror: { url }`, or ALCOVE_MIRROR_URL: the primary of that PostgreSQL.',
      });
    }
    if (followerToken === null)
      throw new AlcoveError('option_invalid', `replica ${settings.id} is a follower, and the server has no follower token to ask it with`, {
        hint: 'Give createServer `followers: { token }`, or ALCOVE_FOLLOWER_TOKEN.',
      });
    this.router.add(new RemoteReplica({ id: settings.id, url, token: followerToken }), settings);
  }

  /** One replica under two ids would get two shares of the reads. @throws AlcoveError `option_invalid` */
  #newAddress({ url, settings: { id } }: ResolvedReplica): string {
    const address = url.replace(/\/+$/, '');
    const there = new Set([...this.router.snapshot().replicas.map((replica) => replica.id), ...(this.#mirror?.waitingIds ?? [])]);
    const [other] = [...this.#addresses].find(([one, at]) => at === address && there.has(one)) ?? [];
    if (other !== undefined && other !== id)
      throw new AlcoveError('option_invalid', `replica ${id} has the address of replica ${other}`, {
        hint: 'Name it once, and weigh it: { weight: 2 } gives it twice the share.',
      });
    return address;
  }

  #noReaders(): AlcoveError {
    return this.#options.readers === 0
      ? new AlcoveError('sql_unavailable', 'this server was started without readers', {
          hint: 'Leave `readers` of createServer out, or set it to 1 or more; or give it `replicas`.',
        })
      : new AlcoveError(
          'sql_unavailable',
          'SQL of users runs in a sandbox, and this server has none: @photostructure/sqlite does not load here',
          {
            hint: 'Install it for the platform that the server runs on: npm install @photostructure/sqlite. Its binaries come with the package.',
          },
        );
  }
}

/** Behind the router once the mirror has reached its PostgreSQL. */
function mirrorReaders(options: ResolvedServerOptions, router: ReadRouter, runtime: Runtime, mirror: MirrorProcess): MirrorReaders {
  const { rooms, replicas } = options;
  const readers = new MirrorReaders({
    url: options.mirror?.url ?? '',
    prefix: options.mirror?.prefix ?? '',
    runtime,
    router,
    region: replicas.router.region,
    modelOf: (name) => (options.mirror?.rooms.includes(name) === true ? rooms.get(name)?.model : undefined),
    mirrorLag: () => lagOf(mirror),
    trouble: () => mirror.status.error?.message ?? null,
    resync: (room) => mirror.resync(room),
  });
  mirror.whenReady((access) => readers.open(access));
  return readers;
}

/** Of the rooms that are kept in step: one that cannot be is no reason against the others. */
function lagOf(mirror: MirrorProcess): ReplicaLag {
  const live = mirror.status.rooms.filter(({ state }) => state === 'live');
  return { versions: Math.max(0, ...live.map(({ lagVersions }) => lagVersions)), ms: Math.max(0, ...live.map(({ lagMs }) => lagMs)) };
}

/** They are never behind, and stand in for the replicas. */
const primarySettings = (id: string, { readers, replicas }: ResolvedServerOptions): ReplicaSettings => ({
  id,
  dialect: 'sqlite',
  region: replicas.router.region,
  weight: 1,
  tier: 0,
  purposes: [],
  concurrencyMax: readers,
  isPrimary: true,
});

function readerPool(
  { hostLimits, readers, rooms }: ResolvedServerOptions,
  dataDir: DataDir,
  runtime: Runtime,
  meter: LimitMeter,
): ReaderPool | null {
  if (readers === 0) return null;
  return new ReaderPool({
    runtime,
    meter,
    fileOf: (room) => {
      const { database } = dataDir.roomFiles(room);
      return existsSync(database) ? database : null;
    },
    tablesOf: ({ name }) => digestTables(definitionOf(rooms, name).model),
    readersMax: readers,
    queueMax: hostLimits.readQueueMax,
    queueTimeoutMs: hostLimits.readQueueTimeoutMs,
    idleMs: hostLimits.readerIdleMs,
    valueBytesMax: hostLimits.readValueBytesMax,
    heapBytesMax: hostLimits.readHeapBytesMax,
  });
}

/** @throws RoomUnavailable */
function definitionOf(rooms: ReadonlyMap<string, AnyRoom>, name: string): AnyRoom {
  const definition = rooms.get(name);
  if (definition === undefined) throw new RoomUnavailable(`there is no room of the name ${name} here`);
  return definition;
}
