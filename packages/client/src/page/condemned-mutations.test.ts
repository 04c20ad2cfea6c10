import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { EngineOrder, EnginePort } from '../worker/engine-port.ts';
import { CondemnedMutations } from './condemned-mutations.ts';
import { PageMutations } from './page-mutations.ts';

const tooLong = new AlcoveError('mutator_timeout', 'too long');
const name = (mutationId: number, clientId = 'me') => ({ clientId, mutationId });
const adopted = (mutationId: number, clientId: string) =>
  ({
    type: 'adopted',
    clientId,
    lastMutationId: mutationId,
    confirmed: mutationId - 1,
    welcomed: 1,
    mutations: [{ clientId, mutationId, name: 'loops', args: null, seed: 's', nowMs: 1 }],
  }) as const;

/** A page whose engine takes everything. */
async function pageWith(...calls: string[]) {
  const orders: EngineOrder[] = [];
  const port: EnginePort = {
    mutate: (mutations) => Promise.resolve({ taken: mutations.length, error: null }),
    runOnce: () => new Promise(() => undefined),
    serverRead: () => new Promise(() => undefined),
    tell: (order) => void orders.push(order),
  };
  const mutations = new PageMutations(new FakeRuntime(), 'me', false, () => true);
  mutations.attach(port);
  const called = calls.map((call) => mutations.call(call, null));
  await Promise.all(called.map(({ local }) => local));
  return { mutations, called, orders };
}
/** As whoever listens is told at the end of the turn. */
async function lines({ pending }: PageMutations) {
  await Promise.resolve();
  return pending.getSnapshot().map((line) => [line.name, line.status, line.error?.code ?? null]);
}

describe('what is in an outbox and held a worker', () => {
  it('[WK-50] stays pending, says why, and every engine after it is told', async () => {
    const { mutations } = await pageWith('loops', 'after');
    expect(mutations.blame(name(1), tooLong)).toBe(true);
    expect(await lines(mutations)).toEqual([
      ['loops', 'pending', 'mutator_timeout'],
      ['after', 'pending', null],
    ]);
    expect(mutations.carryOver()).toMatchObject({ mutations: [{ mutationId: 1 }, { mutationId: 2 }], condemned: [name(1)] });
    expect(mutations.rejected.getSnapshot()).toEqual([]);
    // What the room says of it is told; then it is why it waits again.
    const refused = { code: 'rate_limited', message: 'later' } as const;
    mutations.attempted({ type: 'attempted', clientId: 'me', from: 1, upTo: 1, error: refused });
    expect((await lines(mutations))[0]).toEqual(['loops', 'pending', 'rate_limited']);
    mutations.attempted({ type: 'attempted', clientId: 'me', from: 1, upTo: 2, error: null });
    expect(await lines(mutations)).toEqual([
      ['loops', 'pending', 'mutator_timeout'],
      ['after', 'pending', null],
    ]);
  });

  it('[WK-50] is the room’s to decide, and forgotten then', async () => {
    const { mutations, called } = await pageWith('loops');
    mutations.blame(name(1), tooLong);
    mutations.settled({ type: 'settled', clientId: 'me', mutationId: 1, outcome: 'applied', version: 7, error: null });
    expect(await called[0]?.confirmed).toEqual({ version: 7 });
    expect(called[0]).toMatchObject({ status: 'applied', error: null });
    expect(mutations.carryOver().condemned).toEqual([]);
  });

  it('[WK-50] is known under the name it goes by later', async () => {
    const { mutations } = await pageWith('before', 'loops');
    mutations.settled({ type: 'settled', clientId: 'me', mutationId: 1, outcome: 'applied', version: 7, error: null });
    mutations.blame(name(2), tooLong);
    mutations.rekeyed({ type: 'rekeyed', clientId: 'me', to: 'me~h', offset: 1, roomHas: 0 });
    expect(mutations.carryOver()).toMatchObject({ mutations: [name(1, 'me~h')], condemned: [name(1, 'me~h')] });
  });

  it('[WK-50] may be another tab’s: it says so on its line once it is this page’s', async () => {
    const { mutations } = await pageWith();
    expect(mutations.blame(name(3, 'gone'), tooLong)).toBe(true);
    expect(await lines(mutations)).toEqual([]);
    mutations.adopted(adopted(3, 'gone'));
    expect(await lines(mutations)).toEqual([['loops', 'pending', 'mutator_timeout']]);
    expect(mutations.carryOver().condemned).toEqual([name(3, 'gone')]);
  });

  it('[WK-50] is not issued again by itself where the room stops its client', async () => {
    const { mutations, called } = await pageWith('loops', 'after');
    mutations.blame(name(1), tooLong);
    const stopped = { code: 'client_unknown', message: 'forgotten' } as const;
    mutations.stopped({ type: 'clientStopped', clientId: 'me', error: stopped, mutations: [] });
    expect(called.map(({ status }) => status)).toEqual(['unknown', 'pending']);
    expect(mutations.carryOver().condemned).toEqual([]);
  });

  it('[WK-51] is not taken off twice', async () => {
    const { mutations } = await pageWith('loops');
    expect([mutations.blame(name(1), tooLong), mutations.blame(name(1), tooLong)]).toEqual([true, false]);
  });
});

it('[WK-51] takes 100 at most, and another one once one of them was decided', () => {
  const condemned = new CondemnedMutations();
  for (let id = 1; id <= 100; id += 1) expect(condemned.add(name(id, `client ${id % 7}`), tooLong)).toBe(true);
  expect(condemned.add(name(101), tooLong)).toBe(false);
  condemned.settle(name(5, 'client 5'));
  expect(condemned.add(name(101), tooLong)).toBe(true);
  expect(condemned.names()).toHaveLength(100);
});
