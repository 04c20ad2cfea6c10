import type { Server as HttpServer } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { type AnyRoom, isRoom } from '@alcove/core/schema/define-room';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { kindOf } from '@alcove/core/unknown-keys';
import { is, SQL } from 'drizzle-orm';
import { LimitMeter } from '../../limits/limit-meter.ts';
import { WorkMeter } from '../../limits/work-meter.ts';
import { RoomDirectory } from '../../room/room-directory.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { AlcoveServer, ServerRooms, ServerSessions } from './alcove-server.ts';
import { BuilderPool } from './builder-pool.ts';
import type { DataDir } from './data-dir.ts';
import { Door } from './door.ts';
import { HostImages } from './host-images.ts';
import { HostReads } from './host-reads.ts';
import { type ReplicaPools, serverPools } from '../postgres/replica-pools.ts';
import { ReadFleet } from './read-fleet.ts';
import { type HostLimits, LIMIT_NAMES } from './host-limits.ts';
import type { HostedRoom } from './hosted-room.ts';
import { HttpSide } from './http-side.ts';
import type { MirrorProcess } from './mirror-process.ts';
import { ROOM_ID } from './room-file-name.ts';
import { createRoomHandle } from './room-handle.ts';
import type { HandlePorts, RoomHandle } from './room-handle.ts';
import { RoomOpener } from './room-opener.ts';
import { SeedTemplates } from './seed-templates.ts';
import type { ResolvedServerOptions } from './server-options.ts';
import { type ServerMetrics, serverMetrics } from './server-metrics.ts';
import { busiestRooms, processFigures, type ServerStatus } from './server-status.ts';
import { bothHeldOff, mirrorProcess, serverMirror, type ServerMirror } from './server-mirror.ts';
import { serverRooms } from './server-rooms.ts';
import { serverSessions } from './server-sessions.ts';
import { SocketFront } from './socket-front.ts';

