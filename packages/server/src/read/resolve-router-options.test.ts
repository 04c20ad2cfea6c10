import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { resolveRouterOptions } from './resolve-router-options.ts';
import { ROUTER_LIMITS } from './router-limits.ts';
import type { RouterOptions } from './router-options.ts';

const message = (options: unknown, environment: Record<string, string | undefined> = {}): string => {
  try {
    resolveRouterOptions(options as RouterOptions, environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'option_invalid' });
    return (error as Error).message;
  }
  return 'taken';
};

describe('[RD-30] options of the routing', () => {
  test('without any there are defaults', () => {
    const { router, replicas } = resolveRouterOptions({});
    expect(router).toMatchObject({
      enabled: true,
      strategy: 'least-connections',
      region: null,
      defaultToReplica: true,
      isBreakerOn: true,
      breaker: { failuresMax: 5, windowMs: 10_000, openMs: 60_000, rampMs: 30_000 },
      limits: { retriesMax: 2, failoverTimeoutMs: 5_000, checkIntervalMs: 30_000 },
    });
    expect(replicas).toEqual([]);
  });

  test('those that are given come first, then the environment, then the default', () => {
    const environment = {
      ALCOVE_READS_STRATEGY: 'latency',
      ALCOVE_READS_REGION: 'eu',
      ALCOVE_READS_ENABLED: 'false',
      ALCOVE_READS_BREAKER: '0',
      ALCOVE_READS_LAG_MS_MAX: '250',
      ALCOVE_READS_RETRIES_MAX: '1',
      ALCOVE_READS_OPERATION_CLASSES: 'export, report',
      ALCOVE_READS_DEFAULT_TO_REPLICA: '',
      ALCOVE_OTHER: 'x',
      PATH: '/bin',
    };
    const { router } = resolveRouterOptions({ strategy: 'region', limits: { lagMsMax: 100 } }, environment);
    expect(router).toMatchObject({
      enabled: false,
      strategy: 'region',
      region: 'eu',
      defaultToReplica: true,
      isBreakerOn: false,
      operationClasses: new Set(['export', 'report']),
      lagMsMax: 100,
      lagVersionsMax: 1_000,
      limits: { lagMsMax: 100, retriesMax: 1 },
    });
  });

  test('replicas of the environment, by number; a list that is given stands alone', () => {
    const environment = {
      ALCOVE_REPLICA_2_URL: 'postgres://reader:secret@db/app',
      ALCOVE_REPLICA_2_REGION: 'us',
      ALCOVE_REPLICA_2_WEIGHT: '0',
      ALCOVE_REPLICA_2_TIER: '1',
      ALCOVE_REPLICA_2_PURPOSES: 'analytics,export',
      ALCOVE_REPLICA_2_POOL: '4',
      ALCOVE_REPLICA_2_CONNECT_TIMEOUT_MS: '300',
      ALCOVE_REPLICA_2_STATEMENT_TIMEOUT_MS: '4000',
      ALCOVE_REPLICA_10_URL: 'wss://follower.example',
      ALCOVE_REPLICA_10_ID: 'near',
    };
    const { replicas, router } = resolveRouterOptions({}, environment);
    const [second, tenth] = replicas;
    expect(second).toEqual({
      url: 'postgres://reader:secret@db/app',
      settings: {
        id: 'replica-2',
        dialect: 'postgres',
        region: 'us',
        weight: 0,
        tier: 1,
        purposes: ['analytics', 'export'],
        concurrencyMax: 4,
        isPrimary: false,
      },
      connectTimeoutMs: 300,
      statementTimeoutMs: 4_000,
    });
    expect(tenth?.settings).toMatchObject({ id: 'near', dialect: 'sqlite', weight: 1, tier: 0, purposes: [], concurrencyMax: 10 });
    expect(router.operationClasses).toEqual(new Set(['analytics', 'export']));
    const listed = resolveRouterOptions({ replicas: [{ url: 'ws://a' }, { url: 'ws://b', id: 'b' }] }, environment);
    expect(listed.replicas.map(({ settings }) => settings.id)).toEqual(['replica-1', 'b']);
    expect(resolveRouterOptions({ replicas: [] }, environment).replicas).toEqual([]);
  });

  it.each<[unknown, string]>([
    [null, 'routing of reads takes an object of options, and got null'],
    [{ stratgy: 'region' }, 'routing of reads takes no "stratgy": did you mean strategy?'],
    [{ strategy: 'fastest' }, 'strategy must be one of round-robin, weighted, least-connections, latency, region, and is "fastest"'],
    [{ enabled: 'yes' }, 'enabled must be true or false, and is "yes"'],
    [{ region: 'eu west' }, 'region must be 1 to 64 characters from A-Z a-z 0-9 _ -, and is "eu west"'],
    [{ limits: { lagMsMin: 1 } }, 'limits of the routing of reads takes no "lagMsMin": did you mean lagMsMax?'],
    [{ limits: { retriesMax: 6 } }, 'limits.retriesMax must be a whole number from 0 to 5, and is 6'],
    [{ limits: { rampMs: Number.NaN } }, 'limits.rampMs must be a whole number from 1 to 600000, and is NaN'],
    [{ operationClasses: ['a', 7] }, 'operationClasses[1] must be 1 to 64 characters from A-Z a-z 0-9 _ -, and is a number'],
    [
      { operationClasses: Array.from({ length: 17 }, (_, index) => `c${index}`) },
      'operationClasses and the purposes of replicas are 17 together, and may be 16',
    ],
    [{ statements: { write: 'primary' } }, 'statements.write can only be refuse: reads change nothing'],
    [{ statements: { read: 'anyone' } }, 'statements.read must be one of replica, primary, refuse, and is "anyone"'],
    [{ replicas: {} }, 'replicas must be a list, and is an object'],
    [{ replicas: [{}] }, 'replicas[0].url must begin with ws://, wss://, postgres://, postgresql://, and is undefined'],
    [
      { replicas: [{ url: 'http://u:secret@x' }] },
      'replicas[0].url must begin with ws://, wss://, postgres://, postgresql:// and name a host, and is of http://',
    ],
    ...['ws://[', 'wss://a:65536/sync', 'postgres://u:50%@db/app', 'postgres://u:%ff@db/app', 'ws://a|b/'].map((url): [unknown, string] => [
      { replicas: [{ url }] },
      'replicas[0].url is no address: a host, a port up to 65535, and %40 for an @ in a password, %25 for a %',
    ]),
    [{ replicas: [{ url: 'ws://a', weight: -1 }] }, 'replicas[0].weight must be a whole number from 0 to 1000, and is -1'],
    [
      { replicas: [{ url: 'ws://a', id: 'a', statementTimeoutMs: 100 }] },
      'replicas[0].statementTimeoutMs is for PostgreSQL, and a is none',
    ],
    [
      { replicas: [{ url: 'postgres://a', connectTimeoutMs: 0 }] },
      'replicas[0].connectTimeoutMs must be a whole number from 10 to 60000, and is 0',
    ],
    [{ replicas: [{ url: 'ws://a', wieght: 2 }] }, 'replicas[0] takes no "wieght": did you mean weight?'],
    [{ replicas: [{ url: 'ws://a', purposes: 'analytics' }] }, 'replicas[0].purposes must be a list of names, and is "analytics"'],
    [
      {
        replicas: [
          { url: 'ws://a', id: 'x' },
          { url: 'ws://b', id: 'x' },
        ],
      },
      'replicas holds two of the id x',
    ],
    [{ replicas: Array.from({ length: 65 }, () => ({ url: 'ws://a' })) }, 'replicas holds 65, and may hold 64'],
  ])('%j: %s', (options, expected) => {
    expect(message(options)).toBe(expected);
  });

  it.each<[Record<string, string>, string]>([
    [
      { ALCOVE_READS_STRATEGY: 'fast' },
      'ALCOVE_READS_STRATEGY must be one of round-robin, weighted, least-connections, latency, region, and is "fast"',
    ],
    [{ ALCOVE_READS_ENABLED: 'on' }, 'ALCOVE_READS_ENABLED must be true or false, and is "on"'],
    [{ ALCOVE_READS_LAG_MS_MAX: '1s' }, 'ALCOVE_READS_LAG_MS_MAX must be a whole number from 0 to 3600000, and is "1s"'],
    [
      { ALCOVE_REPLICA_1_URL: 'mysql://root:secret@x' },
      'ALCOVE_REPLICA_1_URL must begin with ws://, wss://, postgres://, postgresql:// and name a host, and is of mysql://',
    ],
    [{ ALCOVE_REPLICA_1_REGION: 'eu' }, 'ALCOVE_REPLICA_1_URL is missing, and other variables of that replica are set'],
    [
      { ALCOVE_REPLICA_1_URL: 'ws://a', ALCOVE_REPLICA_1_POOL: '0' },
      'ALCOVE_REPLICA_1_POOL must be a whole number from 1 to 1000, and is 0',
    ],
    [{ ALCOVE_REPLICA_65_URL: 'ws://a' }, 'ALCOVE_REPLICA_65 must be a whole number from 1 to 64, and is 65'],
  ])('%j: %s', (environment, expected) => {
    expect(message({}, environment)).toBe(expected);
  });

  it.each(['ALCOVE_READS_STRATGY', 'ALCOVE_REPLICA_1_REGOIN', 'ALCOVE_REPLICA_URL', 'ALCOVE_REPLICA_01_URL'])(
    '%s, which nobody reads, is named',
    (name) => {
      expect(message({}, { [name]: 'x' })).toMatch(new RegExp(`^${name} is no option of `));
    },
  );

  test('no message quotes a url', () => {
    expect(message({ replicas: [{ url: 'secret' }] })).not.toContain('secret');
    expect(message({}, { ALCOVE_REPLICA_1_URL: 'ws://u:secret @x' })).not.toContain('secret');
  });

  test('the guide has each limit with its default, and no other', () => {
    const page = readFileSync(new URL('../../../../docs/guides/read-routing.md', import.meta.url), 'utf8');
    const limits = page.slice(page.indexOf('## Limits')).matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm);
    const told = [...limits].map(([, name, byDefault]) => [name, Number(byDefault?.replaceAll(',', ''))]);
    expect(told).toEqual(Object.entries(ROUTER_LIMITS).map(([name, { default: byDefault }]) => [name, byDefault]));
  });
});
