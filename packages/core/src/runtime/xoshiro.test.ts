import { describe, expect, it } from 'vitest';
import { nextFloat, nextUint32, xoshiroFrom } from './xoshiro.ts';

describe('xoshiro128**', () => {
  it('gives the numbers of the published algorithm', () => {
    // From state 1, 2, 3, 4; computed apart from this code.
    const state = xoshiroFrom(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0));
    const words = Array.from({ length: 10 }, () => nextUint32(state));
    expect(words).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804]);
  });

  it('does not stand still on a seed of zeros', () => {
    const state = xoshiroFrom(new Uint8Array(16));
    const floats = Array.from({ length: 100 }, () => nextFloat(state));
    expect(new Set(floats).size).toBeGreaterThan(95);
  });
});
