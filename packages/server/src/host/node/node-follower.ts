import type { Server as HttpServer } from 'node:http';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { SEES_ALL } from '../../access/reader-class.ts';
import type { LimitCounts } from '../../limits/limit-meter.ts';
import type { RoutedAnswer } from '../../read/read-route.ts';
import { isSightOf, readSight } from '../../read/read-sight.ts';
import type { EndSignal, ReadAnswer, ReadRequest, ReplicaLag } from '../../read/replica.ts';
import { digestTables } from '../../read/room-digest.ts';
import { RoomUnavailable } from '../../read/room-unavailable.ts';
import { type SyncReport, syncReport } from '../../read/sync-figures.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { BearerGuard } from './bearer-guard.ts';
import { FollowerLink, LINK_FRAME_BYTES_MAX } from '../../follow/follower-link.ts';
import type { LinkStatus } from '../../follow/link-status.ts';
import type { DataDir } from './data-dir.ts';
import { dialPrimary } from './dial-primary.ts';
import { fetchRoomIds } from './fetch-room-ids.ts';
import { FollowedFile } from './followed-file.ts';
import { RoomListing } from './room-listing.ts';
import { FollowerTabs } from './follower-tabs.ts';
import { openForTab } from './open-for-tab.ts';
import type { TabInfo } from './relayed-room.ts';
import type { ResolvedFollowerOptions } from './follower-options.ts';
import { listen, makeHttpServer, socketOriginOf, stopListening } from './listen.ts';
import { ReadEndpoint } from './read-endpoint.ts';
import { ReaderPool } from './reader-pool.ts';
import { LIMIT_NAMES } from './host-limits.ts';
import { type FollowerFigures, FollowerStatusEndpoint } from './follower-status.ts';
import { type Endpoint, endpointsOf } from './endpoints.ts';
import { processFigures } from './server-status.ts';
import { SqlEndpoint } from './sql-endpoint.ts';
import { LimitMeter } from '../../limits/limit-meter.ts';
import type { OwnRead } from './server-sql.ts';

/** How long a read that names a version waits for it here at the longest; who asked waits no longer elsewhere. */
const REACH_TIMEOUT_MS = 2_000;

export interface FollowedStatus extends LinkStatus {
  readonly room: string;
  readonly id: string;
  /** Of tabs, in the room through this follower. */
  readonly sessions: number;
}

/** Figures of a follower's tabs. */
export interface FollowerMetrics {
  readonly connections: number;
  /** In all rooms. */
  readonly sessions: number;
  /** How often each limit was met since the follower was started. */
  readonly limitsMet: LimitCounts;
}

/** The parts of a follower and how they hang together. `createFollower` checks the options, takes the dataDir and starts it. */
export class NodeFollower {
  readonly #options: ResolvedFollowerOptions;
  readonly #dataDir: DataDir;
  readonly #runtime: Runtime;
  readonly #readers: ReaderPool;
  readonly #tabs: FollowerTabs;
  readonly #listing: RoomListing;
  readonly #others: Endpoint;
  readonly #meter = new LimitMeter(LIMIT_NAMES);
  readonly #links = new Map<string, FollowerLink>();
  /** Of the same rooms. */
  readonly #files = new Map<string, FollowedFile>();
  #server: HttpServer | null = null;
  #sweep: Timer | null = null;
  #wasReady = false;
  #closing: Promise<void> | null = null;

