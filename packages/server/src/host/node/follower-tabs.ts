import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { WebSocket } from 'ws';
import { readHello } from '../../access/front.ts';
import { RowRules } from '../../access/row-rules.ts';
import type { LimitCounts, LimitMeter } from '../../limits/limit-meter.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { BuilderPool } from './builder-pool.ts';
import type { DataDir } from './data-dir.ts';
import { Door } from './door.ts';
import type { Endpoint } from './endpoints.ts';
import type { FollowerLink } from '../../follow/follower-link.ts';
import type { ResolvedFollowerOptions } from './follower-options.ts';
import { HostImages } from './host-images.ts';
import { originOf } from './http-answer.ts';
import { HttpFront, isOfThisMachine } from './http-front.ts';
import { ImageEndpoint } from './image-endpoint.ts';
import { openDatabase } from './open-database.ts';
import { RefusedOrigins } from './refused-origins.ts';
import { RelayedRoom, type TabInfo } from './relayed-room.ts';
import { type Arrival, SocketArrivals } from './socket-arrivals.ts';

export interface FollowerTabsOptions {
  readonly follower: ResolvedFollowerOptions;
  readonly dataDir: DataDir;
  readonly runtime: Runtime;
  /** Counts the limits that tabs and others meet. */
  readonly meter: LimitMeter;
  /** The link of a room that is followed, or was made just now for the tab. @throws AlcoveError why the tab cannot have it */
  linkFor(address: RoomAddress, hello: HelloMessage, info: TabInfo): Promise<FollowerLink>;
  /** Other paths than the tabs'. */
  readonly others: Endpoint;
  isReady(): boolean;
}

/** The tabs of a follower: their sockets from the first byte to their room, images of its files, and its HTTP side. */
export class FollowerTabs {
  readonly meter: LimitMeter;
  readonly #options: FollowerTabsOptions;
  readonly #arrivals: SocketArrivals<TabInfo>;
  readonly #door: Door;
  readonly #pool: BuilderPool;
  readonly #images: HostImages;
  readonly #rooms = new Map<string, RelayedRoom>();
  /** By definition; one for all of its rooms. */
  readonly #rules = new Map<string, RowRules>();

  constructor(options: FollowerTabsOptions) {
    const { follower, dataDir, runtime } = options;
    const { limits, rooms } = follower;
    this.#options = options;
    this.meter = options.meter;
    this.#pool = new BuilderPool({
      runtime,
      buildsMax: limits.imageBuildsMax,
      buildTimeoutMs: limits.imageBuildTimeoutMs,
      idleMs: limits.imageBuilderIdleMs,
    });
    this.#images = new HostImages({ enabled: follower.image, dataDir, rooms, pool: this.#pool, limits, runtime });
    this.#arrivals = new SocketArrivals<TabInfo>({
      limits,
      runtime,
      meter: this.meter,
      letIn: (arrival, frame) => void this.#letIn(arrival, frame),
      ended: () => undefined,
    });
    const sockets = (): { connections: number; arrivals: number } => ({
      connections: this.#arrivals.connections,
      arrivals: this.#arrivals.size,
    });
    this.#door = new Door({ host: 'follower', limits, runtime, meter: this.meter, sockets });
  }

  get connections(): number {
    return this.#arrivals.connections;
  }

  get limitsMet(): LimitCounts {
    return this.meter.counts();
  }

  /** Who hears of a room's link to the primary. */
  room(definition: AnyRoom, address: RoomAddress, link: () => FollowerLink): RelayedRoom {
    const { follower, dataDir, runtime } = this.#options;
    const path = dataDir.roomFiles(address).database;
    const room = new RelayedRoom(
      {
        address,
        definition,
        runtime,
        limits: follower.limits,
        roomLimits: follower.roomLimits,
        meter: this.meter,
        rules: () => this.#rulesOf(definition),
        offerImage: (request, wanted) => this.#images.offer(address, path, request, wanted),
        replaced: () => this.#images.cache.dropRoom(address.name, address.id),
        taken: (connectionId) => this.#arrivals.taken(connectionId),
        early: (connectionId, frame) => this.#arrivals.message(connectionId, frame),
      },
      link,
    );
    this.#rooms.set(keyOf(address), room);
    return room;
  }

  /** Sessions of tabs in a room now. */
  sessionsOf(address: RoomAddress): number {
    return this.#rooms.get(keyOf(address))?.sessions ?? 0;
  }

  serve(server: HttpServer): void {
    const { follower, runtime, others, isReady } = this.#options;
    const { limits, origins, path } = follower;
    new HttpFront({
      path,
      origins,
      refusedOrigins: new RefusedOrigins(runtime.log, runtime),
      images: new ImageEndpoint({ images: this.#images, limits, origins, runtime, meter: this.meter }),
      others,
      followers: null,
      messageBytesMax: follower.roomLimits.messageBytesMax,
      closeTimeoutMs: limits.closeTimeoutMs,
      door: this.#door,
      isReady,
      opened: (socket, request) => this.#accept(socket, request),
    }).serve(server);
  }

  /** Nobody comes in any more, and those that are no further than the door go. */
  drain(): void {
    this.#door.close();
    this.#arrivals.refuseAll(() => this.#door.draining());
  }

  /** After all links are closed, which sends the tabs away. */
  async close(): Promise<void> {
    const { runtime, follower } = this.#options;
    const untilMs = runtime.monotonicMs() + follower.limits.drainTimeoutMs;
    while (this.#arrivals.connections > 0 && runtime.monotonicMs() < untilMs)
      await new Promise<void>((resolve) => void runtime.setTimer(10, resolve));
    this.#arrivals.terminate();
    this.#pool.close();
    for (const rules of this.#rules.values()) rules.close();
    this.#rules.clear();
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const info = { address: request.socket.remoteAddress ?? '', origin: originOf(request), isLocal: isOfThisMachine(request) };
    this.#arrivals.accept(socket, request, info);
  }

  /** Into the room here; the primary decides whether that may be. Nothing more is read of it until then. */
  async #letIn({ connection, info }: Arrival<TabInfo>, frame: string | Uint8Array): Promise<void> {
    const { follower, runtime, linkFor } = this.#options;
    connection.hold();
    try {
      const { hello, definition } = readHello(frame, follower.rooms, runtime);
      const address = { name: definition.name, id: hello.id };
      await linkFor(address, hello, info);
      if (!this.#arrivals.has(connection.id)) return; // gone, or turned away meanwhile
      const room = this.#rooms.get(keyOf(address));
      if (room === undefined) throw new AlcoveError('room_unknown', 'this follower does not follow the room');
      room.join(connection, hello, frame, info);
    } catch (cause) {
      if (this.#arrivals.has(connection.id)) this.#arrivals.refuse(connection, AlcoveError.from(cause));
    }
  }

  #rulesOf(definition: AnyRoom): RowRules | null {
    const known = this.#rules.get(definition.name);
    if (known !== undefined || definition.tableRules.length === 0) return known ?? null;
    const rules = new RowRules(definition, openDatabase(':memory:'));
    this.#rules.set(definition.name, rules);
    return rules;
  }
}

const keyOf = ({ name, id }: RoomAddress): string => `${name}/${id}`;
