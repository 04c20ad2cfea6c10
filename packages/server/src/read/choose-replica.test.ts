import { describe, expect, it, test } from 'vitest';
import { Prng } from '../../../../test/fake/prng.ts';
import { BREAKER_SETTINGS } from './breaker.ts';
import { type Choice, type ChoiceSettings, chooseReplica, type ReadFacts, type VersionKnown } from './choose-replica.ts';
import { ANY_ROUTE } from './read-route.ts';
import { initialState, type ReplicaSettings, type ReplicaState, withBreaker } from './replica-state.ts';
import { STRATEGIES } from './strategy.ts';

const plain: Omit<ReplicaSettings, 'id'> = {
  dialect: 'sqlite',
  region: null,
  weight: 1,
  tier: 0,
  purposes: [],
  concurrencyMax: 4,
  isPrimary: false,
};
const replica = (id: string, settings: Partial<ReplicaSettings> = {}, facts: Partial<ReplicaState> = {}): ReplicaState => ({
  ...initialState({ ...plain, id, ...settings }),
  checkedMs: 0,
  ...facts,
});
const primary = (facts: Partial<ReplicaState> = {}): ReplicaState => replica('primary', { isPrimary: true }, facts);

const settings: ChoiceSettings = {
  enabled: true,
  strategy: 'round-robin',
  region: null,
  defaultToReplica: true,
  lagVersionsMax: 100,
  lagMsMax: 1_000,
  breaker: BREAKER_SETTINGS,
};
const anyRead: ReadFacts = {
  dialect: 'sqlite',
  operationClass: 'read',
  route: ANY_ROUTE,
  primaryOnly: false,
  tried: new Set(),
  versionAt: () => 'unknown',
};

interface Asked {
  readonly facts?: Partial<ReadFacts>;
  readonly settings?: Partial<ChoiceSettings>;
  readonly nowMs?: number;
  readonly turn?: number;
  readonly random?: () => number;
}

const choose = (
  states: readonly ReplicaState[],
  { facts, settings: own, nowMs = 100_000, turn = 0, random = () => 0.5 }: Asked = {},
): Choice => chooseReplica({ ...anyRead, ...facts }, states, { ...settings, ...own }, { nowMs, turn, random });
const ids = ({ candidates }: Choice): string[] => candidates.map(({ id }) => id);
const whyOut = ({ leftOut }: Choice): Record<string, string> => Object.fromEntries(leftOut.map(({ id, reason }) => [id, reason]));
const shut = (state: ReplicaState, breaker: Parameters<typeof withBreaker>[2]): ReplicaState => withBreaker(state, 'read', breaker);
const until = { state: 'open', untilMs: 200_000 } as const;

describe('[RD-20] who is left out, and why', () => {
  it.each<[string, ReplicaState, Asked]>([
    ['dialect', replica('b', { dialect: 'postgres' }), {}],
    ['tried', replica('b'), { facts: { tried: new Set(['b']) } }],
    ['disabled', replica('b', {}, { enabled: false }), {}],
    ['draining', replica('b', {}, { draining: true }), {}],
    ['no-weight', replica('b', { weight: 0 }), {}],
    ['purpose', replica('b', { purposes: ['analytics'] }), {}],
    ['purpose', replica('b', { purposes: ['analytics'] }), { facts: { route: { ...ANY_ROUTE, purpose: 'export' } } }],
    ['unchecked', replica('b', {}, { checkedMs: null }), {}],
    ['down', replica('b', {}, { isDown: true }), {}],
    ['other-history', replica('b'), { facts: { versionAt: (id) => (id === 'b' ? 'other-history' : 'unknown') } }],
    ['lagging', replica('b', {}, { lag: { versions: 101, ms: 0 } }), {}],
    ['lagging', replica('b', {}, { lag: { versions: 0, ms: 1_001 } }), {}],
    ['breaker-open', shut(replica('b'), until), {}],
    ['breaker-open', shut(replica('b'), { state: 'half-open', probing: true }), {}],
    ['slow', replica('b', {}, { pace: until }), {}],
    ['slow', replica('b', {}, { pace: { state: 'half-open', probing: true } }), {}],
  ])('%s', (reason, state, asked) => {
    const choice = choose([replica('a'), state, primary()], asked);
    expect(ids(choice)).toEqual(['a', 'primary']);
    expect(whyOut(choice)).toEqual({ b: reason });
  });

  test('not-primary, where the router is off or only the primary will do', () => {
    for (const asked of [{ settings: { enabled: false } }, { facts: { primaryOnly: true } }]) {
      const choice = choose([replica('a'), primary()], asked);
      expect([ids(choice), whyOut(choice)]).toEqual([['primary'], { a: 'not-primary' }]);
    }
  });

  test('lag at its limit is none too much, another class of operations has another breaker', () => {
    expect(ids(choose([replica('a', {}, { lag: { versions: 100, ms: 1_000 } })]))).toEqual(['a']);
    expect(ids(choose([withBreaker(replica('a'), 'analytics', until)]))).toEqual(['a']);
  });
});

