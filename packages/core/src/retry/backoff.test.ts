import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const ALMOST_ONE = 1 - 2 ** -53;

describe('backoffMs', () => {
  it('doubles its upper bound from attempt to attempt, up to the longest wait', () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map((attempt) => backoffMs(attempt, ALMOST_ONE));
    expect(bounds).toEqual([499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
  });

  it('spreads over the whole range, so that clients of one server do not return together', () => {
    expect(backoffMs(4, 0)).toBe(0);
    expect(backoffMs(4, 0.5)).toBe(2000);
  });

  it('takes an attempt below 1 for the first', () => {
    expect(backoffMs(0, 0.5)).toBe(backoffMs(1, 0.5));
    expect(backoffMs(-3, 0.5)).toBe(backoffMs(1, 0.5));
  });

  it('never undercuts what the other side asked for, whatever the attempt', () => {
    expect(backoffMs(1, 0, 5000)).toBe(5000);
    expect(backoffMs(9, ALMOST_ONE, 5000)).toBe(7500);
    expect(backoffMs(1, 0.5, 0)).toBe(0);
  });
});
