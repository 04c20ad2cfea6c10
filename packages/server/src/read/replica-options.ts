import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { limit } from '../limits/limits.ts';
import { isServerUrl } from '../limits/server-url.ts';
import { invalid, nameOf, namesOf, numberOf } from './option-values.ts';
import type { Dialect } from './replica.ts';
import type { ReplicaSettings } from './replica-state.ts';

export interface ReplicaOptions {
  /** `ws://` or `wss://` of a follower, `postgres://` of a mirror. */
  readonly url: string;
  /** In answers, metrics and logs. Default: `replica-1` and so on, by its place. */
  readonly id?: string;
  readonly region?: string;
  /** Its part of the reads beside the others' weights, 1 by default; 0: it takes none. */
  readonly weight?: number;
  /** 0 by default; those of the next tier are asked while nobody of those before it can be. */
  readonly tier?: number;
  /** Set aside for reads of these purposes. */
  readonly purposes?: readonly string[];
  /** Reads that it has at once, 10 by default; of a PostgreSQL also the connections to it. */
  readonly pool?: number;
  /** Of a PostgreSQL: for a connection, 2,000 by default. */
  readonly connectTimeoutMs?: number;
  /** Of a PostgreSQL: upper bound for one statement there, 30,000 by default; what a read may take at all may be less. */
  readonly statementTimeoutMs?: number;
}

export interface ResolvedReplica {
  readonly url: string;
  readonly settings: ReplicaSettings;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

export const REPLICA_LIMITS = {
  weight: limit(1, 0, 1_000),
  tier: limit(0, 0, 9),
  pool: limit(10, 1, 1_000),
  connectTimeoutMs: limit(2_000, 10, 60_000),
  statementTimeoutMs: limit(30_000, 10, 600_000),
} as const;
/** Each is looked at with each read. */
export const REPLICAS_MAX = 64;
const PURPOSES_MAX = 8;

const REPLICA_OPTIONS: KeysOf<ReplicaOptions> = {
  url: true,
  id: true,
  region: true,
  weight: true,
  tier: true,
  purposes: true,
  pool: true,
  connectTimeoutMs: true,
  statementTimeoutMs: true,
};
const DIALECTS: Readonly<Record<string, Dialect>> = { ws: 'sqlite', wss: 'sqlite', postgres: 'postgres', postgresql: 'postgres' };

/** Of the option `replicas`. @throws AlcoveError `option_invalid` */
export function resolveReplicas(given: unknown): readonly ResolvedReplica[] {
  if (!Array.isArray(given)) throw invalid(`replicas must be a list, and is ${kindOf(given)}`);
  if (given.length > REPLICAS_MAX) throw invalid(`replicas holds ${given.length}, and may hold ${REPLICAS_MAX}`);
  const replicas = given.map((one: unknown, index) => {
    refuseUnknownKeys('option_invalid', `replicas[${index}]`, one, REPLICA_OPTIONS);
    return resolveReplica(one as ReplicaOptions, index + 1, (field) => `replicas[${index}].${field}`); // an object of no other keys; each is looked at
  });
  const ids = replicas.map(({ settings }) => settings.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid(`replicas holds two of the id ${twice}`);
  return replicas;
}

/**
 * @param number For its id where it has none, from 1.
 * @param named How a message names a field of it.
 * @throws AlcoveError `option_invalid`
 */
export function resolveReplica(given: ReplicaOptions, number: number, named: (field: string) => string): ResolvedReplica {
  const { url, id, region, weight, tier, purposes, pool, connectTimeoutMs, statementTimeoutMs } = given;
  const list = purposes === undefined ? [] : namesOf(named('purposes'), purposes);
  if (list.length > PURPOSES_MAX) throw invalid(`${named('purposes')} holds ${list.length}, and may hold ${PURPOSES_MAX}`);
  const settings: ReplicaSettings = {
    id: id === undefined ? `replica-${number}` : nameOf(named('id'), id),
    dialect: dialectOf(named('url'), url),
    region: region === undefined ? null : nameOf(named('region'), region),
    weight: numberOf(named('weight'), weight ?? REPLICA_LIMITS.weight.default, REPLICA_LIMITS.weight),
    tier: numberOf(named('tier'), tier ?? REPLICA_LIMITS.tier.default, REPLICA_LIMITS.tier),
    purposes: list,
    concurrencyMax: numberOf(named('pool'), pool ?? REPLICA_LIMITS.pool.default, REPLICA_LIMITS.pool),
    isPrimary: false,
  };
  const dialect = settings.dialect;
  for (const [name, value] of Object.entries({ connectTimeoutMs, statementTimeoutMs }))
    if (value !== undefined && dialect !== 'postgres') throw invalid(`${named(name)} is for PostgreSQL, and ${settings.id} is none`);
  const timeOf = (name: 'connectTimeoutMs' | 'statementTimeoutMs', value: number | undefined): number =>
    numberOf(named(name), value ?? REPLICA_LIMITS[name].default, REPLICA_LIMITS[name]);
  return {
    url,
    settings,
    connectTimeoutMs: timeOf('connectTimeoutMs', connectTimeoutMs),
    statementTimeoutMs: timeOf('statementTimeoutMs', statementTimeoutMs),
  };
}

/** The message quotes nothing of the url past its scheme: it may hold a password. */
function dialectOf(from: string, url: unknown): Dialect {
  const schemes = Object.keys(DIALECTS).map((scheme) => `${scheme}://`);
  if (typeof url !== 'string') throw invalid(`${from} must begin with ${schemes.join(', ')}, and is ${kindOf(url)}`);
  const [, scheme = ''] = /^([a-z]{1,20}):\/\/[^/\s]/.exec(url) ?? [];
  const dialect = Object.hasOwn(DIALECTS, scheme) ? DIALECTS[scheme] : undefined;
  if (dialect === undefined || /\s/.test(url))
    throw invalid(`${from} must begin with ${schemes.join(', ')} and name a host${scheme === '' ? '' : `, and is of ${scheme}://`}`);
  if (!isServerUrl(url)) throw invalid(`${from} is no address: a host, a port up to 65535, and %40 for an @ in a password, %25 for a %`);
  return dialect;
}
