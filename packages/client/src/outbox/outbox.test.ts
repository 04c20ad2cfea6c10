import type { Mutation } from '@alcove/core/mutation/mutation';
import type { MutationResult } from '@alcove/core/protocol/server-message';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';
import { type Attempt, VOID_MUTATOR } from './outbox-client.ts';

const limits = { outboxMutationsMax: 1_000, outboxBytesMax: 10_000, pushWindowMutationsMax: 10 };
const push = { mutationsMax: 4, bytesMax: 100, batchBytesMax: 100 };

const mutation = (mutationId: number, clientId = 'a', name = 'add'): Mutation => ({
  clientId,
  mutationId,
  name,
  args: mutationId,
  seed: 's',
  nowMs: 1,
});
const result = (mutationId: number, version: number, status: MutationResult['status'] = 'applied', clientId = 'a'): MutationResult => ({
  clientId,
  mutationId,
  status,
  version,
  ...(status === 'rejected' ? { code: 'mutator_failed' as const, message: 'no' } : {}),
});
const welcome = (lastMutationId: number, state: 'known' | 'new' | 'unknown' = 'known', clientId = 'a') => ({
  clients: [{ clientId, lastMutationId, state }],
  historyId: 'history2-0123456789',
  version: 50,
});
const refused = (
  expected: number,
  code: 'out_of_order' | 'rate_limited' | 'client_unknown' = 'out_of_order',
  retryAfterMs?: number,
  clientId = 'a',
) => ({
  type: 'refused' as const,
  clientId,
  mutationId: expected,
  expected,
  code,
  message: code,
  retryAfterMs,
});

function filled(count: number, bytes = 10): Outbox {
  const outbox = new Outbox(limits);
  for (let id = 1; id <= count; id++) outbox.add(mutation(id), bytes);
  return outbox;
}

const ids = (mutations: readonly { readonly mutationId: number }[] | null): number[] => (mutations ?? []).map((entry) => entry.mutationId);
const settledIds = (outbox: Outbox, version: number): number[] => outbox.settle(version).map((entry) => entry.mutation.mutationId);

