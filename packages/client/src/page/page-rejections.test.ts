import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { EngineOrder, EnginePort } from '../worker/engine-port.ts';
import { callAgain } from './mutate-functions.ts';
import { PageMutations } from './page-mutations.ts';

const things = sqliteTable('things', { id: text().primaryKey() });

class TakingPort implements EnginePort {
  readonly orders: EngineOrder[] = [];

  mutate(mutations: readonly unknown[]): Promise<{ taken: number; error: null }> {
    return Promise.resolve({ taken: mutations.length, error: null });
  }

  readonly runOnce = (): Promise<never> => new Promise(() => undefined);
  readonly serverRead = this.runOnce;

  tell(order: EngineOrder): void {
    this.orders.push(order);
  }

  of<Type extends EngineOrder['type']>(type: Type): Extract<EngineOrder, { type: Type }>[] {
    return this.orders.filter((order): order is Extract<EngineOrder, { type: Type }> => order.type === type);
  }
}

const error = { code: 'forbidden', message: 'no' } as const;
const rejected = (mutationId: number) => ({ type: 'settled', clientId: 'me', mutationId, outcome: 'rejected', version: 7, error }) as const;
const turns = async () => {
  for (let count = 0; count < 4; count += 1) await Promise.resolve();
};

/** A page whose mutations 1, 2 and 3 were rejected, the first of them while it was on the disk. */
async function rejecting() {
  const mutations = new PageMutations(new FakeRuntime(), 'me', true);
  mutations.attach(new TakingPort());
  for (const name of ['a', 'b', 'c']) mutations.call(name, name);
  await turns();
  mutations.stored({ type: 'stored', clientId: 'me', from: 1, upTo: 1 });
  for (const id of [1, 2, 3]) mutations.settled(rejected(id));
  mutations.detach();
  const next = new TakingPort();
  return { mutations, next, lines: () => mutations.rejected.getSnapshot().map(({ name }) => name) };
}

describe('rejections that a worker took with it', () => {
  it('[ST-26] are put aside by the next one, those alone that the disk may not have', async () => {
    const { mutations, next, lines } = await rejecting();
    mutations.handOver(next);
    mutations.attach(next);
    expect(lines()).toEqual(['a', 'b', 'c']);
    expect(next.of('putAside').map(({ rejections }) => rejections)).toMatchObject([
      [
        // On the disk it is pending, and leaves it with the next engine.
        { mutation: { mutationId: 1 }, error: { code: 'forbidden' } },
        { mutation: { clientId: 'me', mutationId: 2, name: 'b', args: 'b' }, error: { code: 'forbidden' } },
        { mutation: { mutationId: 3 }, error: { code: 'forbidden' } },
      ],
    ]);
  });

  it('[ST-26] are not taken for kept because a later mutation is', async () => {
    const { mutations, next } = await rejecting();
    mutations.stored({ type: 'stored', clientId: 'me', from: 4, upTo: 4 });
    mutations.stored({ type: 'stored', clientId: 'me', from: 3, upTo: 3, areRejected: true });
    mutations.handOver(next);
    mutations.attach(next);
    expect(next.of('putAside')[0]?.rejections.map(({ mutation }) => mutation.mutationId)).toEqual([1, 2]);
  });

  it('[ST-26] are not taken for kept because the disk took the mutation itself after they were told', async () => {
    const { mutations, next } = await rejecting();
    mutations.stored({ type: 'stored', clientId: 'me', from: 2, upTo: 3 });
    mutations.handOver(next);
    mutations.attach(next);
    expect(next.of('putAside')[0]?.rejections.map(({ mutation }) => mutation.mutationId)).toEqual([1, 2, 3]);
  });

  it('[ST-26] are listed once, and what was dismissed is dismissed again where the disk did not hear of it', async () => {
    const { mutations, next, lines } = await rejecting();
    mutations.dismiss(mutations.rejected.getSnapshot()[0]?.key ?? 0);
    mutations.dismiss(mutations.rejected.getSnapshot()[0]?.key ?? 0);
    mutations.handOver(next);
    mutations.attach(next);
    expect(next.of('putAside')[0]?.rejections.map(({ mutation }) => mutation.mutationId)).toEqual([3]);
    const stored = (mutationId: number) => ({
      key: `me ${mutationId}`,
      mutation: { clientId: 'me', mutationId, name: 'stored', args: null, seed: '', nowMs: 0, schemaId: '' },
      error,
      atMs: 0,
    });
    mutations.restored({ rejections: [stored(1), stored(3), { ...stored(1), key: 'other 1' }] });
    expect(lines()).toEqual(['stored', 'c']);
    expect(next.of('dismiss')).toEqual([{ type: 'dismiss', keys: ['me 1'] }]);
  });
});

