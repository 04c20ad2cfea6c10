import { AlcoveError } from '@alcove/core/error';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { DAY, limit, type Limit } from '../limits/limits.ts';
import { isServerUrl } from '../limits/server-url.ts';
import { checkNames, checkPrefix, MirrorNames } from './mirror-names.ts';

/** Where rooms are copied to, and how. */
export interface MirrorOptions {
  /**
   * `postgres://user:password@host/database` of a primary, 14 or newer, of a role that may make schemas in the database, and roles. Default: the environment's `ALCOVE_MIRROR_URL`.
   */
  readonly url?: string;
  /** Begins the names of all schemas and roles. One server writes under one; default `alcove`, or `ALCOVE_MIRROR_PREFIX`. */
  readonly prefix?: string;
  /** Names of the definitions whose rooms are mirrored; all by default. */
  readonly rooms?: readonly string[];
  /** A change waits at most so long for others that go with it: 100 by default. */
  readonly batchMs?: number;
  /** So many versions do not wait, and a statement has so many rows at most: 500 by default. */
  readonly batchChanges?: number;
  /** How long the rows of a deleted room stay: 30 days by default. Nobody but the owner of the tables sees them. */
  readonly retentionMs?: number;
  /** Each room is compared with its mirror once in it: an hour by default; 0: never. */
  readonly checkIntervalMs?: number;
  /** Rooms that are written at once, each over a connection of its own: 2 by default. Up to three more hold the place, compare and tidy up. */
  readonly connections?: number;
}

export interface ResolvedMirror {
  readonly url: string;
  readonly prefix: string;
  readonly rooms: readonly string[];
  readonly batchMs: number;
  readonly batchChanges: number;
  readonly retentionMs: number;
  readonly checkIntervalMs: number;
  readonly connections: number;
}

/** What may be given, and what is so else. */
export const MIRROR_LIMITS = {
  batchMs: limit(100, 0, 60_000),
  batchChanges: limit(500, 1, 10_000),
  retentionMs: limit(30 * DAY, 0, 3_650 * DAY),
  checkIntervalMs: limit(3_600_000, 0, 365 * DAY),
  connections: limit(2, 1, 32),
} as const satisfies Record<string, Limit>;

const MIRROR_OPTIONS: KeysOf<MirrorOptions> = {
  url: true,
  prefix: true,
  rooms: true,
  batchMs: true,
  batchChanges: true,
  retentionMs: true,
  checkIntervalMs: true,
  connections: true,
};

/**
 * The option `mirror` of a server, with what the environment says where it does not. Null: there is none.
 * @throws AlcoveError `option_invalid`: names the field, and quotes nothing of a url
 */
export function resolveMirror(
  given: MirrorOptions | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  rooms: ReadonlyMap<string, AnyRoom>,
): ResolvedMirror | null {
  if (given !== undefined) refuseUnknownKeys('option_invalid', 'mirror', given, MIRROR_OPTIONS);
  const urlFrom = given?.url === undefined ? 'ALCOVE_MIRROR_URL' : 'mirror.url';
  const url: unknown = given?.url ?? environment['ALCOVE_MIRROR_URL'];
  if (url === undefined || url === '') {
    if (given === undefined) return null;
    throw invalid('mirror.url is missing, and so is ALCOVE_MIRROR_URL');
  }
  const prefixFrom = given?.prefix === undefined ? 'ALCOVE_MIRROR_PREFIX' : 'mirror.prefix';
  const prefix = checkPrefix(prefixFrom, given?.prefix ?? (environment['ALCOVE_MIRROR_PREFIX'] || 'alcove'));
  const names = namesOf(given?.rooms, rooms);
  const mirrored = [...rooms.values()].filter(({ name }) => names.includes(name)).map(({ name, model }) => ({ name, model }));
  checkNames(new MirrorNames(prefix), mirrored);
  return {
    url: urlOf(urlFrom, url),
    prefix,
    rooms: names,
    batchMs: numberOf('batchMs', given?.batchMs),
    batchChanges: numberOf('batchChanges', given?.batchChanges),
    retentionMs: numberOf('retentionMs', given?.retentionMs),
    checkIntervalMs: numberOf('checkIntervalMs', given?.checkIntervalMs),
    connections: numberOf('connections', given?.connections),
  };
}

/** Scheme, host and database; who signs in stands before an @, and what follows a ? may hold a password. */
const PG_URL = /^(postgres(?:ql)?):\/\/(?:[^/\s]*@)?([^@/?#\s]+)\/([^/?#\s]+)(?:\?\S*)?$/;

/** For people: where it is, without who signs in and with what. */
export const shownUrl = (url: string): string => url.replace(PG_URL, '$1://$2/$3');

function namesOf(given: unknown, rooms: ReadonlyMap<string, AnyRoom>): readonly string[] {
  if (given === undefined) return [...rooms.keys()];
  if (!Array.isArray(given) || given.length === 0) throw invalid(`mirror.rooms must be a list of room names, and is ${kindOf(given)}`);
  return given.map((name: unknown) => {
    if (typeof name === 'string' && rooms.has(name)) return name;
    throw invalid(`mirror.rooms names ${JSON.stringify(name)}, but rooms holds only: ${[...rooms.keys()].join(', ')}`);
  });
}

function urlOf(from: string, given: unknown): string {
  if (typeof given === 'string' && PG_URL.test(given) && isServerUrl(given)) return given;
  throw invalid(`${from} must look like postgres://user:password@host:5432/database, with %20 for a space in the password, %40 for an @`);
}

function numberOf(name: keyof typeof MIRROR_LIMITS, given: unknown): number {
  const { default: otherwise, min, max } = MIRROR_LIMITS[name];
  const value = given ?? otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(
    `mirror.${name} must be a whole number from ${min} to ${max}, and is ${typeof value === 'number' ? String(value) : kindOf(value)}`,
  );
}

const invalid = (message: string): AlcoveError => new AlcoveError('option_invalid', message);