describe('pushing', () => {
  it('[OB-1] pushes in order, by count, by bytes, and no more than the window', () => {
    const outbox = filled(20);
    expect([ids(outbox.nextPush(push, 0)), ids(outbox.nextPush(push, 0)), ids(outbox.nextPush(push, 0))]).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ]);
    expect(outbox.nextPush(push, 0)).toBeNull();
    outbox.takeResults([result(1, 1), result(2, 1)]);
    expect(ids(outbox.nextPush(push, 0))).toEqual([11, 12]);
    expect(ids(filled(20, 40).nextPush(push, 0))).toEqual([1, 2]);
    // A batch is smaller than what one mutation may have.
    const batches = filled(4, 40);
    const small = { ...push, batchBytesMax: 30 };
    expect([ids(batches.nextPush(small, 0)), ids(batches.nextPush(small, 0))]).toEqual([[1], [2]]);
  });

  it('[OB-1] one that was refused is sent again, also where the room took the next: it knew it, and nobody has heard the answer', () => {
    const outbox = filled(3);
    expect(ids(outbox.nextPush({ ...push, mutationsMax: 2 }, 0))).toEqual([1, 2]);
    outbox.refused(refused(1, 'rate_limited', 100), 0, 0);
    outbox.takeResults([result(2, 7, 'rejected')]);
    expect(outbox.nextPush(push, 50)).toBeNull();
    expect(ids(outbox.nextPush(push, 1_000))).toEqual([1, 2, 3]);
    outbox.takeResults([result(1, 5, 'duplicate'), result(2, 7, 'duplicate'), result(3, 8)]);
    expect(outbox.settle(8).map(({ result: said }) => said?.status)).toEqual(['duplicate', 'rejected', 'applied']);
  });

  it('[OB-2] a mutation too large to push is refused on this side, and a void takes its place', () => {
    const outbox = new Outbox(limits);
    outbox.add(mutation(1), 500);
    outbox.add(mutation(2), 10);
    expect(outbox.nextPush(push, 0)).toEqual([{ ...mutation(1), name: VOID_MUTATOR, args: null }, mutation(2)]);
    outbox.takeResults([{ ...result(1, 3, 'rejected'), code: 'mutator_unknown' }, result(2, 3)]);
    expect(outbox.settle(3).map((entry) => entry.error?.code)).toEqual(['message_too_large', undefined]);
  });

  it('[OB-3] fills ids that were never enqueued, so that the ones behind are not blocked', () => {
    const outbox = new Outbox(limits);
    outbox.add(mutation(1), 1);
    outbox.add(mutation(4), 1);
    expect((outbox.nextPush(push, 0) ?? []).map((entry) => [entry.mutationId, entry.name])).toEqual([
      [1, 'add'],
      [2, VOID_MUTATOR],
      [3, VOID_MUTATOR],
      [4, 'add'],
    ]);
    outbox.takeResults([result(1, 1), result(2, 1, 'rejected'), result(3, 1, 'rejected'), result(4, 1)]);
    expect(outbox.settle(1).map((entry) => entry.isVoid)).toEqual([false, true, true, false]);
  });

  it('[OB-4] after a lost connection pushes what the room does not have', () => {
    const outbox = filled(6);
    outbox.nextPush(push, 0);
    outbox.connectionLost();
    outbox.welcome(welcome(2), false);
    expect(ids(outbox.nextPush(push, 0))).toEqual([3, 4, 5, 6]);
  });

  it('[OB-5] goes back to the id the room expects, and waits as long as it asked', () => {
    const outbox = filled(6);
    outbox.nextPush(push, 0);
    expect(outbox.refused(refused(3, 'rate_limited', 500), 1_000, 0)).toBe('waits');
    expect(outbox.nextPush(push, 1_499)).toBeNull();
    expect(outbox.wakeAtMs()).toBe(1_500);
    expect(ids(outbox.nextPush(push, 1_500))).toEqual([3, 4, 5, 6]);
  });

  it('[OB-5] answers the first word of disorder at once, and backs off when it goes on', () => {
    const outbox = filled(3);
    outbox.nextPush(push, 0);
    outbox.refused(refused(2), 0, 0.999);
    expect(ids(outbox.nextPush(push, 0))).toEqual([2, 3]);
    outbox.refused(refused(2), 0, 0.999);
    expect(outbox.nextPush(push, 0)).toBeNull();
    expect(outbox.wakeAtMs()).toBeGreaterThan(0);
  });

  it('[OB-5] a late refusal of what was sent twice and is settled meanwhile does not stop the ones behind', () => {
    const outbox = filled(3);
    outbox.nextPush(push, 0);
    outbox.takeResults([result(1, 5), result(2, 5)]);
    outbox.refused(refused(2, 'rate_limited', 10), 0, 0);
    expect(settledIds(outbox, 5)).toEqual([1, 2]);
    expect(ids(outbox.nextPush(push, 10))).toEqual([3]);
  });

  it('[OB-5] a refusal that is overtaken by answers sends nothing again that is answered', () => {
    const outbox = filled(6);
    outbox.nextPush({ ...push, mutationsMax: 6 }, 0);
    outbox.takeResults([result(3, 9)]);
    outbox.refused(refused(2, 'rate_limited', 10), 0, 0);
    expect(ids(outbox.nextPush({ ...push, mutationsMax: 6 }, 10))).toEqual([4, 5, 6]);
  });

  it('[OB-18] tells what was sent in vain, with the room’s reason, and nothing of what is answered', () => {
    const attempts: Attempt[] = [];
    const outbox = new Outbox(limits, (attempt) => attempts.push(attempt));
    for (let id = 1; id <= 6; id++) outbox.add(mutation(id), 10);
    outbox.nextPush(push, 0);
    outbox.takeResults([result(1, 9)]);
    outbox.refused(refused(3, 'rate_limited', 10), 0, 0);
    // Its echo: what was pushed behind it.
    outbox.refused({ ...refused(3, 'rate_limited', 10), mutationId: 4 }, 0, 0);
    expect(attempts).toMatchObject([{ clientId: 'a', from: 3, upTo: 4, error: { code: 'rate_limited', retryAfterMs: 10 } }]);
    outbox.connectionLost();
    expect(attempts.slice(1)).toEqual([{ clientId: 'a', from: 2, upTo: 2, error: null }]);
    outbox.welcome(welcome(2), false);
    outbox.takeResults([result(2, 9)]);
    outbox.nextPush({ ...push, mutationsMax: 2 }, 0);
    outbox.refused(refused(4), 0, 0);
    outbox.connectionLost();
    outbox.connectionLost();
    expect(attempts.slice(2)).toEqual([
      { clientId: 'a', from: 4, upTo: 4, error: null },
      { clientId: 'a', from: 3, upTo: 3, error: null },
    ]);
    outbox.welcome(welcome(2), false);
    outbox.nextPush(push, 0);
    outbox.takeResults([3, 4, 5, 6].map((id) => result(id, 10)));
    expect(settledIds(outbox, 10)).toHaveLength(6);
    outbox.connectionLost();
    expect(attempts).toHaveLength(4);
  });

  it('a wait that is over wakes nobody, though the window is still full', () => {
    const outbox = new Outbox({ ...limits, pushWindowMutationsMax: 2 });
    outbox.add(mutation(1, 'b'), 10);
    for (let id = 1; id <= 3; id++) outbox.add(mutation(id), 10);
    expect(outbox.nextPush(push, 0)?.map(({ clientId }) => clientId)).toEqual(['b', 'a']);
    outbox.refused(refused(1, 'rate_limited', 500), 0, 0);
    outbox.add(mutation(2, 'b'), 10);
    expect(outbox.nextPush(push, 100)?.map(({ clientId }) => clientId)).toEqual(['b']);
    expect(outbox.nextPush(push, 500)).toBeNull();
    expect(outbox.wakeAtMs()).toBeNull();
  });

  it('[OB-5] a refusal that takes those behind it along counts once', () => {
    const outbox = filled(8);
    outbox.nextPush(push, 0);
    outbox.nextPush(push, 0);
    outbox.refused(refused(3, 'rate_limited', 500), 0, 0.999);
    for (const mutationId of [4, 5, 6, 7, 8]) outbox.refused({ ...refused(3), mutationId }, 10, 0.999);
    expect(outbox.wakeAtMs()).toBe(750);
    expect(ids(outbox.nextPush(push, 750))).toEqual([3, 4, 5, 6]);
  });

  it('one waiting client does not hold up another', () => {
    const outbox = filled(2);
    outbox.add(mutation(1, 'b'), 1);
    outbox.nextPush(push, 0);
    outbox.refused(refused(1, 'rate_limited', 500), 0, 0);
    outbox.refused({ ...refused(1, 'out_of_order', undefined, 'b') }, 0, 0);
    expect(outbox.nextPush(push, 0)?.map((entry) => entry.clientId)).toEqual(['b']);
  });
});