/** A page that took over what another left, and heard that it was rejected; its worker died before the disk had heard so, and the next one finds it pending. */
function takingOverAgain(between: (mutations: PageMutations) => void) {
  const mutations = new PageMutations(new FakeRuntime(), 'me', true);
  const taken = { clientId: 'gone', mutationId: 1, name: 'a', args: null, seed: '', nowMs: 0 };
  const adopted = { type: 'adopted', clientId: 'gone', lastMutationId: 1, confirmed: 0, welcomed: null, mutations: [taken] } as const;
  mutations.attach(new TakingPort());
  mutations.adopted(adopted);
  mutations.settled({ ...rejected(1), clientId: 'gone' });
  mutations.detach();
  between(mutations);
  const next = new TakingPort();
  mutations.handOver(next);
  mutations.attach(next);
  mutations.adopted(adopted);
  return { mutations, next, lines: () => mutations.rejected.getSnapshot().map(({ name, error: why }) => `${name} ${why?.message}`) };
}

describe('a rejection that is told a second time', () => {
  it('[ST-26] is listed once, as it was told last', () => {
    const { mutations, next, lines } = takingOverAgain(() => undefined);
    expect(lines()).toEqual(['a no']);
    mutations.settled({ ...rejected(1), clientId: 'gone', error: { ...error, message: 'no, again' } });
    expect(lines()).toEqual(['a no, again']);
    expect(mutations.pending.getSnapshot()).toEqual([]);
    mutations.dismiss(mutations.rejected.getSnapshot()[0]?.key ?? 0);
    expect(lines()).toEqual([]);
    expect(next.of('dismiss')).toEqual([{ type: 'dismiss', keys: ['gone 1'] }]);
  });

  it('[ST-26] is listed once where it came from the disk first', () => {
    const mutations = new PageMutations(new FakeRuntime(), 'me', true);
    mutations.attach(new TakingPort());
    const mutation = { clientId: 'gone', mutationId: 1, name: 'a', args: null, seed: '', nowMs: 0 };
    mutations.restored({ rejections: [{ key: 'gone 1', mutation: { ...mutation, schemaId: '' }, error, atMs: 0 }] });
    mutations.adopted({ type: 'adopted', clientId: 'gone', lastMutationId: 1, confirmed: 0, welcomed: null, mutations: [mutation] });
    mutations.settled({ ...rejected(1), clientId: 'gone' });
    expect(mutations.rejected.getSnapshot()).toHaveLength(1);
  });

  it('[ST-26] does not come back where it was dismissed, and leaves the disk', () => {
    const { mutations, next, lines } = takingOverAgain((page) => page.dismiss(page.rejected.getSnapshot()[0]?.key ?? 0));
    expect(next.of('dismiss')).toEqual([]);
    mutations.settled({ ...rejected(1), clientId: 'gone' });
    expect(lines()).toEqual([]);
    expect(mutations.pending.getSnapshot()).toEqual([]);
    expect(next.of('dismiss')).toEqual([{ type: 'dismiss', keys: ['gone 1'] }]);
  });
});

