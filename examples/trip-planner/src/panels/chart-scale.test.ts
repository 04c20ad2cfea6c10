import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BARS_MAX, barsOf, formatCell, share, ticks, valueColumns } from './chart-scale.ts';

describe('barsOf', () => {
  it('labels by the first column of words and measures the first of numbers', () => {
    const table = {
      columns: ['people', 'country', 'cities'],
      rows: [
        [5, 'FR', 2],
        [3, 'IT', 1],
      ],
    };
    expect(barsOf(table)).toEqual({
      labelColumn: 'country',
      valueColumn: 'people',
      bars: [
        { label: 'FR', value: 5 },
        { label: 'IT', value: 3 },
      ],
      left: 0,
    });
    expect(barsOf(table, 'cities')?.bars.map((bar) => bar.value)).toEqual([2, 1]);
  });

  it('labels numbers by numbers where there are no words', () => {
    expect(barsOf({ columns: ['year', 'n'], rows: [[2026, 4]] })).toMatchObject({ labelColumn: 'year', valueColumn: 'n' });
    expect(barsOf({ columns: ['n'], rows: [[4]] })).toMatchObject({ labelColumn: 'n', valueColumn: 'n' });
  });

  it('is null where nothing can be measured', () => {
    expect(barsOf({ columns: ['name'], rows: [['Kyoto']] })).toBeNull();
    expect(barsOf({ columns: ['n'], rows: [] })).toBeNull();
    expect(barsOf({ columns: ['n', 'm'], rows: [[null, null]] })).toBeNull();
    expect(barsOf({ columns: [], rows: [] })).toBeNull();
  });

  it('counts a missing number as nought and does not take a mixed column for numbers', () => {
    expect(
      barsOf({
        columns: ['name', 'n'],
        rows: [
          ['a', null],
          ['b', 2],
        ],
      })?.bars,
    ).toEqual([
      { label: 'a', value: 0 },
      { label: 'b', value: 2 },
    ]);
    expect(
      valueColumns({
        columns: ['x', 'n'],
        rows: [
          [1, 1],
          ['one', 2],
        ],
      }),
    ).toEqual(['n']);
  });

  it('says how many rows it leaves out', () => {
    const rows = Array.from({ length: BARS_MAX + 7 }, (_, i) => [`r${i}`, i]);
    const bars = barsOf({ columns: ['name', 'n'], rows });
    expect(bars?.bars).toHaveLength(BARS_MAX);
    expect(bars?.left).toBe(7);
  });
});

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