describe('[RD-21] the primary’s readers', () => {
  it.each<[string, Asked, string[]]>([
    ['stand in for the replicas', {}, ['a', 'b', 'primary']],
    ['come first where they are preferred', { facts: { route: { ...ANY_ROUTE, preferPrimary: true } } }, ['primary', 'a', 'b']],
    ['come first where replicas are not the default', { settings: { defaultToReplica: false } }, ['primary', 'a', 'b']],
  ])('%s', (_, asked, expected) => {
    expect(ids(choose([primary(), replica('a'), replica('b')], asked))).toEqual(expected);
  });

  test('are neither ejected nor too far behind nor without weight', () => {
    const state = replica('primary', { isPrimary: true, weight: 0 }, { pace: until, lag: { versions: 9_999, ms: 0 } });
    expect(ids(choose([replica('a'), state]))).toEqual(['a', 'primary']);
  });
});

describe('[RD-22] a read that asks for a version', () => {
  const known: Record<string, VersionKnown> = { a: 'behind', b: 'unknown', c: 'reached', d: 'other-history' };
  test('goes to who is known to have it, whatever its tier; then to who may have it; never to another history', () => {
    const states = [replica('a'), replica('b'), replica('c', { tier: 3 }), replica('d')];
    const choice = choose(states, { facts: { versionAt: (id) => known[id] ?? 'unknown' } });
    expect(ids(choice)).toEqual(['c', 'b', 'a']);
    expect(choice.candidates.map(({ version }) => version)).toEqual(['reached', 'unknown', 'behind']);
  });

  test('goes to who was level when last looked at as to who is known to have it, in turn', () => {
    const states = [replica('a'), replica('b', {}, { lag: { versions: 1, ms: 20 } })];
    const first = [0, 1, 2, 3].map((turn) => choose(states, { facts: { versionAt: (id) => (id === 'a' ? 'reached' : 'unknown') }, turn }));
    expect(first.map((choice) => ids(choice)[0])).toEqual(['a', 'b', 'a', 'b']);
  });
});

describe('[RD-23] replicas set aside for a purpose', () => {
  const states = [replica('a'), replica('set-aside', { purposes: ['analytics'] }), primary()];
  const asked = (preferPrimary = false): Asked => ({ facts: { route: { ...ANY_ROUTE, purpose: 'analytics', preferPrimary } } });

  test('take its reads, and nobody else does while they can', () => {
    expect(ids(choose(states, asked()))).toEqual(['set-aside']);
    expect(ids(choose(states, asked(true)))).toEqual(['primary', 'set-aside']);
    const busy = states.map((state) => (state.settings.id === 'set-aside' ? { ...state, inFlight: 4 } : state));
    expect(choose(busy, asked()).candidates).toMatchObject([{ id: 'set-aside', isBusy: true }]);
  });

  test('are stood in for when they cannot, and by the primary where the read needs it', () => {
    const down = states.map((state) => (state.settings.id === 'set-aside' ? { ...state, isDown: true } : state));
    expect(ids(choose(down, asked()))).toEqual(['a', 'primary']);
    expect(ids(choose(states, { facts: { route: { ...ANY_ROUTE, purpose: 'analytics' }, primaryOnly: true } }))).toEqual(['primary']);
  });
});

describe('[RD-24] strategies', () => {
  const first = (states: readonly ReplicaState[], strategy: (typeof STRATEGIES)[number], count: number): Record<string, number> => {
    const prng = new Prng(strategy);
    const found: Record<string, number> = {};
    for (let turn = 0; turn < count; turn++) {
      const [best = ''] = ids(choose(states, { settings: { strategy }, turn, random: () => prng.float() }));
      found[best] = (found[best] ?? 0) + 1;
    }
    return found;
  };

  test('round-robin: each in turn, whoever is out', () => {
    const states = [replica('a'), replica('b', {}, { isDown: true }), replica('c'), replica('d'), primary()];
    const order = [0, 1, 2, 3].map((turn) => ids(choose(states, { turn }))[0]);
    expect(order).toEqual(['a', 'c', 'd', 'a']);
  });

  test('weighted: its weight’s part of the reads', () => {
    const found = first([replica('a', { weight: 3 }), replica('b', { weight: 1 })], 'weighted', 4_000);
    expect(found['a']).toBeGreaterThan(2_850);
    expect(found['a']).toBeLessThan(3_150);
  });

  test('least-connections: the fewest reads for its weight; equals by chance', () => {
    const states = [replica('a', {}, { inFlight: 2 }), replica('b', { weight: 3 }, { inFlight: 3 }), replica('c', {}, { inFlight: 3 })];
    expect(first(states, 'least-connections', 100)).toEqual({ b: 100 });
    expect(Object.keys(first([replica('a'), replica('b')], 'least-connections', 50)).sort()).toEqual(['a', 'b']);
  });

  test('latency: who would be done first with what it has; an unknown one is tried', () => {
    const slow = replica('slow', {}, { ewmaMs: 40 });
    const fast = replica('fast', { concurrencyMax: 100 }, { ewmaMs: 10 });
    expect(first([slow, fast], 'latency', 50)).toEqual({ fast: 50 });
    expect(first([slow, { ...fast, inFlight: 9 }], 'latency', 50)).toEqual({ slow: 50 });
    expect(first([slow, fast, replica('new')], 'latency', 50)).toEqual({ new: 50 });
  });

  test('region: the server’s own first unless the read names one; a named one counts in every strategy', () => {
    const states = [replica('far', { region: 'us' }), replica('near', { region: 'eu' })];
    const own = { strategy: 'region', region: 'eu' } as const;
    expect(ids(choose(states, { settings: own }))).toEqual(['near', 'far']);
    expect(ids(choose(states, { settings: own, facts: { route: { ...ANY_ROUTE, region: 'us' } } }))).toEqual(['far', 'near']);
    expect(ids(choose(states, { settings: { strategy: 'round-robin', region: 'eu' } }))).toEqual(['far', 'near']);
    expect(ids(choose(states, { facts: { route: { ...ANY_ROUTE, region: 'eu' } } }))).toEqual(['near', 'far']);
  });

  test('tiers: the next one while nobody of those before it can be asked', () => {
    const states = [replica('spare', { tier: 1, region: 'eu' }), replica('a', { tier: 0 })];
    expect(ids(choose(states, { facts: { route: { ...ANY_ROUTE, region: 'eu' } } }))).toEqual(['a', 'spare']);
    expect(ids(choose([replica('spare', { tier: 1 }), replica('a', {}, { isDown: true })]))).toEqual(['spare']);
  });
});

