import type { IncomingHttpHeaders } from 'node:http';
import { resolve } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Logger } from '@alcove/core/runtime/logger';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims, MutatorTx } from '@alcove/core/schema/define-mutator';
import { isObject, kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import type { AccessAction } from '../../access/access.ts';
import type { ReplicaOptions } from '../../read/replica-options.ts';
import { type MirrorOptions, type ResolvedMirror, resolveMirror } from '../../mirror/mirror-options.ts';
import { type DatabaseOptions, type ResolvedDatabases, resolveDatabases } from '../postgres/database-options.ts';
import { resolveRouterOptions } from '../../read/resolve-router-options.ts';
import type { ResolvedRouterOptions, RouterOptions } from '../../read/router-options.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import { resolveLimits } from '../../limits/limits.ts';
import { resolveRoomOptions, ROOM_LIMITS } from '../../room/room-options.ts';
import type { RoomLimits } from '../../room/room-options.ts';
import { createConsoleLogger } from './console-logger.ts';
import type { DriverOptions } from './driver-options.ts';
import { HOST_LIMITS, resolveHostLimits } from './host-limits.ts';
import type { HostLimits } from './host-limits.ts';
import { defaultReadersMax } from './reader-pool.ts';
import { checkOrigins, isLoopbackAddress, isLoopbackName } from './origins.ts';
import type { OriginRule } from './origins.ts';

/** What is known of a peer besides its token. Headers can be made up by anybody. */
export interface ConnectionInfo {
  /** Of the socket: a proxy's, where there is one. */
  readonly remoteAddress: string;
  /** The page's origin; undefined for peers that are no browsers. */
  readonly origin: string | undefined;
  /**
   * Of the request that opened the socket. `cookie` is among them only where the page is known to be the app's own: of the host it asks, or of an origin that `origins`
   * names. Browsers send cookies with the sockets of every page, so without that a stranger's page could speak as whoever looks at it.
   */
  readonly headers: IncomingHttpHeaders;
  /**
   * Of somebody who is connected to a follower: what that has seen of the page's socket, for logs. The rest is then of the follower's own socket; cookies do not come this way.
   */
  readonly relayed?: { readonly remoteAddress: string; readonly origin: string | undefined };
}

/**
 * Says who is connecting: claims (`sub` names the person, `exp` ends the session at that second; `{}` is nobody in particular), or null to refuse with
 * `unauthenticated`. Throwing an AlcoveError tells the client
 * that code; anything else thrown counts as `unauthenticated`, as verifiers throw for a bad token.
 */
export type Authenticate = (token: string | null, connection: ConnectionInfo) => Claims | null | Promise<Claims | null>;

/**
 * Whether a user may do something in a room; `AccessAction` says what. A promise is waited for with `open`, `create`, `list` and `sql`; for the others it counts as
 * no. So does a throw.
 */
export type Authorize = (claims: Claims | null, action: AccessAction, room: RoomAddress) => boolean | Promise<boolean>;

/** Fills a new room: a function that writes, or the path of a SQLite file with the room's tables, or of an exported room. */
export type Seed = string | ((tx: MutatorTx, room: RoomAddress) => void);

/** What `createServer` takes. What makes no sense is `option_invalid`, which names the option and what may be. */
export interface ServerOptions<Rooms extends readonly AnyRoom[] = readonly AnyRoom[]> {
  /** Definitions whose rooms it serves, each name once. */
  readonly rooms: Rooms;
  /** Made where it is missing. One process uses it at a time. */
  readonly dataDir: string;
  /** 0 takes a free one. Absent: the server does not listen; see `attach`. */
  readonly port?: number;
  /** Default: all addresses with `authenticate`, loopback only without. */
  readonly host?: string;
  /** Where sockets are opened, `/sync` by default. */
  readonly path?: string;
  /** Without it nobody is authenticated and only this machine may connect. */
  readonly authenticate?: Authenticate;
  /** Default: everybody who was authenticated may do everything. */
  readonly authorize?: Authorize;
  /** Origins of pages that may connect, exact (`https://app.example`); `*` for all. Default: the host the page came from, and localhost where nobody is authenticated. */
  readonly origins?: readonly string[];
  /** For all rooms, or by room name. */
  readonly seed?: Seed | Readonly<Record<string, Seed>>;
  /** What a commit waits for, FULL by default: an acknowledged mutation survives a power cut. With NORMAL and OFF it survives a crash of the process only; after a power cut a room may be `history_lost`. */
  readonly synchronous?: NonNullable<DriverOptions['synchronous']>;
  /** Whether joining a room that does not exist makes it; true by default. Else only `rooms.create` does. */
  readonly createOnJoin?: boolean;
  /** Whether snapshots may be built as SQLite images and fetched over HTTP; true by default. Else all go as rows over the socket. */
  readonly image?: boolean;
  /**
   * Processes that answer `room.sql`, each with one read at a time; by default one less than there are cores, at least two, since one user never has all of them. 0: none, and who reads by SQL is told `sql_unavailable`, as
   * everywhere where @photostructure/sqlite, the sandbox, cannot be had.
   */
  readonly readers?: number;
  /** Opens rooms whose file is older than their recorded head, as a new history. */
  readonly acceptLostTail?: boolean;
  /** Whether SIGTERM and SIGINT drain the server; true by default. */
  readonly signals?: boolean;
  /**
   * Opens `/status`, `/metrics` and the dashboard under `path` to whoever has the token: 16 characters at least, any but spaces. Default: the environment's `ALCOVE_ADMIN_TOKEN`; where
   * there is neither, nobody sees them.
   */
  readonly admin?: { readonly token: string };
  /**
   * Lets followers (`createFollower`) copy rooms and read the whole log, rows that no user may see among it: whoever has the token, 16 characters at least. Default: the environment's
   * `ALCOVE_FOLLOWER_TOKEN`; where there is neither, nobody follows.
   */
  readonly followers?: { readonly token: string };
  /**
   * Who else answers reads, and how a read finds who answers it: a list of followers, or that and more. What is not given comes from the environment (`ALCOVE_REPLICA_1_URL`,
   * `ALCOVE_READS_STRATEGY` …). Default: this server's own readers alone.
   */
  readonly replicas?: readonly ReplicaOptions[] | RouterOptions;
  /**
   * Copies rooms to tables in PostgreSQL and keeps them in step, from a process of its own. What is not given comes from the environment (`ALCOVE_MIRROR_URL`, `ALCOVE_MIRROR_PREFIX`); default: there is
   * none. See docs/guides/mirrors.md.
   */
  readonly mirror?: MirrorOptions;
  /** The app's own PostgreSQL, for `server.replicas`: a primary and its standbys. Default: none. See docs/guides/postgres.md. */
  readonly databases?: DatabaseOptions;
  /** Bounds other than the defaults, which docs/GUIDE.md lists with what happens at each. */
  readonly limits?: Partial<RoomLimits & HostLimits>;
  /** Default: one line an entry on standard error. */
  readonly log?: Logger;
}

/** Every option there is. */
export const SERVER_OPTIONS: KeysOf<ServerOptions> = {
  rooms: true,
  dataDir: true,
  port: true,
  host: true,
  path: true,
  authenticate: true,
  authorize: true,
  origins: true,
  seed: true,
  synchronous: true,
  createOnJoin: true,
  image: true,
  readers: true,
  acceptLostTail: true,
  signals: true,
  admin: true,
  followers: true,
  replicas: true,
  mirror: true,
  databases: true,
  limits: true,
  log: true,
};

export interface ResolvedServerOptions {
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly dataDir: string;
  readonly port: number | null;
  /** Null: all addresses. */
  readonly host: string | null;
  readonly path: string;
  readonly authenticate: Authenticate | null;
  readonly authorize: Authorize | null;
  readonly origins: OriginRule;
  readonly seeds: ReadonlyMap<string, Seed>;
  readonly synchronous: NonNullable<DriverOptions['synchronous']>;
  readonly createOnJoin: boolean;
  readonly image: boolean;
  readonly readers: number;
  readonly acceptLostTail: boolean;
  readonly signals: boolean;
  /** Null: there is no admin. */
  readonly adminToken: string | null;
  /** Null: nobody follows. */
  readonly followerToken: string | null;
  readonly replicas: ResolvedRouterOptions;
  /** Null: there is none. */
  readonly mirror: ResolvedMirror | null;
  readonly databases: ResolvedDatabases | null;
  readonly roomLimits: RoomLimits;
  readonly hostLimits: HostLimits;
  readonly log: Logger;
}

/** @throws AlcoveError `option_invalid`: names the option, what was given and what may be. */
export const resolveServerOptions = (options: ServerOptions): ResolvedServerOptions => {
  refuseUnknownKeys('option_invalid', 'createServer', options, SERVER_OPTIONS);
  const rooms = resolveRooms(options.rooms);
  const loopbackOnly = options.authenticate === undefined;
  return {
    rooms,
    dataDir: resolveDataDir(options.dataDir),
    port: resolvePort(options.port),
    host: resolveHost(options.host, loopbackOnly),
    path: resolvePath(options.path ?? '/sync'),
    authenticate: resolveFunction('authenticate', options.authenticate),
    authorize: resolveFunction('authorize', options.authorize),
    origins: { origins: options.origins === undefined ? null : checkOrigins(options.origins), loopbackOnly },
    seeds: resolveSeeds(options.seed, rooms),
    synchronous: resolveSynchronous(options.synchronous ?? 'FULL'),
    createOnJoin: resolveSwitch('createOnJoin', options.createOnJoin ?? true),
    image: resolveSwitch('image', options.image ?? true),
    readers: resolveReaders(options.readers ?? defaultReadersMax()),
    acceptLostTail: resolveSwitch('acceptLostTail', options.acceptLostTail ?? false),
    signals: resolveSwitch('signals', options.signals ?? true),
    adminToken: resolveToken('admin', options.admin, 'ALCOVE_ADMIN_TOKEN'),
    followerToken: resolveToken('followers', options.followers, 'ALCOVE_FOLLOWER_TOKEN'),
    replicas: resolveReads(options.replicas ?? {}),
    mirror: resolveMirror(options.mirror, process.env, rooms),
    databases: options.databases === undefined ? null : resolveDatabases('databases', options.databases),
    ...resolveServerLimits(options.limits ?? {}, 'the server'),
    log: options.log ?? createConsoleLogger(),
  };
};

const invalid = (message: string): AlcoveError => new AlcoveError('option_invalid', message);

const resolveRooms = (rooms: readonly AnyRoom[]): ReadonlyMap<string, AnyRoom> => {
  if (!Array.isArray(rooms) || rooms.length === 0) throw invalid('rooms must list at least one room made by defineRoom');
  const byName = new Map<string, AnyRoom>();
  for (const room of rooms) {
    if (room?.kind !== 'room') throw invalid('rooms holds something that was not made by defineRoom');
    if (byName.has(room.name)) throw invalid(`rooms holds two rooms of the name ${room.name}`);
    byName.set(room.name, room);
  }
  return byName;
};

const resolveDataDir = (dataDir: string): string => {
  if (typeof dataDir !== 'string' || dataDir === '') throw invalid('dataDir must be the path of a directory');
  return resolve(dataDir);
};

const resolvePort = (port: number | undefined): number | null => {
  if (port === undefined) return null;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid(`port must be a whole number from 0 to 65535, and is ${String(port)}`);
  return port;
};

const READERS_MAX = 256;

/** @throws AlcoveError `option_invalid` */
export const resolveReaders = (readers: number): number => {
  if (Number.isInteger(readers) && readers >= 0 && readers <= READERS_MAX) return readers;
  throw invalid(
    `readers must be a whole number from 0 to ${READERS_MAX}, and is ${typeof readers === 'number' ? readers : kindOf(readers)}`,
  );
};

/** @throws AlcoveError `option_invalid` */
export const resolveSwitch = (name: string, given: boolean): boolean => {
  if (typeof given === 'boolean') return given;
  throw invalid(`${name} must be true or false, and is ${kindOf(given)}`);
};

const resolveFunction = <Fn>(name: string, given: Fn | undefined): Fn | null => {
  if (given === undefined || typeof given === 'function') return given ?? null;
  throw invalid(`${name} must be a function, and is ${kindOf(given)}`);
};

const resolveReads = (given: NonNullable<ServerOptions['replicas']>): ResolvedRouterOptions =>
  resolveRouterOptions(isReplicaList(given) ? { replicas: given } : given, process.env);

const isReplicaList = (given: NonNullable<ServerOptions['replicas']>): given is readonly ReplicaOptions[] => Array.isArray(given);

const TOKEN_OPTION: KeysOf<{ token: string }> = { token: true };

/** What it guards is guessed at by machines. */
/** Null: none is given, nor in the environment. @throws AlcoveError `option_invalid` */
export const resolveToken = (name: string, given: { readonly token: string } | undefined, variable: string): string | null => {
  if (given !== undefined) refuseUnknownKeys('option_invalid', name, given, TOKEN_OPTION);
  const token = given === undefined ? process.env[variable] : given.token;
  if (given === undefined && (token === undefined || token === '')) return null;
  if (typeof token === 'string' && /^\S{16,}$/.test(token)) return token;
  const what = given === undefined ? variable : `${name}.token`;
  throw new AlcoveError('option_invalid', `${what} must be 16 characters or more, none of them a space`);
};

const resolveHost = (host: string | undefined, loopbackOnly: boolean): string | null => {
  if (host !== undefined && typeof host !== 'string') throw invalid(`host must be a name or an address, and is ${kindOf(host)}`);
  if (!loopbackOnly) return host ?? null;
  if (host !== undefined && !isLoopbackName(host) && !isLoopbackAddress(host)) {
    throw new AlcoveError('option_invalid', `host is ${host}, but without authenticate only this machine may connect`, {
      hint: 'Give createServer an `authenticate` (one that returns {} lets everybody in), or leave `host` out.',
    });
  }
  return host ?? '127.0.0.1';
};

export const resolvePath = (path: string): string => {
  if (!/^(?:\/[A-Za-z0-9._~-]+)+$/.test(path))
    throw invalid(`path must look like /sync, without a slash at the end, and is ${JSON.stringify(path)}`);
  return path;
};

const resolveSynchronous = (synchronous: string): NonNullable<DriverOptions['synchronous']> => {
  if (synchronous === 'FULL' || synchronous === 'NORMAL' || synchronous === 'OFF') return synchronous;
  throw invalid(`synchronous must be FULL, NORMAL or OFF, and is ${synchronous}`);
};

const resolveSeeds = (seed: ServerOptions['seed'], rooms: ReadonlyMap<string, AnyRoom>): ReadonlyMap<string, Seed> => {
  if (seed === undefined) return new Map();
  if (typeof seed !== 'string' && typeof seed !== 'function' && !isObject(seed))
    throw invalid(`seed must be a function, a path, or one of them by room name, and is ${kindOf(seed)}`);
  if (typeof seed === 'string' || typeof seed === 'function') return new Map([...rooms.keys()].map((name) => [name, seed]));
  const seeds = new Map(Object.entries(seed));
  const unknown = [...seeds.keys()].find((name) => !rooms.has(name));
  if (unknown !== undefined) throw invalid(`seed names ${unknown}, but rooms holds only: ${[...rooms.keys()].join(', ')}`);
  return seeds;
};

/** One namespace for the author, two owners of the limits. */
export const resolveServerLimits = (
  limits: Partial<RoomLimits & HostLimits>,
  owner: string,
): { roomLimits: RoomLimits; hostLimits: HostLimits } => {
  if (!isObject(limits)) throw invalid(`limits must be an object of numbers, and is ${kindOf(limits)}`);
  resolveLimits({ ...ROOM_LIMITS, ...HOST_LIMITS }, limits, { owner }); // so that a wrong name is told with all there are
  const entries = Object.entries(limits);
  const of = (table: object): Partial<RoomLimits & HostLimits> =>
    Object.fromEntries(entries.filter(([name]) => Object.hasOwn(table, name)));
  return { roomLimits: resolveRoomOptions({ limits: of(ROOM_LIMITS) }).limits, hostLimits: resolveHostLimits(of(HOST_LIMITS)) };
};
