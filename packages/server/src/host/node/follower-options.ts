import { resolve } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { Logger } from '@alcove/core/runtime/logger';
import { type AnyRoom, isRoom } from '@alcove/core/schema/define-room';
import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { createConsoleLogger } from './console-logger.ts';
import { isServerUrl } from '../../limits/server-url.ts';
import type { RoomLimits } from '../../room/room-options.ts';
import type { HostLimits } from './host-limits.ts';
import { checkOrigins, type OriginRule } from './origins.ts';
import { defaultReadersMax } from './reader-pool.ts';
import { resolvePath, resolveReaders, resolveServerLimits, resolveSwitch, resolveToken } from './server-options.ts';

/** What `createFollower` takes. What makes no sense is `option_invalid`, which names the option and what may be. */
export interface FollowerOptions<Rooms extends readonly AnyRoom[] = readonly AnyRoom[]> {
  /** The definitions that the primary has. */
  readonly rooms: Rooms;
  /** Its own, made where it is missing. One process uses it at a time. */
  readonly dataDir: string;
  /** Where the primary's sockets are opened: `ws://primary:8787/sync`. */
  readonly from: string;
  /** The primary's `followers.token`, which whoever reads here brings as well. Default: the environment's `ALCOVE_FOLLOWER_TOKEN`. */
  readonly token?: string;
  /** Rooms to follow: `trip/japan-2027`, or `trip/*` for all of a name, new ones among them. Default: all of all definitions. */
  readonly follow?: readonly string[];
  /** Where tabs connect and reads are answered. 0 takes a free one. Absent: only this process reads. */
  readonly port?: number;
  /** Default: all addresses. */
  readonly host?: string;
  /** Opens `/status` and `/sql` to whoever has it, beside the follower token. Default: the environment's `ALCOVE_ADMIN_TOKEN`; without one the follower token alone does. */
  readonly admin?: { readonly token: string };
  readonly path?: string;
  /** Processes that read; see createServer. */
  readonly readers?: number;
  /** Whether tabs may fetch snapshots as SQLite images over HTTP; true by default. */
  readonly image?: boolean;
  /** Origins of pages that may connect, as createServer has them. Default: the host the page came from. */
  readonly origins?: readonly string[];
  /** How long the file of a room stays, read by nobody, after the primary has said that it has no such room, in ms. Default: 30 days. 0: it goes at once. */
  readonly retentionMs?: number;
  /** Bounds of this process and of its rooms, as createServer has them. */
  readonly limits?: Partial<RoomLimits & HostLimits>;
  /** Default: one line an entry on standard error. */
  readonly log?: Logger;
}

const FOLLOWER_OPTIONS: KeysOf<FollowerOptions> = {
  rooms: true,
  dataDir: true,
  from: true,
  token: true,
  follow: true,
  port: true,
  host: true,
  admin: true,
  path: true,
  readers: true,
  image: true,
  origins: true,
  retentionMs: true,
  limits: true,
  log: true,
};

export interface ResolvedFollowerOptions {
  readonly rooms: ReadonlyMap<string, AnyRoom>;
  readonly dataDir: string;
  readonly from: string;
  readonly token: string;
  /** Null id: all rooms of the name. */
  readonly follow: readonly { readonly name: string; readonly id: string | null }[];
  readonly port: number | null;
  readonly host: string | null;
  readonly adminToken: string | null;
  readonly path: string;
  readonly readers: number;
  readonly image: boolean;
  readonly origins: OriginRule;
  readonly retentionMs: number;
  readonly limits: HostLimits;
  readonly roomLimits: RoomLimits;
  readonly log: Logger;
}

/** @throws AlcoveError `option_invalid` */
export function resolveFollowerOptions(options: FollowerOptions): ResolvedFollowerOptions {
  refuseUnknownKeys('option_invalid', 'createFollower', options, FOLLOWER_OPTIONS);
  const { rooms, dataDir, from, port } = options;
  if (!Array.isArray(rooms) || rooms.length === 0 || !rooms.every(isRoom))
    throw invalid('rooms must list at least one room made by defineRoom');
  if (typeof dataDir !== 'string' || dataDir === '') throw invalid('dataDir must be the path of a directory');
  if (typeof from !== 'string' || !/^wss?:/.test(from) || !isServerUrl(from))
    throw invalid(`from must be a ws: or wss: address, and is ${String(from)}`);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw invalid(`port must be a whole number from 0 to 65535, and is ${String(port)}`);
  const byName = new Map(rooms.map((room): [string, AnyRoom] => [room.name, room]));
  if (byName.size < rooms.length) throw invalid('rooms holds two rooms of one name');
  const { host, follow = [...byName.keys()].map((name) => `${name}/*`) } = options;
  if (host !== undefined && typeof host !== 'string') throw invalid(`host must be a name or an address, and is ${kindOf(host)}`);
  if (!Array.isArray(follow) || follow.length === 0) throw invalid(`follow must list rooms as NAME/ID or NAME/*, and is ${kindOf(follow)}`);
  const { hostLimits, roomLimits } = resolveServerLimits(options.limits ?? {}, 'the follower');
  return {
    rooms: byName,
    dataDir: resolve(dataDir),
    from,
    token: followerToken(options.token),
    follow: follow.map((pattern: string) => followed(pattern, byName)),
    port: port ?? null,
    host: host ?? null,
    adminToken: resolveToken('admin', options.admin, 'ALCOVE_ADMIN_TOKEN'),
    path: resolvePath(options.path ?? '/sync'),
    readers: resolveReaders(options.readers ?? defaultReadersMax()),
    image: resolveSwitch('image', options.image ?? true),
    origins: { origins: options.origins === undefined ? null : checkOrigins(options.origins), loopbackOnly: false },
    retentionMs: retention(options.retentionMs),
    limits: hostLimits,
    roomLimits,
    log: options.log ?? createConsoleLogger(),
  };
}

const DAY_MS = 24 * 60 * 60_000;
const RETENTION_MS_MAX = 3_650 * DAY_MS;

function retention(given: number = 30 * DAY_MS): number {
  if (Number.isInteger(given) && given >= 0 && given <= RETENTION_MS_MAX) return given;
  throw invalid(`retentionMs must be a whole number of ms from 0 to ${RETENTION_MS_MAX}, and is ${String(given)}`);
}

const invalid = (message: string): AlcoveError => new AlcoveError('option_invalid', message);

function followerToken(given: string | undefined): string {
  const token = given ?? process.env['ALCOVE_FOLLOWER_TOKEN'];
  if (typeof token === 'string' && /^\S{16,}$/.test(token)) return token;
  throw invalid('token, or ALCOVE_FOLLOWER_TOKEN, must be the follower token of the primary: 16 characters or more, none of them a space');
}

function followed(pattern: string, rooms: ReadonlyMap<string, AnyRoom>): { readonly name: string; readonly id: string | null } {
  const [, name = '', id = ''] = /^([A-Za-z][A-Za-z0-9_-]{0,63})\/(\*|(?!\.)[A-Za-z0-9._~-]{1,128})$/.exec(String(pattern)) ?? [];
  if (!rooms.has(name)) throw invalid(`follow names ${JSON.stringify(pattern)}; write NAME/ID or NAME/* with the name of one of rooms`);
  return { name, id: id === '*' ? null : id };
}