describe('[RD-25] busy ones', () => {
  test('come last, the emptiest first, the primary among them', () => {
    const states = [
      replica('full', {}, { inFlight: 4, queued: 3 }),
      replica('fuller', { concurrencyMax: 2 }, { inFlight: 2, queued: 8 }),
      replica('free', { tier: 9 }),
      primary({ inFlight: 4 }),
    ];
    const { candidates } = choose(states);
    expect(candidates.map(({ id, isBusy }) => [id, isBusy])).toEqual([
      ['free', false],
      ['primary', true],
      ['full', true],
      ['fuller', true],
    ]);
  });
});

test('[RD-25] one that has been silent for a second though asked is spared, and nobody waits for it while others can be waited for', () => {
  const silent = replica('a', {}, { inFlight: 1, silentMs: 1_001 });
  expect(ids(choose([silent, replica('b', { tier: 5 }), primary()]))).toEqual(['b', 'a', 'primary']);
  const busy = [{ ...silent, inFlight: 4 }, replica('b', {}, { inFlight: 4, queued: 50 })];
  expect(ids(choose(busy))).toEqual(['b', 'a']);
});

describe('[RD-26] a replica that was out', () => {
  const halfOpen = shut(replica('b'), { state: 'open', untilMs: 99_999 });

  test('is tried by one read, first; urgent reads and second attempts try it last', () => {
    const normal = choose([replica('a'), halfOpen]);
    expect(normal.candidates).toMatchObject([
      { id: 'b', isProbe: true },
      { id: 'a', isProbe: false },
    ]);
    expect(ids(choose([replica('a'), halfOpen], { facts: { route: { ...ANY_ROUTE, priority: 'high' } } }))).toEqual(['a', 'b']);
    expect(ids(choose([replica('a'), halfOpen], { facts: { tried: new Set(['x']) } }))).toEqual(['a', 'b']);
  });

  test('gets its share by degrees, and as few places', () => {
    const back = replica('b', { concurrencyMax: 20 }, { backSinceMs: 100_000 });
    const firstAt = (random: number): string | undefined => ids(choose([replica('a'), back], { random: () => random, turn: 1 }))[0];
    expect([firstAt(0.09), firstAt(0.11)]).toEqual(['b', 'a']);
    expect(choose([{ ...back, inFlight: 1 }]).candidates).toMatchObject([{ isBusy: false }]);
    expect(choose([{ ...back, inFlight: 2 }]).candidates).toMatchObject([{ isBusy: true }]);
    expect(choose([{ ...back, inFlight: 2 }], { nowMs: 110_000 }).candidates).toMatchObject([{ isBusy: false }]);
  });
});

describe('[RD-27] a slow replica', () => {
  test('does while there is no other, with all its places', () => {
    const slow = replica('b', {}, { pace: until, inFlight: 3 });
    expect(choose([slow, replica('a', {}, { isDown: true }), primary()]).candidates).toMatchObject([
      { id: 'b', isBusy: false },
      { id: 'primary' },
    ]);
    expect(ids(choose([slow, replica('c', {}, { pace: until })])).sort()).toEqual(['b', 'c']);
  });
});

test('the choice follows from its arguments alone', () => {
  const states = [replica('a'), replica('b', { weight: 2 }), primary()];
  for (const strategy of STRATEGIES) {
    const [one, two] = [new Prng('same'), new Prng('same')];
    expect(choose(states, { settings: { strategy }, random: () => one.float() })).toEqual(
      choose(states, { settings: { strategy }, random: () => two.float() }),
    );
  }
});