/** The server's parts and how they hang together. `createServer` checks the options, takes the dataDir and starts it. */
export class NodeServer implements AlcoveServer {
  readonly rooms: ServerRooms;
  readonly sessions: ServerSessions;
  readonly mirror: ServerMirror;
  readonly replicas: ReplicaPools;
  readonly #options: ResolvedServerOptions;
  readonly #runtime: Runtime;
  readonly #dataDir: DataDir;
  readonly #pool: BuilderPool;
  readonly #meter = new LimitMeter(LIMIT_NAMES);
  readonly #work = new WorkMeter();
  readonly #startedMs: number;
  readonly #templates = new SeedTemplates();
  readonly #images: HostImages;
  readonly #fleet: ReadFleet;
  readonly #mirror: MirrorProcess | null;
  readonly #reads: HostReads;
  readonly #opener: RoomOpener;
  readonly #directory: RoomDirectory<HostedRoom>;
  readonly #door: Door;
  readonly #sockets: SocketFront;
  readonly #http: HttpSide;
  #sweep: Timer | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: ResolvedServerOptions, dataDir: DataDir, runtime: Runtime) {
    const { hostLimits: limits, rooms } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#startedMs = runtime.monotonicMs();
    this.#dataDir = dataDir;
    this.#pool = builderPool(limits, runtime);
    this.#images = new HostImages({ enabled: options.image, dataDir, rooms, pool: this.#pool, limits, runtime });
    this.#mirror = mirrorProcess(options, runtime, (room) => this.#directory.use(room, 'existing', () => undefined));
    this.#fleet = new ReadFleet(options, dataDir, runtime, this.#meter, this.#mirror);
    this.replicas = serverPools(options.databases, runtime);
    this.#reads = this.#hostReads();
    this.#opener = this.#roomOpener();
    this.#directory = new RoomDirectory(this.#opener, limits, runtime);
    const sockets = (): SocketFront => this.#sockets;
    this.#door = new Door({ host: 'server', limits, runtime, meter: this.#meter, sockets });
    this.#sockets = new SocketFront({ server: options, directory: this.#directory, runtime, meter: this.#meter, door: this.#door });
    this.rooms = serverRooms(this.#directory, options, {
      known: (name) => void this.#definition(name),
      addressOf: (name, id) => this.#address(name, id),
    });
    this.mirror = serverMirror(this.#mirror, (name, id) => this.#address(name, id));
    this.sessions = serverSessions(this.#sockets);
    this.#http = this.#httpSide();
  }

  /** @throws AlcoveError what is wrong with a seed file; `port_in_use`. Whoever called closes it then. */
  async start(): Promise<void> {
    const { rooms, seeds, authenticate } = this.#options;
    await this.#templates.prepare(rooms, seeds, this.#dataDir.imageDirectory, this.#pool);
    this.#scheduleSweep();
    this.#mirror?.start();
    if (authenticate === null) this.#tellNobodyIsAuthenticated();
    await this.#http.listen();
  }

  #tellNobodyIsAuthenticated(): void {
    const { log } = this.#runtime;
    log.info('nobody is authenticated, so only this machine may connect; give createServer an `authenticate` to open it');
    const ruled = [...this.#options.rooms.values()].filter(({ tableRules }) => tableRules.length > 0);
    for (const { name } of ruled)
      log.info('the row rules of this room see no claims, whatever token a client brings: nobody is authenticated', { room: name });
  }

  get url(): string {
    return this.#http.url;
  }

  attach(server: HttpServer, options?: { readonly path?: string }): void {
    this.#http.attach(server, options);
  }

  room<Room extends AnyRoom>(definition: Room, id: string): RoomHandle<Room>;
  room(name: string, id: string): RoomHandle<AnyRoom>;
  room(room: AnyRoom | string, id: string): RoomHandle<AnyRoom> {
    if (typeof room !== 'string' && !isRoom(room))
      throw new AlcoveError('option_invalid', `server.room takes a definition made by defineRoom, or its name, and got ${kindOf(room)}`);
    const definition = typeof room === 'string' ? this.#definition(room) : room;
    const address = this.#address(definition.name, id);
    const ports: HandlePorts = {
      mutate: (name, args, { user = null, idempotencyKey }) =>
        this.#directory.use(address, 'any', ({ room }) =>
          room.mutate({ name, args, user, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }),
        ),
      query: (build) => this.#directory.use(address, 'any', ({ room }) => room.query(builderOf(build))),
      sql: (read) => this.#directory.use(address, 'any', ({ room }) => this.#reads.own(address, read, room.head)),
    };
    return createRoomHandle(definition, id, ports);
  }

  metrics(): ServerMetrics {
    const counted = {
      uptimeMs: Math.round(this.#runtime.monotonicMs() - this.#startedMs),
      connections: this.#sockets.sockets,
      connectionsUnwelcomed: this.#sockets.arrivals,
      openRooms: this.#directory.openCount,
      limitsMet: this.#meter.counts(),
      work: this.#work.counts(),
    };
    return serverMetrics(counted, [...this.#directory.openRooms()]);
  }

  #status(): ServerStatus {
    return {
      status: this.#door.isClosed ? 'draining' : 'ok',
      atMs: this.#runtime.nowMs(),
      process: processFigures(),
      metrics: this.metrics(),
      reads: this.#fleet.snapshot,
      mirror: this.#mirror?.status ?? null,
      rooms: busiestRooms([...this.#directory.openRooms()].map(({ address, room }) => ({ address, stats: room.stats }))),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const untilMs = this.#runtime.monotonicMs() + this.#options.hostLimits.drainTimeoutMs;
    this.#sweep?.cancel();
    this.#door.close();
    const stopped = this.#http.stopListening();
    this.#sockets.refuseArrivals(() => this.#door.draining());
    await this.#directory.closeAll(this.#door.draining());
    this.#opener.close();
    await this.#until(untilMs, () => this.#sockets.connections === 0);
    this.#sockets.terminate();
    this.#http.closeConnections();
    await stopped;
    this.#http.close();
    this.#pool.close();
    await Promise.all([this.#fleet.close(), this.#mirror?.close(), this.replicas.close()]);
  }

  /** Waits for a condition that sockets bring about, at most until then. */
  async #until(untilMs: number, condition: () => boolean): Promise<void> {
    while (!condition() && this.#runtime.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => this.#runtime.setTimer(10, resolve));
    }
  }

  #definition(name: string): AnyRoom {
    const definition = this.#options.rooms.get(name);
    if (definition !== undefined) return definition;
    const names = [...this.#options.rooms.keys()].join(', ');
    throw new AlcoveError('room_unknown', `this server has no room of the name ${JSON.stringify(name)}, only: ${names}`);
  }

  #address(name: string, id: string): RoomAddress {
    this.#definition(name);
    if (typeof id !== 'string' || !ROOM_ID.test(id))
      throw new AlcoveError('room_id_invalid', `${JSON.stringify(id)} cannot be the id of a room`);
    return { name, id };
  }

  #roomOpener(): RoomOpener {
    return new RoomOpener({
      server: this.#options,
      dataDir: this.#dataDir,
      templates: this.#templates,
      runtime: this.#runtime,
      meter: this.#meter,
      work: this.#work,
      around: {
        holdOffReaders: (address, files) => bothHeldOff(this.#fleet.holdOff(files.database), this.#mirror?.holdOff(address)),
        moved: (address, version, isNew) => this.#mirror?.moved(address, version, isNew),
        offerImage: (files, address) => (request, wanted) => this.#images.offer(address, files.database, request, wanted),
        read: (address) => (asked, signal) => this.#reads.forUser(address, asked, signal),
        renewAccess: (room, connectionId, token) => this.#sockets.renewAccess(room, connectionId, token),
        failed: (room, error) => this.#directory.failed(room.address, room, error),
        removed: (address) => {
          this.#images.cache.dropRoom(address.name, address.id);
          this.#mirror?.moved(address, -1, true);
        },
      },
    });
  }

  #hostReads(): HostReads {
    const { rooms, hostLimits } = this.#options;
    const { readTimeoutMs: timeoutMs, readRowsMax: rowsMax, readBytesMax: bytesMax } = hostLimits;
    return new HostReads({
      rooms,
      rules: this.#options,
      routes: this.#fleet,
      mirrorSchemaOf: (name) => this.#fleet.mirrorSchemaOf(name),
      bounds: { timeoutMs, rowsMax, bytesMax },
      runtime: this.#runtime,
      meter: this.#meter,
    });
  }

  #httpSide(): HttpSide {
    return new HttpSide({
      server: this.#options,
      dataDir: this.#dataDir,
      pool: this.#pool,
      images: this.#images,
      runtime: this.#runtime,
      meter: this.#meter,
      door: this.#door,
      sockets: this.#sockets,
      admin: {
        status: () => this.#status(),
        fleet: () => this.#fleet,
        mirror: () => this.mirror,
        find: ({ name, id }) => this.#opener.find(this.#address(name, id)),
      },
      // Rooms that are not there are not made.
      read: ({ name, id }, read, whole) => {
        const address = this.#address(name, id);
        return this.#directory.use(address, 'existing', ({ room }) => this.#reads.own(address, read, room.head, whole));
      },
    });
  }

  #scheduleSweep(): void {
    this.#sweep = this.#runtime.setTimer(this.#options.hostLimits.sweepIntervalMs, () => {
      for (const room of [...this.#directory.openRooms()]) room.sweep();
      this.#directory.tick();
      this.#scheduleSweep();
    });
  }
}

const builderPool = (limits: HostLimits, runtime: Runtime): BuilderPool =>
  new BuilderPool({
    runtime,
    buildsMax: limits.imageBuildsMax,
    buildTimeoutMs: limits.imageBuildTimeoutMs,
    idleMs: limits.imageBuilderIdleMs,
  });

/** A handle takes a builder's function or sql`…`; the room takes the former. */
const builderOf = (build: unknown): ((db: SyncDrizzle) => unknown) => {
  if (is(build, SQL)) return () => build;
  if (typeof build === 'function') return (db) => build(db) as unknown; // what it returns is looked at by the room
  throw new AlcoveError('query_invalid', 'query takes a function that builds a select, or sql`…`');
};