describe('settling', () => {
  it('[OB-6] settles in order, not before the replica is at the version of the result', () => {
    const outbox = filled(4);
    outbox.takeResults([result(1, 1), result(2, 3, 'rejected'), result(3, 3)]);
    expect(settledIds(outbox, 0)).toEqual([]);
    expect(settledIds(outbox, 2)).toEqual([1]);
    expect(outbox.settle(3).map((entry) => [entry.mutation.mutationId, entry.error?.code])).toEqual([
      [2, 'mutator_failed'],
      [3, undefined],
    ]);
    expect(outbox.size).toBe(1);
  });

  it('[OB-7] a duplicate settles every earlier one without a result, and hides none that has one', () => {
    const outbox = filled(4);
    outbox.takeResults([result(2, 5, 'rejected'), result(3, 6, 'duplicate')]);
    expect(outbox.settle(6).map((entry) => [entry.mutation.mutationId, entry.result.status])).toEqual([
      [1, 'duplicate'],
      [2, 'rejected'],
      [3, 'duplicate'],
    ]);
  });

  it('the first result of a mutation stays', () => {
    const outbox = filled(1);
    outbox.takeResults([result(1, 5, 'rejected'), result(1, 5, 'applied')]);
    expect(outbox.settle(5)[0]?.result.status).toBe('rejected');
  });

  it('[OB-8] says heard after a rejection, and again after each reconnect', () => {
    const outbox = filled(2);
    outbox.takeResults([result(1, 1), result(2, 1, 'rejected')]);
    expect(outbox.takeHeard()).toEqual([]);
    outbox.settle(1);
    // A worker may die before its page was told: the room must keep the rejection till then.
    expect(outbox.takeHeard()).toEqual([]);
    expect(outbox.hello('a')).toMatchObject([{ clientId: 'a', confirmed: 0 }]);
    outbox.heard('a', 2);
    expect(outbox.hello('a')).toMatchObject([{ clientId: 'a', confirmed: 2 }]);
    expect(outbox.takeHeard()).toEqual([{ clientId: 'a', upTo: 2 }]);
    expect(outbox.takeHeard()).toEqual([]);
    outbox.connectionLost();
    outbox.welcome(welcome(2), false);
    expect(outbox.takeHeard()).toEqual([{ clientId: 'a', upTo: 2 }]);
  });
});