describe('rejections of other tabs', () => {
  const old = (key: string, atMs: number) => ({
    key,
    mutation: { clientId: 'you', mutationId: atMs, name: key, args: null, seed: '', nowMs: 0, schemaId: '' },
    error,
    atMs,
  });
  const told = (keys: readonly string[], rejections: ReturnType<typeof old>[] = [], isAnew = false) =>
    ({ type: 'restored', rejections, damage: [], onDisk: { keys, isAnew } }) as const;

  it('[TB-12] are listed in the order of time, and leave the list where another tab dismissed them, also those of this one', async () => {
    const { mutations, next, lines } = await rejecting();
    mutations.attach(next);
    mutations.restored(told(['you 2', 'you 1'], [old('you 1', 1), old('you 2', 2 ** 50)]));
    expect(lines()).toEqual(['you 1', 'a', 'b', 'c', 'you 2']);
    mutations.dismissed({ type: 'dismissed', keys: ['you 1', 'me 2', 'nobody 1'] });
    expect(lines()).toEqual(['a', 'c', 'you 2']);
    // A late word of it.
    mutations.restored(told(['you 1', 'you 2'], [old('you 1', 1)]));
    expect(lines()).toEqual(['a', 'c', 'you 2']);
    expect(next.of('dismiss')).toEqual([{ type: 'dismiss', keys: ['you 1'] }]);
  });

  it('[TB-12] leave it where the disk does not have them any more, and did; one that is not there yet stays', async () => {
    const { mutations, next, lines } = await rejecting();
    mutations.attach(next);
    mutations.stored({ type: 'stored', clientId: 'me', from: 1, upTo: 2, areRejected: true });
    mutations.restored(told(['me 1', 'me 2', 'you 1'], [old('you 1', 1)]));
    mutations.restored(told(['me 2']));
    expect(lines()).toEqual(['b', 'c']);
    mutations.restored(told([], [], true));
    mutations.restored(told([]));
    expect(lines()).toEqual(['b', 'c']);
    // The disk took the mutation, late: that it was rejected it has not.
    mutations.stored({ type: 'stored', clientId: 'me', from: 3, upTo: 3 });
    mutations.restored(told([]));
    expect(lines()).toEqual(['b', 'c']);
    mutations.stored({ type: 'stored', clientId: 'me', from: 3, upTo: 3, areRejected: true });
    mutations.restored(told([]));
    expect(lines()).toEqual(['b']);
  });
});

it('[ST-27] a worker that is replaced is told when adopted clients were welcomed first', () => {
  const mutations = new PageMutations(new FakeRuntime(), 'me', true);
  mutations.attach(new TakingPort());
  const taken = { clientId: 'gone', mutationId: 1, name: 'a', args: null, seed: '', nowMs: 0 };
  mutations.adopted({ type: 'adopted', clientId: 'gone', lastMutationId: 1, confirmed: 0, welcomed: null, mutations: [taken] });
  for (const version of [9, 12]) mutations.welcomed(version);
  expect(mutations.carryOver().clients).toMatchObject([
    { clientId: 'me', welcomed: 9 },
    { clientId: 'gone', welcomed: 9 },
  ]);
});

it('[WK-42] a line that is called again stays on the disk until the new call is safe', async () => {
  const definition = defineRoom({ name: 'r', schema: { things }, mutators: { a: mutator(() => undefined) } });
  const mutations = new PageMutations(new FakeRuntime(), 'me', true);
  const port = new TakingPort();
  mutations.attach(port);
  const nowMs = 1;
  const old = (mutationId: number, name: string) => ({
    key: `old ${mutationId}`,
    mutation: { clientId: 'old', mutationId, name, args: null, seed: 's', nowMs, schemaId: 'x' },
    error,
    atMs: nowMs,
  });
  mutations.restored({ rejections: [old(1, 'a'), old(2, 'gone')] });
  const [first, second] = mutations.rejected.getSnapshot();
  expect(callAgain(definition, mutations, null, second?.key ?? 0)?.status).toBe('failed');
  callAgain(definition, mutations, null, first?.key ?? 0);
  await turns();
  expect(port.of('dismiss')).toEqual([]);
  mutations.stored({ type: 'stored', clientId: 'me', from: 1, upTo: 1 });
  await turns();
  expect(port.of('dismiss')).toEqual([{ type: 'dismiss', keys: ['old 1'] }]);
  expect(mutations.rejected.getSnapshot().map(({ name, status }) => `${name} ${status}`)).toEqual(['gone failed']);
});
