import { limit } from '../limits/limits.ts';
import { invalid, nameOf, namesOf, numberOf, oneOf, switchOf } from './option-values.ts';
import { REPLICA_LIMITS, REPLICAS_MAX, type ReplicaOptions, resolveReplica } from './replica-options.ts';
import { ROUTER_LIMIT_NAMES, ROUTER_LIMITS, type RouterLimitName } from './router-limits.ts';
import type { RouterOptions } from './router-options.ts';
import { STRATEGIES } from './strategy.ts';

/** Variables by name, as `process.env` is; those of others are left alone. */
export type Environment = Readonly<Record<string, string | undefined>>;

const READS = 'ALCOVE_READS_';
const REPLICA = 'ALCOVE_REPLICA_';
const REPLICA_FIELDS = ['URL', 'ID', 'REGION', 'WEIGHT', 'TIER', 'PURPOSES', 'POOL', 'CONNECT_TIMEOUT_MS', 'STATEMENT_TIMEOUT_MS'] as const;
const OPTIONS = ['enabled', 'strategy', 'region', 'defaultToReplica', 'breaker', 'operationClasses'] as const;

/** `lagMsMax` is ALCOVE_READS_LAG_MS_MAX. */
const variableOf = (option: string): string => READS + option.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/**
 * The options that the environment holds: `ALCOVE_READS_STRATEGY`, `ALCOVE_READS_LAG_MS_MAX` and so on, `ALCOVE_REPLICA_1_URL`, `ALCOVE_REPLICA_1_REGION` … An empty variable is none.
 * @throws AlcoveError `option_invalid`: names the variable; also for one of these families that nobody reads.
 */
export function optionsFromEnvironment(environment: Environment): RouterOptions {
  const set = new Map(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
  refuseUnread(set);
  const text = (option: string): string | undefined => set.get(variableOf(option));
  const flag = (option: string): boolean | undefined =>
    parsed(variableOf(option), text(option), (from, given) => switchOf(from, boolean(given)));
  const limits: Partial<Record<RouterLimitName, number>> = {};
  for (const name of ROUTER_LIMIT_NAMES) {
    const given = text(name);
    if (given !== undefined) limits[name] = numberOf(variableOf(name), number(given), ROUTER_LIMITS[name]);
  }
  const replicas = replicasFrom(set);
  return withoutUnset({
    enabled: flag('enabled'),
    strategy: parsed(variableOf('strategy'), text('strategy'), (from, given) => oneOf(from, given, STRATEGIES)),
    region: parsed(variableOf('region'), text('region'), nameOf),
    defaultToReplica: flag('defaultToReplica'),
    breaker: flag('breaker'),
    operationClasses: parsed(variableOf('operationClasses'), text('operationClasses'), (from, given) => namesOf(from, list(given))),
    limits,
    replicas: replicas.length === 0 ? undefined : replicas,
  });
}

function refuseUnread(set: ReadonlyMap<string, string>): void {
  const known = new Set([...OPTIONS, ...ROUTER_LIMIT_NAMES].map(variableOf));
  for (const name of set.keys()) {
    if (name.startsWith(READS) && !known.has(name)) throw invalid(`${name} is no option of reads. There are: ${[...known].join(', ')}`);
    if (!name.startsWith(REPLICA)) continue;
    const [, , field] = /^ALCOVE_REPLICA_([1-9]\d?)_([A-Z_]+)$/.exec(name) ?? [];
    if (REPLICA_FIELDS.some((one) => one === field)) continue;
    const fields = REPLICA_FIELDS.map((one) => `_${one}`).join(', ');
    throw invalid(`${name} is no option of a replica. There are ${REPLICA}1 to ${REPLICA}${REPLICAS_MAX} with ${fields}`);
  }
}

function replicasFrom(set: ReadonlyMap<string, string>): readonly ReplicaOptions[] {
  const numbers = new Set(
    [...set.keys()].filter((name) => name.startsWith(REPLICA)).map((name) => Number(name.slice(REPLICA.length).split('_')[0])),
  );
  return [...numbers]
    .sort((a, b) => a - b)
    .map((place) => replicaFrom(set, numberOf(`${REPLICA}${place}`, place, limit(1, 1, REPLICAS_MAX))));
}

/** Looked at here, so that a message names the variable. */
function replicaFrom(set: ReadonlyMap<string, string>, place: number): ReplicaOptions {
  const named = (field: string): string => `${REPLICA}${place}_${field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const text = (field: string): string | undefined => set.get(named(field));
  const whole = (field: keyof typeof REPLICA_LIMITS): number | undefined =>
    parsed(named(field), text(field), (from, given) => numberOf(from, number(given), REPLICA_LIMITS[field]));
  const url = text('url');
  if (url === undefined) throw invalid(`${named('url')} is missing, and other variables of that replica are set`);
  const options: ReplicaOptions = withoutUnset({
    url,
    id: text('id') ?? `replica-${place}`,
    region: text('region'),
    weight: whole('weight'),
    tier: whole('tier'),
    purposes: parsed(named('purposes'), text('purposes'), (from, given) => namesOf(from, list(given))),
    pool: whole('pool'),
    connectTimeoutMs: whole('connectTimeoutMs'),
    statementTimeoutMs: whole('statementTimeoutMs'),
  });
  resolveReplica(options, place, named);
  return options;
}

const parsed = <T>(from: string, given: string | undefined, read: (from: string, given: string) => T): T | undefined =>
  given === undefined ? undefined : read(from, given);

/** What is not written like one is told as it stands. */
const number = (given: string): number | string => (/^\d{1,15}$/.test(given) ? Number(given) : given);
const boolean = (given: string): boolean | string =>
  given === 'true' || given === '1' ? true : given === 'false' || given === '0' ? false : given;
const list = (given: string): string[] => given.split(',').map((one) => one.trim());

type WithoutUnset<T> = { readonly [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  readonly [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

const withoutUnset = <T extends object>(given: T): WithoutUnset<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as WithoutUnset<T>; // the same keys without those that are undefined