describe('comparing counters with the room', () => {
  it('[OB-8] says heard of a rejection that the room still keeps, though it was told by an earlier worker', () => {
    const outbox = new Outbox(limits);
    outbox.addClient({ clientId: 'a', confirmed: 7, welcomed: 1 });
    outbox.welcome(welcome(7), false);
    expect(outbox.takeHeard()).toEqual([]);
    outbox.takeResults([result(4, 3, 'rejected')]);
    expect(outbox.settle(50)).toEqual([]);
    expect(outbox.takeHeard()).toEqual([{ clientId: 'a', upTo: 7 }]);
    outbox.takeResults([result(7, 3, 'duplicate')]);
    expect(outbox.takeHeard()).toEqual([]);
  });

  it('[OB-9] re-keys what is pending when the room lost a tail, the same way each time', () => {
    const rekey = (): [Outbox, ReturnType<Outbox['welcome']>] => {
      const outbox = new Outbox(limits);
      outbox.addClient({ clientId: 'a', confirmed: 5, welcomed: 1 });
      for (const id of [6, 7]) outbox.add(mutation(id), 1);
      return [outbox, outbox.welcome(welcome(3), true)];
    };
    const [outbox, rekeyed] = rekey();
    const to = rekeyed[0]?.to ?? '';
    expect(rekeyed).toEqual([{ clientId: 'a', to, offset: 5, roomHas: 3 }]);
    expect(to).not.toBe('a');
    expect(rekey()[1]).toEqual(rekeyed);
    expect(outbox.nextPush(push, 0)).toEqual([
      { ...mutation(6), clientId: to, mutationId: 1 },
      { ...mutation(7), clientId: to, mutationId: 2 },
    ]);
    expect(outbox.currentName(mutation(8))).toEqual({ ...mutation(8), clientId: to, mutationId: 3 });
    expect(outbox.knows(mutation(7))).toBe(true);
    expect(outbox.knows(mutation(4))).toBe(true);
    expect(outbox.knows(mutation(8))).toBe(false);
  });

  it('[OB-9] a later engine of the page speaks under the name that an earlier one gave its client, also with nothing pending', () => {
    const outbox = new Outbox(limits);
    outbox.addClient({ clientId: 'a~history2', confirmed: 5, welcomed: 1 });
    outbox.addClient({ clientId: 'b', confirmed: 5, welcomed: 1 });
    expect(outbox.hello('a').map(({ clientId }) => clientId)).toEqual(['a~history2']);
    expect([outbox.speaksAs('a'), outbox.speaksAs('b'), outbox.speaksAs('c')]).toEqual(['a~history2', 'b', 'c']);
  });

  it('[OB-10] stops a client the room forgot: kept, reported, never pushed, and told to who mutates', () => {
    const outbox = filled(2);
    outbox.welcome(welcome(0, 'unknown'), false);
    expect(outbox.takeStopped()).toMatchObject([
      { clientId: 'a', error: { code: 'client_unknown' }, mutations: [mutation(1), mutation(2)] },
    ]);
    expect(outbox.nextPush(push, 0)).toBeNull();
    expect(outbox.size).toBe(2);
    expect(() => outbox.assertRoomFor(mutation(3), 1)).toThrowError(expect.objectContaining({ code: 'client_unknown' }));
    expect(outbox.discard('a')).toHaveLength(2);
    expect(outbox.size).toBe(0);
    expect(() => outbox.assertRoomFor(mutation(3), 1)).toThrowError(expect.objectContaining({ code: 'client_unknown' }));
  });

  it('[OB-11] stops a client whose counter went back: no id is used twice', () => {
    const outbox = filled(2);
    outbox.welcome(welcome(9), false);
    expect(outbox.takeStopped()).toMatchObject([{ error: { code: 'unknown_outcome' } }]);
  });

  it('[OB-14] versions of a history that lost its tail make no client look newer than it is', () => {
    const outbox = new Outbox(limits);
    outbox.addClient({ clientId: 'a', confirmed: 0, welcomed: 329 });
    outbox.add(mutation(1), 1);
    outbox.welcome({ ...welcome(0, 'new'), version: 190 }, false);
    outbox.welcome({ ...welcome(0, 'known'), version: 400 }, false);
    expect(outbox.hello('a').map(({ welcomed }) => welcomed)).toEqual([190]);
  });

  it('[OB-14] a client is known to be as old as the session it came into being in', () => {
    const outbox = new Outbox(limits);
    outbox.addClient({ clientId: 'first', confirmed: 0, welcomed: null });
    outbox.welcome({ ...welcome(0, 'new', 'first'), version: 40 }, false);
    outbox.add(mutation(1, 'later'), 1);
    outbox.connectionLost();
    outbox.add(mutation(1, 'offline'), 1);
    outbox.add(mutation(1, 'first'), 1);
    const welcomed = (): unknown => outbox.hello('first').map((client) => [client.clientId, client.welcomed]);
    expect(welcomed()).toEqual([
      ['first', 40],
      ['later', 40],
      ['offline', null],
    ]);
    outbox.welcome({ ...welcome(1, 'known', 'later'), version: 90 }, false);
    outbox.welcome({ ...welcome(0, 'new', 'offline'), version: 90 }, false);
    expect(welcomed()).toEqual([
      ['first', 40],
      ['later', 40],
      ['offline', 90],
    ]);
  });

  it('[OB-15] what was adopted and is done with is not named any more', () => {
    const outbox = new Outbox(limits);
    outbox.addClient({ clientId: 'a', confirmed: 0, welcomed: null });
    for (const id of [1, 2]) outbox.add(mutation(id, 'dead'), 1);
    const named = (): string[] => outbox.hello('a').map(({ clientId }) => clientId);
    expect(named()).toEqual(['a', 'dead']);
    outbox.takeResults([result(1, 1, 'rejected', 'dead'), result(2, 1, 'applied', 'dead')]);
    outbox.settle(1);
    expect(named()).toEqual(['a', 'dead']);
    outbox.heard('dead', 1);
    expect(outbox.takeHeard()).toEqual([{ clientId: 'dead', upTo: 2 }]);
    expect(named()).toEqual(['a']);
  });

  it('another history makes results of the old one void', () => {
    const outbox = filled(1);
    outbox.takeResults([result(1, 60)]);
    outbox.welcome(welcome(0, 'new'), true);
    expect(outbox.settle(100)).toEqual([]);
    expect(ids(outbox.nextPush(push, 0))).toEqual([1]);
  });

  it('a count outside of what is pending asks for a new hello', () => {
    const outbox = filled(2);
    outbox.nextPush(push, 0);
    outbox.takeResults([result(1, 1)]);
    outbox.settle(1);
    expect(outbox.refused(refused(1), 0, 0)).toBe('disagrees');
    expect(outbox.refused(refused(9), 0, 0)).toBe('disagrees');
    expect(outbox.refused(refused(1, 'client_unknown'), 0, 0)).toBe('waits');
    expect(outbox.takeStopped()).toMatchObject([{ error: { code: 'client_unknown' } }]);
  });
});

describe('bounds', () => {
  it('[OB-12] is bounded by count and bytes, and drops nothing', () => {
    const outbox = new Outbox({ ...limits, outboxMutationsMax: 3 });
    for (const id of [1, 2, 3]) {
      outbox.assertRoomFor(mutation(id), 1);
      outbox.add(mutation(id), 1);
    }
    expect(() => outbox.assertRoomFor(mutation(4), 1)).toThrowError(expect.objectContaining({ code: 'outbox_full' }));
    expect(() => new Outbox(limits).assertRoomFor(mutation(1), 10_001)).toThrowError(expect.objectContaining({ code: 'outbox_full' }));
    expect(() => new Outbox(limits).assertRoomFor(mutation(2_000), 1)).toThrowError(expect.objectContaining({ code: 'outbox_full' }));
    expect(outbox.size).toBe(3);
  });
});
