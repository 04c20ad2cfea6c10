import type { Mutation } from '@alcove/core/mutation/mutation';
import { describe, expect, it } from 'vitest';
import { SiblingMutations } from './sibling-mutations.ts';

const mutationOf = (clientId: string, mutationId: number): Mutation => ({
  clientId,
  mutationId,
  name: 'addStop',
  args: null,
  seed: '',
  nowMs: 0,
});
const mutationsOf = (clientId: string, ...ids: number[]) => ids.map((id) => mutationOf(clientId, id));
const at = (version: number, historyId = 'h1') => ({ historyId, version });
const applied = (clientId: string, mutationId: number, version: number) => ({ clientId, mutationId, version, status: 'applied' }) as const;

describe('mutations of other tabs', () => {
  it('[TB-1] are shown once, in order, however often and late they come', () => {
    const siblings = new SiblingMutations();
    expect(siblings.add('b', 0, mutationsOf('b', 2))).toEqual(mutationsOf('b', 2));
    expect(siblings.add('b', 0, mutationsOf('b', 1, 2, 3))).toEqual(mutationsOf('b', 1, 3));
    expect(siblings.add('b', 0, mutationsOf('b', 1, 2, 3))).toEqual([]);
    expect(siblings.pending()).toEqual(mutationsOf('b', 1, 2, 3));
    expect(siblings.clientIds()).toEqual(['b']);
  });

  it('[TB-2] end with the version of their result, and never come back', () => {
    const siblings = new SiblingMutations();
    siblings.add('b', 0, mutationsOf('b', 1, 2));
    siblings.takeResults('h1', [applied('b', 1, 7), applied('c', 1, 7)]);
    expect(siblings.settle(at(6))).toEqual([]);
    expect(siblings.settle(at(7))).toEqual(mutationsOf('b', 1));
    expect(siblings.add('b', 0, mutationsOf('b', 1, 2))).toEqual([]);
    expect(siblings.pending()).toEqual(mutationsOf('b', 2));
  });

  it('[TB-15] end with all that came before a result, which may be the first that is heard of them, and come before they do', () => {
    const siblings = new SiblingMutations();
    siblings.add('b', 0, mutationsOf('b', 1, 2, 3));
    siblings.takeResults('h1', [
      { clientId: 'b', mutationId: 1, version: 4, status: 'rejected', code: 'forbidden', message: 'no' },
      { clientId: 'b', mutationId: 2, version: 9, status: 'duplicate' },
    ]);
    expect(siblings.settle(at(8))).toEqual(mutationsOf('b', 1));
    expect(siblings.settle(at(9))).toEqual(mutationsOf('b', 2));
    siblings.takeResults('h1', [applied('b', 4, 12)]);
    expect(siblings.add('b', 0, mutationsOf('b', 4, 5))).toEqual(mutationsOf('b', 4, 5));
    expect(siblings.settle(at(12))).toEqual(mutationsOf('b', 3, 4));
    expect(siblings.pending()).toEqual(mutationsOf('b', 5));
  });

  it('[TB-15] are asked about in a hello, as many clients as there is room for', () => {
    const siblings = new SiblingMutations();
    siblings.welcomed('b', 7);
    siblings.add('b', 1, mutationsOf('b', 2, 3));
    siblings.confirmed('idle', 3, at(1));
    siblings.add('c', 0, mutationsOf('c', 1));
    siblings.add('own', 0, mutationsOf('own', 1));
    const isOwn = (clientId: string) => clientId === 'own';
    expect(siblings.hello(isOwn, 9)).toEqual([
      { clientId: 'b', lastMutationId: 3, confirmed: 0, welcomed: 7 },
      { clientId: 'c', lastMutationId: 1, confirmed: 0, welcomed: null },
    ]);
    expect(siblings.asked).toEqual(['b', 'c']);
    expect(siblings.hello(isOwn, 1).map(({ clientId }) => clientId)).toEqual(['b']);
    expect([siblings.hello(isOwn, 0), siblings.asked]).toEqual([[], []]);
  });

  it('[TB-2] end with what their tab says, also before they came', () => {
    const siblings = new SiblingMutations();
    siblings.confirmed('b', 2, at(9));
    expect(siblings.add('b', 0, mutationsOf('b', 1, 2, 3))).toEqual(mutationsOf('b', 3));
    siblings.confirmed('b', 3, at(10));
    expect(siblings.settle(at(9))).toEqual([]);
    expect(siblings.settle(at(10))).toEqual(mutationsOf('b', 3));
  });

  it('[TB-2] end in another history at once', () => {
    const siblings = new SiblingMutations();
    siblings.add('b', 0, mutationsOf('b', 1, 2));
    siblings.confirmed('b', 1, at(100));
    expect(siblings.settle(at(5, 'h2'))).toEqual(mutationsOf('b', 1));
    siblings.confirmed('b', 2, null);
    expect(siblings.settle(at(5, 'h2'))).toEqual(mutationsOf('b', 2));
  });

  it('[TB-3] are handed over once', () => {
    const siblings = new SiblingMutations();
    siblings.add('b', 0, mutationsOf('b', 1, 2));
    siblings.add('c', 0, mutationsOf('c', 1));
    expect(siblings.take('b')).toEqual(mutationsOf('b', 1, 2));
    expect(siblings.take('b')).toEqual([]);
    expect(siblings.add('b', 0, mutationsOf('b', 1, 2))).toEqual([]);
    expect(siblings.pending()).toEqual(mutationsOf('c', 1));
  });

  it('[TB-13] are counted, with their bytes, however they come and go; the oldest are told by the time of the call', () => {
    const siblings = new SiblingMutations(({ mutationId }) => mutationId * 10);
    const sums = () => [siblings.count, siblings.bytes];
    const called = (clientId: string, mutationId: number, nowMs: number) => ({ ...mutationOf(clientId, mutationId), nowMs });
    siblings.add('b', 0, [called('b', 1, 5), called('b', 2, 6), called('b', 3, 9)]);
    siblings.add('b', 0, [called('b', 2, 6)]);
    siblings.add('c', 0, [called('c', 1, 7), called('c', 2, 1)]);
    expect(sums()).toEqual([5, 90]);
    expect(siblings.oldest(3).map(({ clientId, nowMs }) => [clientId, nowMs])).toEqual([
      ['c', 1],
      ['b', 5],
      ['b', 6],
    ]);
    const { changes } = siblings;
    siblings.takeResults('h1', [applied('b', 1, 7)]);
    siblings.settle(at(6));
    // Decided is not shown yet: it counts, and is not told as undecided.
    expect([...sums(), siblings.undecided]).toEqual([5, 90, 4]);
    expect(siblings.changes).toBe(changes + 1);
    expect(siblings.oldest(2).map(({ nowMs }) => nowMs)).toEqual([1, 6]);
    siblings.settle(at(7));
    expect(sums()).toEqual([4, 80]);
    siblings.take('c');
    expect(sums()).toEqual([2, 50]);
    siblings.confirmed('b', 3, null);
    siblings.settle(at(7));
    expect([...sums(), siblings.oldest(9)]).toEqual([0, 0, []]);
    expect(siblings.changes).toBeGreaterThan(changes);
  });

  it('[TB-1] of clients long gone are forgotten, those with something pending are not', () => {
    const siblings = new SiblingMutations();
    siblings.add('kept', 0, mutationsOf('kept', 1));
    for (let number = 0; number < 300; number += 1) {
      siblings.add(`client-${number}`, 0, mutationsOf(`client-${number}`, 1));
      siblings.takeResults('h1', [applied(`client-${number}`, 1, 1)]);
      siblings.settle(at(1));
    }
    expect(siblings.add('client-0', 0, mutationsOf('client-0', 1))).toHaveLength(1);
    expect(siblings.add('client-299', 0, mutationsOf('client-299', 1))).toEqual([]);
    expect(siblings.clientIds()).toEqual(['kept', 'client-0']);
  });
});
