import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { buildCityIndex, cityAt, type CityRow, forEachRun, largestIn, weightOf } from './city-index.ts';
import { project } from './projection.ts';

const city = (id: number, lon: number, lat: number, population: number): CityRow => ({
  id,
  name: `c${id}`,
  country: 'XX',
  lon,
  lat,
  population,
});

const sets = fc.array(
  fc.record({
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
    lat: fc.double({ min: -80, max: 80, noNaN: true }),
    population: fc.integer({ min: 0, max: 20_000_000 }),
  }),
  { minLength: 1, maxLength: 200 },
);
const rowsOf = (set: readonly { lon: number; lat: number; population: number }[]) =>
  set.map((one, i) => city(i + 1, one.lon, one.lat, one.population));

describe('buildCityIndex', () => {
  it('keeps every city once, each cell ordered by population', () => {
    fc.assert(
      fc.property(sets, (set) => {
        const index = buildCityIndex(rowsOf(set));
        expect(index.rows.map((row) => row.id).sort((a, b) => a - b)).toEqual(set.map((_, i) => i + 1));
        expect(index.starts.at(-1)).toBe(set.length);
        for (let cell = 0; cell + 1 < index.starts.length; cell++) {
          const people = index.rows.slice(index.starts[cell], index.starts[cell + 1]).map((row) => row.population);
          expect(people).toEqual([...people].sort((a, b) => b - a));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is empty for no cities', () => {
    expect(largestIn(buildCityIndex([]), { left: 0, top: 0, right: 1, bottom: 1 }, 10)).toEqual([]);
  });
});

describe('forEachRun', () => {
  it('comes by every city of the box, also where the box lies on repeated worlds', () => {
    fc.assert(
      fc.property(
        sets,
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        (set, left, width) => {
          const index = buildCityIndex(rowsOf(set));
          const box = { left, right: left + width, top: 0.2, bottom: 0.8 };
          const seen = new Set<string>();
          forEachRun(index, box, (from, to, shift) => {
            for (let i = from; i < to; i++) seen.add(`${index.rows[i]?.id} ${shift}`);
          });
          for (const row of index.rows) {
            const { x, y } = project(row);
            for (const copy of [-1, 0, 1, 2]) {
              const at = Math.fround(x) + copy;
              if (at > box.left && at < box.right && y > box.top && y < box.bottom) expect(seen).toContain(`${row.id} ${copy}`);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('largestIn', () => {
  it('gives the largest of the box first, and as many as were wanted', () => {
    const rows = Array.from({ length: 300 }, (_, i) => city(i + 1, 10 + i / 1000, 50, 1000 + i));
    const found = largestIn(buildCityIndex(rows), { left: 0.522, right: 0.532, top: 0.335, bottom: 0.343 }, 50);
    expect(found.map((one) => one.row.population)).toEqual(Array.from({ length: 50 }, (_, i) => 1299 - i));
  });

  it('leaves out what is in the cell but not in the box', () => {
    const { x, y } = project({ lon: 10, lat: 50 });
    const index = buildCityIndex([city(1, 10, 50, 5), city(2, 10.5, 50, 9)]);
    expect(largestIn(index, { left: x - 1e-4, right: x + 1e-4, top: y - 1e-4, bottom: y + 1e-4 }, 10).map((one) => one.row.id)).toEqual([
      1,
    ]);
  });
});

describe('cityAt', () => {
  const index = buildCityIndex([city(1, 2.35, 48.85, 2_100_000), city(2, 2.36, 48.86, 9_000), city(3, 179.99, 0, 50_000)]);

  it('prefers the metropolis to the suburb beside it, and the suburb under the very point', () => {
    expect(cityAt(index, project({ lon: 2.355, lat: 48.855 }), 0.0002)?.row.id).toBe(1);
    expect(cityAt(index, project({ lon: 2.36, lat: 48.86 }), 0.00003)?.row.id).toBe(2);
  });

  it('is null on empty paper', () => {
    expect(cityAt(index, project({ lon: -30, lat: 40 }), 0.001)).toBeNull();
  });

  it('reaches across the date line', () => {
    expect(cityAt(index, { x: project({ lon: -179.99, lat: 0 }).x + 1, y: 0.5 }, 0.001)?.row.id).toBe(3);
    expect(cityAt(index, { x: -0.0001, y: 0.5 }, 0.001)?.row.id).toBe(3);
  });
});

describe('weightOf', () => {
  it('rises with the population from nought to one', () => {
    expect(weightOf(0)).toBe(0);
    expect(weightOf(100)).toBe(0);
    expect(weightOf(1_000_000)).toBeGreaterThan(weightOf(100_000));
    expect(weightOf(40_000_000)).toBe(1);
  });
});
