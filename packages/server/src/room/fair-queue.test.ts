import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';
import type { Place } from './fair-queue.ts';

interface Item extends Place {
  readonly n: number;
}
const queueOf = (): FairQueue<Item> => new FairQueue((item: Item) => item);
const add = (queue: FairQueue<Item>, user: string, session: string, count: number, atMs = 0, from = 1): void => {
  for (let n = from; n < from + count; n += 1) queue.add({ user, session, n }, atMs);
};
const take = (queue: FairQueue<Item>, max = 500, nowMs = 0, shareMin = 16) => queue.take({ max, shareMin, nowMs });
const names = (items: readonly Item[]): string[] => items.map(({ session, n }) => `${session}${n}`);

describe('FairQueue', () => {
  it('[RM-39] gives each user a turn, and each session of a user, and keeps the order within a session', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 3);
    add(queue, 'ann', 'b', 2);
    add(queue, 'bob', 'c', 2);
    expect(names(take(queue).items)).toEqual(['a1', 'c1', 'b1', 'c2', 'a2', 'b2', 'a3']);
    expect(queue.size).toBe(0);
    expect(take(queue)).toEqual({ items: [], isLopsided: false });
  });

  it('[RM-39] one mutation behind 5,000 of another is in the very next take, and a hundred sessions of one user are one user', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 5_000);
    for (let session = 0; session < 100; session += 1) add(queue, 'eve', `e${session}-`, 50);
    add(queue, 'bob', 'c', 1);
    const { items } = take(queue, 6);
    expect(names(items)).toContain('c1');
    expect(items.filter(({ user }) => user === 'eve').length).toBeLessThanOrEqual(3);
  });

  it('[RM-40] holds one who has far more waiting to a share while others push, and gives everything to one who is alone', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 1_000);
    expect(take(queue)).toMatchObject({ isLopsided: false, items: { length: 500 } });
    add(queue, 'bob', 'c', 1, 100);
    expect(take(queue, 500, 100)).toMatchObject({ isLopsided: true, items: { length: 9 } });
    expect(take(queue, 500, 1_000)).toMatchObject({ isLopsided: true, items: { length: 16 } });
    expect(take(queue, 500, 1_101)).toMatchObject({ isLopsided: false, items: { length: 476 } });
  });

  it('[RM-40] holds a session to a share beside another one of the same user', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 100);
    add(queue, 'ann', 'b', 1);
    const first = take(queue);
    expect(first).toMatchObject({ isLopsided: true, items: { length: 9 } });
    expect(names(first.items).slice(0, 2)).toEqual(['a1', 'b1']);
    expect(take(queue)).toMatchObject({ isLopsided: true, items: { length: 16 } });
  });

  it('[RM-40] holds nobody back where all have about as much waiting', () => {
    const queue = queueOf();
    for (let user = 0; user < 50; user += 1) add(queue, `u${user}`, `s${user}-`, 30 + (user % 10));
    const { items, isLopsided } = take(queue);
    expect(isLopsided).toBe(false);
    expect(items).toHaveLength(500);
    expect(new Set(items.map(({ user }) => user)).size).toBe(50);
  });

  it('puts back what was not done in front, and those it belongs to are next', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 4);
    add(queue, 'bob', 'b', 4);
    const { items } = take(queue, 4);
    add(queue, 'cat', 'c', 1);
    queue.giveBack(items.slice(1));
    expect(queue.size).toBe(8);
    const again = names(take(queue, 3).items);
    expect(again.slice(0, 2).sort()).toEqual(['a2', 'b1']);
    expect(again[2]).toBe('c1');
    expect(names(take(queue).items).filter((name) => name.startsWith('a'))).toEqual(['a3', 'a4']);
  });

  it('takes out a session whole, and everything', () => {
    const queue = queueOf();
    add(queue, 'ann', 'a', 40);
    add(queue, 'ann', 'b', 2);
    take(queue, 30);
    expect(queue.sizeOf('ann')).toBe(32);
    expect(names(queue.remove({ user: 'ann', session: 'b' }))).toEqual([]);
    expect(queue.remove({ user: 'ann', session: 'a' })).toHaveLength(32);
    expect(queue.remove({ user: 'bob', session: 'z' })).toEqual([]);
    add(queue, 'bob', 'c', 2);
    expect([...queue]).toHaveLength(2);
    expect(names(queue.removeAll())).toEqual(['c1', 'c2']);
    expect(queue.size).toBe(0);
  });
});