  constructor(options: ResolvedFollowerOptions, dataDir: DataDir, runtime: Runtime) {
    const { limits } = options;
    this.#options = options;
    this.#dataDir = dataDir;
    this.#runtime = runtime;
    this.#readers = new ReaderPool({
      runtime,
      fileOf: (room) => this.#files.get(keyOf(room))?.path ?? null,
      tablesOf: ({ name }) => digestTables(definitionOf(options, name).model),
      readersMax: Math.max(1, options.readers),
      queueMax: limits.readQueueMax,
      queueTimeoutMs: limits.readQueueTimeoutMs,
      idleMs: limits.readerIdleMs,
      valueBytesMax: limits.readValueBytesMax,
      heapBytesMax: limits.readHeapBytesMax,
      meter: this.#meter,
    });
    this.#others = endpointsOf([this.#readEndpoint(), ...this.#ownEndpoints()]);
    this.#tabs = this.#followerTabs();
    this.#listing = this.#roomListing();
  }

  /** For other servers. */
  #readEndpoint(): ReadEndpoint {
    return new ReadEndpoint(this.#guard(this.#options.token, 'the follower token'), {
      read: (request, signal) => this.#answer(request, signal),
      digest: async (room, signal, timeoutMs) => {
        await this.#readable(room);
        return this.#readers.digest(room, signal, timeoutMs);
      },
      resync: async (room) => (await this.#followed(room)).resync(),
      lag: () => ({ ...this.lag, sync: this.sync }),
    });
  }

  /** For whoever runs it. */
  #ownEndpoints(): Endpoint[] {
    const { token, adminToken } = this.#options;
    const tokens = [token, adminToken].filter((one) => one !== null);
    const guard = this.#guard(tokens, 'the follower token or the admin token');
    return [
      new FollowerStatusEndpoint(guard, () => this.figures),
      new SqlEndpoint({ guard, wholeToken: null, read: (room, read) => this.#ownRead(room, read) }),
    ];
  }

  #guard(token: string | readonly string[], name: string): BearerGuard {
    return new BearerGuard({ token, name, limits: this.#options.limits, runtime: this.#runtime, meter: this.#meter });
  }

  #followerTabs(): FollowerTabs {
    return new FollowerTabs({
      follower: this.#options,
      dataDir: this.#dataDir,
      runtime: this.#runtime,
      meter: this.#meter,
      linkFor: (address, hello, info) => this.#linkForTab(address, hello, info),
      others: this.#others,
      isReady: () => this.#isReady,
    });
  }

  #roomListing(): RoomListing {
    const { follow, from, token } = this.#options;
    return new RoomListing({
      names: follow.flatMap(({ name, id }) => (id === null ? [name] : [])),
      from,
      runtime: this.#runtime,
      idsOnDisk: (name) => this.#dataDir.roomIds(name),
      idsOnPrimary: (name, timeoutMs) => fetchRoomIds({ from, token, name, timeoutMs }),
      found: (address) => this.#followRoom(address),
    });
  }

  /** @throws AlcoveError `port_in_use`, `sql_unavailable` */
  async start(): Promise<void> {
    if (!this.#readers.available)
      throw new AlcoveError('sql_unavailable', 'a follower reads in a sandbox, and @photostructure/sqlite does not load here');
    const { follow, port, host } = this.#options;
    for (const { name, id } of follow) if (id !== null) this.#followRoom({ name, id });
    await this.#listing.look();
    this.#scheduleSweep();
    if (port === null) return;
    this.#server = makeHttpServer();
    this.#tabs.serve(this.#server);
    await listen(this.#server, port, host);
    this.#options.log.info('listening', { url: this.url });
  }

  /** Where reads are answered: what a primary names among its replicas. */
  get url(): string {
    const origin = this.#server === null ? null : socketOriginOf(this.#server);
    if (origin === null) throw new AlcoveError('option_invalid', 'the follower has no address: give it a port');
    return `${origin}${this.#options.path}`;
  }

  get status(): FollowedStatus[] {
    return [...this.#links.values()].map(({ address: { name, id }, status }) => ({
      room: name,
      id,
      ...status,
      sessions: this.#tabs.sessionsOf({ name, id }),
    }));
  }

  get metrics(): FollowerMetrics {
    const { connections, limitsMet } = this.#tabs;
    return { connections, sessions: this.status.reduce((sum, { sessions }) => sum + sessions, 0), limitsMet };
  }

  /** How each of its rooms is kept in step. */
  get sync(): SyncReport {
    return syncReport([...this.#links.values()].map(({ figures }) => figures));
  }

  /** Of the room that is furthest behind; one whose first copy is still on its way is behind since this follower was started. */
  get lag(): ReplicaLag {
    const lags = [...this.#links.values()].flatMap((link) => link.lag ?? []);
    return { versions: Math.max(0, ...lags.map(({ versions }) => versions)), ms: Math.max(0, ...lags.map(({ ms }) => ms)) };
  }

  /** Every room that is followed was level with the primary once since this follower was started. */
  get #isReady(): boolean {
    this.#wasReady ||= this.#listing.isComplete && [...this.#links.values()].every((link) => link.hasBeenLevel);
    return this.#wasReady;
  }

  get figures(): FollowerFigures {
    const { pids, busy, waiting } = this.#readers.load;
    return {
      role: 'follower',
      status: this.#isReady ? 'ok' : 'behind',
      atMs: this.#runtime.nowMs(),
      process: processFigures(),
      from: this.#options.from,
      lag: this.lag,
      sync: this.sync,
      readers: { running: pids.length, busy, waiting },
      limitsMet: this.#meter.counts(),
    };
  }

  /** Over HTTP, for whoever runs it. */
  #ownRead(room: RoomAddress, read: OwnRead): Promise<RoutedAnswer> {
    const definition = this.#options.rooms.get(room.name);
    if (definition === undefined) throw new AlcoveError('room_unknown', `this follower has no room of the name ${room.name}`);
    return this.own(definition, room, read);
  }

  /** For this process's own code, which sees everything that is followed. */
  async own(definition: AnyRoom, address: RoomAddress, read: OwnRead): Promise<RoutedAnswer> {
    if (read.dialect !== 'sqlite')
      throw new AlcoveError('sql_unavailable', 'a follower holds rooms in SQLite, and the query is of PostgreSQL: ask the primary');
    const { readTimeoutMs: timeoutMs, readRowsMax: rowsMax, readBytesMax: bytesMax } = this.#options.limits;
    const startMs = this.#runtime.monotonicMs();
    const request: ReadRequest = {
      room: address,
      sql: read.sql,
      params: read.params,
      sight: readSight(definition.model, SEES_ALL),
      atLeast: typeof read.at === 'string' ? null : read.at,
      bounds: { timeoutMs, rowsMax, bytesMax },
    };
    const { answer, lag } = await this.#answer(request, read.signal, read.waitMs);
    return { ...answer, replica: 'follower', lag, tookMs: Math.round(this.#runtime.monotonicMs() - startMs) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#listing.close();
    this.#sweep?.cancel();
    const stopped = this.#server === null || !this.#server.listening ? Promise.resolve() : stopListening(this.#server);
    this.#tabs.drain();
    for (const link of this.#links.values()) link.close();
    await this.#tabs.close();
    await this.#readers.close();
    this.#server?.closeAllConnections();
    await stopped;
  }

  async #answer(
    request: ReadRequest,
    signal: EndSignal,
    waitMs = REACH_TIMEOUT_MS,
  ): Promise<{ readonly answer: ReadAnswer; readonly lag: ReplicaLag }> {
    const link = await this.#readable(request.room);
    if (!isSightOf(request.sight, definitionOf(this.#options, request.room.name).model.schemaId))
      throw new RoomUnavailable('this follower is of another release of the app than the server that asks');
    await link.reached(request.atLeast?.version ?? 0, Math.min(waitMs, REACH_TIMEOUT_MS));
    const answer = await this.#readers.read(request, signal);
    return { answer, lag: link.lag ?? { versions: 0, ms: 0 } };
  }

  /** What was deleted is read by nobody, though the file is still here. */
  async #readable(room: RoomAddress): Promise<FollowerLink> {
    const link = await this.#followed(room);
    if (link.isGone) throw new RoomUnavailable('the primary has no such room any more');
    return link;
  }

  async #followed(room: RoomAddress): Promise<FollowerLink> {
    const link = await this.#linkOf(room);
    if (link === null)
      throw new RoomUnavailable(`this follower does not follow ${keyOf(room)}`, {
        hint: 'See that there is such a room, and that it is among those that the follower was told to follow.',
      });
    return link;
  }

  /** A room of a name that is followed whole may have been made since the last look. */
  async #linkOf(room: RoomAddress): Promise<FollowerLink | null> {
    const known = this.#links.get(keyOf(room));
    if (known !== undefined) return known;
    await this.#listing.lookFor(room.name);
    return this.#links.get(keyOf(room)) ?? null;
  }

  /** A room that the primary does not have yet is made by it for the tab, where that user may, and one that it has not open is opened. */
  async #linkForTab(address: RoomAddress, { token: userToken }: HelloMessage, info: TabInfo): Promise<FollowerLink> {
    const known = await this.#linkOf(address);
    if (known !== null && !known.isShut) return known;
    const { follow, from, token } = this.#options;
    if (!follow.some(({ name, id }) => name === address.name && (id === null || id === address.id)))
      throw new AlcoveError('room_unknown', 'this follower does not follow the room');
    await openForTab({ from, token, address, userToken, info });
    this.#followRoom(address);
    const link = this.#links.get(keyOf(address));
    if (link === undefined) throw new AlcoveError('draining', 'the follower is stopping');
    link.again();
    return link;
  }

  #followRoom(address: RoomAddress): void {
    const key = keyOf(address);
    const definition = this.#options.rooms.get(address.name);
    if (this.#links.has(key) || definition === undefined || this.#closing !== null) return;
    const { from, token } = this.#options;
    const runtime = this.#runtime;
    const file = this.#fileOf(address, definition);
    const listener = this.#tabs.room(definition, address, () => link);
    const dial = dialPrimary(from, LINK_FRAME_BYTES_MAX);
    const link: FollowerLink = new FollowerLink({ address, from, token, runtime, file, dial, listener, wasGone: file.wasGone });
    this.#files.set(key, file);
    this.#links.set(key, link);
    link.start();
  }

  #fileOf(address: RoomAddress, definition: AnyRoom): FollowedFile {
    const { from, token, limits, retentionMs } = this.#options;
    return new FollowedFile({
      address,
      from,
      token,
      definition,
      files: this.#dataDir.roomFiles(address),
      runtime: this.#runtime,
      retentionMs,
      walBytesMax: limits.walBytesMax,
      holdOffReaders: ({ database }) => this.#readers.holdOff(database),
    });
  }

  #scheduleSweep(): void {
    this.#sweep = this.#runtime.setTimer(this.#options.limits.sweepIntervalMs, () => {
      for (const [key, file] of this.#files) file.tend(this.#links.get(key)?.isGone === true);
      this.#scheduleSweep();
    });
  }
}

/** @throws RoomUnavailable */
function definitionOf({ rooms }: ResolvedFollowerOptions, name: string): AnyRoom {
  const definition = rooms.get(name);
  if (definition === undefined) throw new RoomUnavailable(`this follower has no room of the name ${name}`);
  return definition;
}

const keyOf = ({ name, id }: RoomAddress): string => `${name}/${id}`;
