import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { invalid, numberOf } from '../../read/option-values.ts';
import { REPLICA_LIMITS, resolveReplica } from '../../read/replica-options.ts';
import { resolveRouterOptions } from '../../read/resolve-router-options.ts';
import type { ResolvedRouterOptions, RouterOptions } from '../../read/router-options.ts';

export interface PrimaryOptions {
  /** `postgres://user:password@host/database` */
  readonly url: string;
  /** Connections at once, 10 by default: for writes, and again as many for reads that no standby answers. */
  readonly pool?: number;
  /** 2,000 by default. */
  readonly connectTimeoutMs?: number;
  /** Of every session; 30,000 by default. */
  readonly statementTimeoutMs?: number;
}

/** An app's own PostgreSQL: a primary, its standbys, and how reads are routed over them, as those of rooms are (docs/guides/read-routing.md). Nothing of it comes from the environment. */
export interface DatabaseOptions extends RouterOptions {
  readonly primary: PrimaryOptions;
}

export interface ResolvedDatabases extends ResolvedRouterOptions {
  readonly primary: Required<PrimaryOptions>;
}

const PRIMARY_OPTIONS: KeysOf<PrimaryOptions> = { url: true, pool: true, connectTimeoutMs: true, statementTimeoutMs: true };

/** @throws AlcoveError `option_invalid`: names the option, what was given and what may be. */
export function resolveDatabases(from: string, given: unknown): ResolvedDatabases {
  if (typeof given !== 'object' || given === null || !('primary' in given))
    throw invalid(`${from} must be an object with primary: { url }, and is ${kindOf(given)}`);
  const { primary, ...routing } = given as DatabaseOptions; // each part is looked at below
  refuseUnknownKeys('option_invalid', `${from}.primary`, primary, PRIMARY_OPTIONS);
  const named = (field: string): string => `${from}.primary.${field}`;
  const { settings } = resolveReplica({ url: primary.url, id: 'primary' }, 1, named);
  if (settings.dialect !== 'postgres') throw invalid(`${named('url')} must begin with postgres://`);
  const resolved = resolveRouterOptions(routing, {});
  const other = resolved.replicas.find(({ settings: one }) => one.dialect !== 'postgres' || one.id === 'primary');
  if (other !== undefined)
    throw invalid(`${from}.replicas are standbys of the primary, postgres: with ids of their own, and ${other.settings.id} is not`);
  const numberIn = (name: 'pool' | 'connectTimeoutMs' | 'statementTimeoutMs'): number =>
    numberOf(named(name), primary[name] ?? REPLICA_LIMITS[name].default, REPLICA_LIMITS[name]);
  return {
    ...resolved,
    primary: {
      url: primary.url,
      pool: numberIn('pool'),
      connectTimeoutMs: numberIn('connectTimeoutMs'),
      statementTimeoutMs: numberIn('statementTimeoutMs'),
    },
  };
}
