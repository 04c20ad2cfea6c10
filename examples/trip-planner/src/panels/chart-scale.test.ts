import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { formatCell, formatExact, share, ticks } from './chart-scale.ts';

describe('ticks', () => {
  it('are round and hold nought and every value between the first and the last', () => {
    expect(ticks([33_482, 900], 5)).toEqual([0, 10_000, 20_000, 30_000, 40_000]);
    expect(ticks([-3, 8], 5)).toEqual([-5, 0, 5, 10]);
    expect(ticks([0, 0], 5)).toEqual([0]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
        const marks = ticks(values, 5);
        expect(marks).toContain(0);
        expect(marks.length).toBeLessThanOrEqual(9);
        if (marks.length === 1) return;
        const slack = ((marks.at(-1) ?? 0) - (marks[0] ?? 0)) * 1e-9;
        for (const value of values) {
          expect(value).toBeGreaterThanOrEqual((marks[0] ?? 0) - slack);
          expect(value).toBeLessThanOrEqual((marks.at(-1) ?? 0) + slack);
        }
      }),
    );
  });
});

describe('share', () => {
  it('measures between the first and the last tick, and holds infinities at the ends', () => {
    expect(share(5, [0, 10, 20])).toBe(0.25);
    expect(share(-5, [-10, 0, 10])).toBe(0.25);
    expect(share(Number.POSITIVE_INFINITY, [0, 10])).toBe(1);
    expect(share(3, [0])).toBe(0);
  });
});

describe('formatCell', () => {
  it('tells nothing from nought and bytes from text', () => {
    expect(formatCell(null)).toBe('null');
    expect(formatCell(0)).toBe('0');
    expect(formatCell(1234.5678)).toBe('1,234.568');
    expect(formatCell(9_007_199_254_740_993n)).toBe('9,007,199,254,740,993');
    expect(formatCell(new Uint8Array(3))).toBe('3 bytes');
    expect(formatCell('Kyōto')).toBe('Kyōto');
  });
});

describe('formatExact', () => {
  it('writes numbers as the database has them', () => {
    expect(formatExact(1_850_147)).toBe('1850147');
    expect(formatExact(35.689_506)).toBe('35.689506');
    expect(formatExact(null)).toBe('null');
  });
});
