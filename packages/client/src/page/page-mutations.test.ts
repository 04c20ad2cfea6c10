import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { EngineOrder, EnginePort, MutateAnswer } from '../worker/engine-port.ts';
import { PageMutations } from './page-mutations.ts';
import { MUTATION_ISSUES_MAX } from './sort-stopped.ts';

/** An engine that keeps what it is handed and answers when told to. */
class ScriptedPort implements EnginePort {
  readonly batches: { readonly mutations: readonly Mutation[]; readonly answer: (answer: MutateAnswer) => Promise<void> }[] = [];
  readonly orders: EngineOrder[] = [];

  mutate(mutations: readonly Mutation[]): Promise<MutateAnswer> {
    return new Promise((resolve) => {
      this.batches.push({
        mutations,
        answer: async (answer) => {
          resolve(answer);
          await Promise.resolve();
          await Promise.resolve();
        },
      });
    });
  }

  readonly runOnce = (): Promise<never> => new Promise(() => undefined);
  readonly serverRead = this.runOnce;

  tell(order: EngineOrder): void {
    this.orders.push(order);
  }

  get last() {
    const batch = this.batches.at(-1);
    if (batch === undefined) throw new TypeError('nothing was handed over');
    return batch;
  }

  get handedNames(): string[] {
    return this.last.mutations.map(({ name, mutationId }) => `${name}=${mutationId}`);
  }
}

const set = () => {
  const port = new ScriptedPort();
  const mutations = new PageMutations(new FakeRuntime(), 'me');
  mutations.attach(port);
  return { port, mutations };
};
const error = { code: 'mutator_failed', message: 'no' } as const;
const settled = (mutationId: number, clientId = 'me') =>
  ({ type: 'settled', clientId, mutationId, outcome: 'applied', version: 7, error: null }) as const;

describe('ids', () => {
  it('[WK-1] hands one batch at a time, ids without gaps', async () => {
    const { port, mutations } = set();
    for (const name of ['a', 'b', 'c']) mutations.call(name, null);
    expect(port.handedNames).toEqual(['a=1']);
    await port.last.answer({ taken: 1, error: null });
    expect(port.handedNames).toEqual(['b=2', 'c=3']);
  });

  it('[WK-1] gives the id of a mutation that was not taken to the next one', async () => {
    const { port, mutations } = set();
    mutations.call('a', null);
    const b = mutations.call('b', null);
    mutations.call('c', null);
    mutations.call('d', null);
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 0, error });
    expect(b.status).toBe('failed');
    await expect(b.local).rejects.toMatchObject({ code: 'mutator_failed' });
    await expect(b.confirmed).rejects.toMatchObject({ code: 'mutator_failed' });
    expect(port.handedNames).toEqual(['c=2', 'd=3']);
  });

  it('[WK-2] hands a new engine what the dead one did not answer, under the same ids and seeds', async () => {
    const { port, mutations } = set();
    mutations.call('a', null);
    mutations.call('b', null);
    await port.last.answer({ taken: 1, error: null });
    const unanswered = port.last.mutations;
    mutations.detach();
    mutations.call('c', null);

    const next = new ScriptedPort();
    expect(mutations.carryOver()).toMatchObject({
      clients: [{ clientId: 'me', lastMutationId: 1 }],
      mutations: [{ name: 'a', mutationId: 1 }],
    });
    mutations.attach(next);
    expect(next.last.mutations[0]).toEqual(unanswered[0]);
    expect(next.handedNames).toEqual(['b=2', 'c=3']);
  });

  it('[WK-2] does not hand over again what was settled before its answer came', () => {
    const { port, mutations } = set();
    const a = mutations.call('a', null);
    mutations.settled(settled(1));
    expect(a.status).toBe('applied');
    mutations.detach();
    mutations.call('b', null);
    const next = new ScriptedPort();
    mutations.attach(next);
    expect(next.handedNames).toEqual(['b=2']);
    expect(port.batches).toHaveLength(1);
  });

  it('[WK-3] fails the mutation that held the worker and goes on with the others', async () => {
    const { port, mutations } = set();
    mutations.call('first', null);
    const loops = mutations.call('loops', null);
    mutations.call('after', null);
    await port.last.answer({ taken: 1, error: null });
    mutations.detach();
    expect(mutations.blame({ clientId: 'me', mutationId: 2 }, new AlcoveError('mutator_timeout', 'too long'))).toBe(true);
    expect(loops.status).toBe('failed');
    const next = new ScriptedPort();
    mutations.attach(next);
    expect(next.handedNames).toEqual(['after=3']);
  });

  it('[WK-1] never uses the id of the blamed again: the room may have it', async () => {
    const { port, mutations } = set();
    mutations.call('alone', null);
    for (const name of ['first', 'loops', 'after', 'last']) mutations.call(name, null);
    await port.last.answer({ taken: 1, error: null });
    mutations.detach();
    mutations.blame({ clientId: 'me', mutationId: 3 }, new AlcoveError('mutator_timeout', 'too long'));
    const next = new ScriptedPort();
    mutations.attach(next);
    expect(next.handedNames).toEqual(['first=2']);
    expect(mutations.pending.getSnapshot().map(({ name }) => name)).toEqual(['alone', 'first', 'after', 'last']);
    await next.last.answer({ taken: 1, error: null });
    expect(next.handedNames).toEqual(['after=4', 'last=5']);
    await next.last.answer({ taken: 2, error: null });
    mutations.call('new', null);
    expect(next.handedNames).toEqual(['new=6']);
    expect(mutations.undecided).toBe(5);
  });
});

