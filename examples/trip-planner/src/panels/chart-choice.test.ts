import { describe, expect, it } from 'vitest';
import { BARS_MAX, barsOf, figuresOf, formOf, valueColumns } from './chart-choice.ts';

const CITIES = {
  columns: ['id', 'name', 'folded', 'country', 'population', 'lat', 'lon'],
  rows: [
    [1, 'Kyoto', 'kyoto', 'JP', 1_459_640, 35.02, 135.75],
    [2, 'Nara', 'nara', 'JP', 367_353, 34.68, 135.8],
  ],
};

describe('barsOf', () => {
  it('labels by words and measures the first column of numbers, or the one that is wanted', () => {
    const table = {
      columns: ['people', 'country', 'cities'],
      rows: [
        [5, 'FR', 2],
        [3, 'IT', 4],
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
    expect(barsOf(table, 'cities')?.bars.map((bar) => bar.value)).toEqual([2, 4]);
    expect(barsOf(table, 'country')?.valueColumn).toBe('people');
  });

  it('measures no key and no place on earth', () => {
    expect(barsOf(CITIES)).toMatchObject({ labelColumn: 'name', valueColumn: 'population' });
    expect(valueColumns(CITIES)).toEqual(['population']);
    const keys = { columns: ['name', 'city_id', 'cityId'], rows: CITIES.rows.map(([id, name]) => [name ?? null, id ?? null, id ?? null]) };
    expect(barsOf(keys)).toBeNull();
  });

  it('measures no moments, no years and no yes-or-no', () => {
    const rows = [
      ['soap', 1, 1_800_000_000_000, 2027],
      ['towel', 0, 1_800_000_100_000, 2028],
    ];
    expect(barsOf({ columns: ['label', 'packed', 'added_ms', 'year'], rows })).toBeNull();
    // A length of time is one.
    expect(valueColumns({ columns: ['what', 'took_ms'], rows: [['a', 12], ['b', 5]] })).toEqual(['took_ms']); // biome-ignore format: a row
  });

  it('labels by words that tell the rows apart', () => {
    const rows = [
      ['JP', 'Kyoto', 3],
      ['JP', 'Nara', 2],
    ];
    expect(barsOf({ columns: ['country', 'name', 'nights'], rows })?.labelColumn).toBe('name');
    expect(barsOf({ columns: ['id', 'nights'], rows: [['s1', 3], ['s2', 2]] })?.labelColumn).toBe('id'); // biome-ignore format: a row
  });

  it('labels numbers by numbers where there are no words', () => {
    const rows = [
      [2026, 4],
      [2027, 4],
    ];
    expect(barsOf({ columns: ['year', 'n'], rows })).toMatchObject({ labelColumn: 'year', valueColumn: 'n' });
    expect(barsOf({ columns: ['n'], rows: [[4], [5]] })).toBeNull();
  });

  it('is null where bars would say nothing', () => {
    expect(barsOf({ columns: ['name', 'n'], rows: [['Kyoto', 4]] })).toBeNull();
    expect(barsOf({ columns: ['name'], rows: [['Kyoto'], ['Nara']] })).toBeNull();
    expect(barsOf({ columns: ['name', 'n'], rows: [] })).toBeNull();
    expect(barsOf({ columns: ['n', 'm'], rows: [[null, null], [null, null]] })).toBeNull(); // biome-ignore format: rows
    expect(barsOf({ columns: [], rows: [] })).toBeNull();
  });

  it('counts a missing number as nought and does not take a mixed column for numbers', () => {
    const missing = [
      ['a', null],
      ['b', 2],
    ];
    expect(barsOf({ columns: ['name', 'n'], rows: missing })?.bars).toEqual([
      { label: 'a', value: 0 },
      { label: 'b', value: 2 },
    ]);
    const mixed = [
      [1, 4],
      ['one', 2],
    ];
    expect(valueColumns({ columns: ['x', 'n'], rows: mixed })).toEqual(['n']);
  });

  it('draws a bounded number of bars and counts the rest', () => {
    const rows = Array.from({ length: BARS_MAX + 3 }, (_, i) => [`row ${i}`, i]);
    const bars = barsOf({ columns: ['name', 'n'], rows });
    expect([bars?.bars.length, bars?.left]).toEqual([BARS_MAX, 3]);
  });
});

describe('formOf', () => {
  it('shows a single number, and a row of few, as figures', () => {
    expect(figuresOf({ columns: ['n'], rows: [[138_398]] })).toEqual([{ name: 'n', value: '138,398' }]);
    expect(formOf({ columns: ['n', 'people'], rows: [[2, 7]] })).toBe('figures');
    expect(formOf({ columns: ['word'], rows: [['one']] })).toBe('table');
    expect(formOf({ columns: ['n'], rows: [[null]] })).toBe('table');
    expect(figuresOf({ columns: ['n'], rows: [[1], [2]] })).toBeNull();
  });

  it('draws bars only where all of them can be seen', () => {
    expect(formOf(CITIES)).toBe('chart');
    const rows = Array.from({ length: BARS_MAX + 1 }, (_, i) => [`row ${i}`, i]);
    expect(formOf({ columns: ['name', 'n'], rows })).toBe('table');
  });
});
