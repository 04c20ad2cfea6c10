import { describe, expect, it } from 'vitest';
import { PutOffSets } from './put-off-sets.ts';

interface By {
  readonly session: string;
  readonly user: string;
}
const a: By = { session: 'a', user: 'ann' };
const b: By = { session: 'b', user: 'ann' };
const c: By = { session: 'c', user: 'cat' };

const setsOf = (session: number, user: number, waitingMax = 10): PutOffSets<By, number> =>
  new PutOffSets<By, number>({
    session: { perSecond: session, burst: session },
    user: { perSecond: user, burst: user },
    waitingMax,
    sessionOf: (by) => by.session,
    userOf: (by) => by.user,
  });

describe('PutOffSets', () => {
  it('[EP-26] keeps the newest of each that is over the rate, and releases it when it fits', () => {
    const sets = setsOf(2, 100);
    expect([1, 2, 3, 4].map((value) => sets.add(a, 'slider', value, 0))).toEqual([null, null, 'session', 'session']);
    expect(sets.add(a, 'cursor', 5, 0)).toBe('session');
    expect(sets.add(c, 'slider', 6, 0)).toBe(null);
    expect(sets.size).toBe(2);
    expect(sets.nextMs(0)).toBe(500);
    expect(sets.release(499)).toEqual([]);
    expect(sets.release(500)).toEqual([{ by: a, message: 4 }]);
    expect(sets.add(a, 'slider', 7, 600)).toBe('session');
    expect(sets.release(1_500).map(({ message }) => message)).toEqual([5, 7]);
    expect(sets.nextMs(1_500)).toBe(null);
  });

  it('[EP-26] counts a user over all sessions', () => {
    const sets = setsOf(10, 3);
    expect([1, 2].map((value) => sets.add(a, 'x', value, 0))).toEqual([null, null]);
    expect([1, 2].map((value) => sets.add(b, 'x', value, 0))).toEqual([null, 'user']);
    expect(sets.add(a, 'x', 3, 0)).toBe('user');
    expect(sets.add(c, 'x', 1, 0)).toBe(null);
    expect(sets.release(400)).toEqual([{ by: b, message: 2 }]);
    expect(sets.release(700)).toEqual([{ by: a, message: 3 }]);
  });

  it('[EP-26] holds no more of a session than it may, and gives all of it out', () => {
    const sets = setsOf(1, 10, 2);
    expect(['t0', 't1', 't2', 't3', 't1'].map((target, value) => sets.add(a, target, value, 0))).toEqual([
      null,
      'session',
      'session',
      'full',
      'session',
    ]);
    expect(sets.takeAllOf(a)).toEqual([4, 2]);
    expect(sets.takeAllOf(b)).toEqual([]);
    expect(sets.size).toBe(0);
  });
});