describe('fates', () => {
  it('[WK-18] makes the list of pending ones only when somebody looks, and anew only when it has changed', async () => {
    const { port, mutations } = set();
    mutations.call('a', null);
    const first = mutations.pending.getSnapshot();
    expect(mutations.pending.getSnapshot()).toBe(first);
    await port.last.answer({ taken: 1, error: null });
    await Promise.resolve();
    expect(mutations.pending.getSnapshot()).not.toBe(first);
    expect(mutations.pending.getSnapshot()).toMatchObject([{ name: 'a', status: 'pending' }]);
  });

  it('settles handles and lists: pending, then applied, then gone', async () => {
    const { port, mutations } = set();
    const a = mutations.call('a', { x: 1 });
    await port.last.answer({ taken: 1, error: null });
    await a.local;
    expect(a.status).toBe('pending');
    await Promise.resolve();
    expect(mutations.pending.getSnapshot()).toMatchObject([{ name: 'a', args: { x: 1 }, status: 'pending' }]);
    mutations.settled(settled(1));
    await expect(a.confirmed).resolves.toEqual({ version: 7 });
    await Promise.resolve();
    expect(mutations.pending.getSnapshot()).toEqual([]);
    expect(mutations.undecided).toBe(0);
  });

  it('[OB-8] lists a rejected one with its reason until it is dismissed, and says that it was heard', async () => {
    const { port, mutations } = set();
    const a = mutations.call('a', null);
    await port.last.answer({ taken: 1, error: null });
    mutations.settled({ ...settled(1), outcome: 'rejected', error: { code: 'forbidden', message: 'not yours' } });
    expect(port.orders).toEqual([{ type: 'heard', clientId: 'me', upTo: 1 }]);
    await expect(a.confirmed).rejects.toMatchObject({ code: 'forbidden', message: 'not yours' });
    const [line] = mutations.rejected.getSnapshot();
    expect(line).toMatchObject({ name: 'a', status: 'rejected' });
    mutations.dismiss(line?.key ?? 0);
    expect(mutations.rejected.getSnapshot()).toEqual([]);
  });

  it('follows a change of name: ids go on under the new client', async () => {
    const { port, mutations } = set();
    for (const name of ['a', 'b', 'c']) mutations.call(name, null);
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 2, error: null });
    mutations.settled(settled(1));
    mutations.rekeyed({ type: 'rekeyed', clientId: 'me', to: 'again', offset: 1, roomHas: 0 });
    expect(mutations.clientId).toBe('again');
    expect(mutations.carryOver().mutations.map(({ clientId, mutationId, name }) => [clientId, mutationId, name])).toEqual([
      ['again', 1, 'b'],
      ['again', 2, 'c'],
    ]);
    const d = mutations.call('d', null);
    expect(port.handedNames).toEqual(['d=3']);
    await port.last.answer({ taken: 1, error: null });
    mutations.settled(settled(3, 'again'));
    expect(d.status).toBe('applied');
  });

  it('[WK-43] says of each when it was called and decided, how often it was sent in vain, and why', async () => {
    const runtime = new FakeRuntime();
    const port = new ScriptedPort();
    const mutations = new PageMutations(runtime, 'me');
    mutations.attach(port);
    const calledAtMs = runtime.nowMs();
    mutations.call('a', { x: 1 });
    mutations.call('b', null);
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 1, error: null });
    const lines = async (list: 'pending' | 'applied' | 'rejected') => {
      await Promise.resolve();
      return mutations[list].getSnapshot().map(({ name, attempts, error }) => [name, attempts, error?.code ?? null]);
    };
    mutations.attempted({ type: 'attempted', clientId: 'me', from: 1, upTo: 2, error: null });
    mutations.attempted({ type: 'attempted', clientId: 'me', from: 2, upTo: 2, error: { code: 'room_full', message: 'no space' } });
    // Of somebody else's, and of one that is not known: nothing to tell.
    mutations.attempted({ type: 'attempted', clientId: 'else', from: 1, upTo: 9, error: null });
    expect(await lines('pending')).toEqual([
      ['a', 1, null],
      ['b', 2, 'room_full'],
    ]);
    expect(mutations.pending.getSnapshot()).toMatchObject([{ calledAtMs, decidedAtMs: null }, { calledAtMs }]);
    runtime.advance(500);
    mutations.settled(settled(2));
    mutations.settled({ ...settled(1), outcome: 'rejected', error: { code: 'forbidden', message: 'not yours' } });
    expect([await lines('pending'), await lines('applied'), await lines('rejected')]).toEqual([
      [],
      [['b', 2, null]],
      [['a', 1, 'forbidden']],
    ]);
    for (const list of [mutations.applied, mutations.rejected])
      expect(list.getSnapshot()).toMatchObject([{ calledAtMs, decidedAtMs: calledAtMs + 500 }]);
    const [line] = mutations.applied.getSnapshot();
    expect(JSON.parse(JSON.stringify(line))).toEqual({ ...line });
  });

  it('[ST-3] a rejected one is told as saved when it or its rejection is on the disk', async () => {
    const port = new ScriptedPort();
    const mutations = new PageMutations(new FakeRuntime(), 'me', true);
    mutations.attach(port);
    const told: string[] = [];
    for (const name of ['kept', 'refused', 'late']) {
      const { local } = mutations.call(name, null);
      local.then(
        () => told.push(name),
        () => told.push(`${name} lost`),
      );
    }
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 2, error: null });
    mutations.stored({ type: 'stored', clientId: 'me', upTo: 1 });
    for (const mutationId of [1, 2, 3]) mutations.settled({ ...settled(mutationId), outcome: 'rejected', error });
    await Promise.resolve();
    expect(told).toEqual(['kept']);
    mutations.stored({ type: 'stored', clientId: 'me', upTo: 2 });
    await Promise.resolve();
    expect(told).toEqual(['kept', 'refused']);
    mutations.endAll(new AlcoveError('closed', 'the room was closed'));
    await Promise.resolve();
    await Promise.resolve();
    expect(told).toEqual(['kept', 'refused', 'late lost']);
  });

  it('[WK-44] what is not known to be on the disk when the room closes is not said to be', async () => {
    const port = new ScriptedPort();
    const mutations = new PageMutations(new FakeRuntime(), 'me', true);
    mutations.attach(port);
    const [saved, taken, waiting] = ['saved', 'taken', 'waiting'].map((name) => mutations.call(name, null));
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 2, error: null });
    const handed = mutations.call('handed', null);
    mutations.stored({ type: 'stored', clientId: 'me', upTo: 1 });
    expect(mutations.unsaved).toBe(3);
    mutations.detach();
    mutations.endAll(new AlcoveError('closed', 'the room was closed'));
    // What was on its way comes too late.
    await port.last.answer({ taken: 1, error: null });
    mutations.stored({ type: 'stored', clientId: 'me', upTo: 4 });
    mutations.keepNothing();
    await expect(saved?.local).resolves.toBeUndefined();
    for (const one of [taken, waiting, handed]) await expect(one?.local).rejects.toMatchObject({ code: 'closed' });
    expect([saved, taken, waiting, handed].map((one) => one?.status)).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
  });

  it('[OB-16] lists confirmed mutations that the room lost, those alone, and once', async () => {
    const { port, mutations } = set();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => mutations.call(name, null));
    await port.last.answer({ taken: 1, error: null });
    await port.last.answer({ taken: 3, error: null });
    mutations.settled(settled(1));
    mutations.settled(settled(2));
    mutations.settled({ ...settled(3), outcome: 'rejected', error: { code: 'forbidden', message: 'no' } });
    mutations.rekeyed({ type: 'rekeyed', clientId: 'me', to: 'again', offset: 3, roomHas: 1 });
    expect([a, b, c, d].map((one) => one?.status)).toEqual(['applied', 'lost', 'rejected', 'pending']);
    const lines = () => mutations.rejected.getSnapshot().map(({ name, status, error }) => [name, status, error?.code]);
    expect(lines()).toEqual([
      ['c', 'rejected', 'forbidden'],
      ['b', 'lost', 'history_lost'],
    ]);
    // An engine that died with the notice on its way says it again.
    mutations.rekeyed({ type: 'rekeyed', clientId: 'me', to: 'again', offset: 3, roomHas: 1 });
    expect(lines()).toHaveLength(2);
    expect(mutations.clientId).toBe('again');
  });

  it('reports an unknown outcome where the room forgot the client, and goes on under a new one', async () => {
    const { port, mutations } = set();
    const a = mutations.call('a', null);
    await port.last.answer({ taken: 1, error: null });
    const b = mutations.call('b', null);
    const late = port.last;
    mutations.stopped({ type: 'clientStopped', clientId: 'me', error: { code: 'client_unknown', message: 'forgotten' }, mutations: [] });
    expect(a.status).toBe('unknown');
    expect(port.orders).toContainEqual({ type: 'discard', clientId: 'me', again: [] });
    await late.answer({ taken: 0, error: { code: 'client_unknown', message: 'forgotten' } });
    expect(b.status).toBe('waiting');
    expect(port.last.mutations[0]).toMatchObject({ name: 'b', mutationId: 1, clientId: mutations.clientId });
  });

  const taken = (mutationId: number, name: string) => ({ clientId: 'me', mutationId, name, args: null, seed: 's', nowMs: 1 });
  const forgotten = { type: 'clientStopped', clientId: 'me', error: { code: 'client_unknown', message: 'forgotten' } } as const;

  it('[OB-17] issues idempotent ones again in order under the new client, also those whose answer is on its way; the others are told as unknown', async () => {
    const port = new ScriptedPort();
    const mutations = new PageMutations(new FakeRuntime(), 'me', false, (name) => name.startsWith('set'));
    mutations.attach(port);
    const a = mutations.call('setA', null);
    const [b, c, d] = [mutations.call('add', null), mutations.call('setB', null), mutations.call('setC', null)];
    await port.last.answer({ taken: 1, error: null });
    const late = port.last;
    const made = mutations.stopped({ ...forgotten, mutations: [taken(1, 'setA'), taken(2, 'add'), taken(3, 'setB')] });
    expect(made).toBe(mutations.clientId);
    expect([a, b, c, d].map(({ status }) => status)).toEqual(['pending', 'unknown', 'pending', 'waiting']);
    expect(
      port.orders.map((order) => (order.type === 'adopt' ? order.mutations.map(({ name, mutationId }) => `${name}=${mutationId}`) : order)),
    ).toEqual([['setA=1', 'setB=2'], { type: 'discard', clientId: 'me', again: [1, 3] }]);
    await late.answer({ taken: 2, error: { code: 'client_unknown', message: 'forgotten' } });
    expect(port.handedNames).toEqual(['setC=3']);
    for (const mutationId of [1, 2]) mutations.settled(settled(mutationId, mutations.clientId));
    expect([a.status, c.status]).toEqual(['applied', 'applied']);
    expect(mutations.rejected.getSnapshot().map(({ name, status }) => [name, status])).toEqual([['add', 'unknown']]);
  });

  it('[OB-17] of a client that was adopted too; and not for ever', () => {
    const port = new ScriptedPort();
    const mutations = new PageMutations(new FakeRuntime(), 'me', true, () => true);
    mutations.attach(port);
    mutations.adopted({ type: 'adopted', clientId: 'gone', lastMutationId: 1, confirmed: 0, welcomed: 1, mutations: [taken(1, 'set')] });
    let clientId: string | null = 'gone';
    const names: (string | null)[] = [];
    while (clientId !== null) {
      clientId = mutations.stopped({ ...forgotten, clientId, mutations: [] });
      names.push(clientId);
    }
    expect(names).toHaveLength(MUTATION_ISSUES_MAX);
    expect(mutations.clientId).toBe('me');
    expect(mutations.rejected.getSnapshot()).toMatchObject([{ name: 'set', status: 'unknown' }]);
    expect(mutations.undecided).toBe(0);
  });

  it('[OB-14] hands on the lowest version it was welcomed at: a lost tail begins the count anew', () => {
    const { mutations } = set();
    for (const version of [329, 190, 400]) mutations.welcomed(version);
    expect(mutations.carryOver().clients).toMatchObject([{ welcomed: 190 }]);
  });

  it('[WK-1] what the engine had taken of a batch when its client was stopped shares its end, and uses up no id of the next client', async () => {
    const { port, mutations } = set();
    mutations.call('first', null);
    const [b, c] = [mutations.call('b', null), mutations.call('c', null)];
    await port.last.answer({ taken: 1, error: null });
    const late = port.last;
    mutations.stopped({ type: 'clientStopped', clientId: 'me', error: { code: 'client_unknown', message: 'forgotten' }, mutations: [] });
    await late.answer({ taken: 1, error: { code: 'client_unknown', message: 'forgotten' } });
    expect([b.status, c.status]).toEqual(['unknown', 'waiting']);
    await expect(b.confirmed).rejects.toMatchObject({ code: 'client_unknown' });
    expect(port.handedNames).toEqual(['c=1']);
    await port.last.answer({ taken: 1, error: null });
    mutations.settled(settled(1, mutations.clientId));
    expect(c.status).toBe('applied');
  });
});
