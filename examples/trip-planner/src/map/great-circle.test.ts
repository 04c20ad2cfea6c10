import { describe, expect, it } from 'vitest';
import { distanceKm, greatCircle, routeLegs, unroll } from './great-circle.ts';

const tokyo = { lon: 139.69171, lat: 35.6895 };
const london = { lon: -0.12574, lat: 51.50853 };
const sanFrancisco = { lon: -122.41942, lat: 37.77493 };

describe('distanceKm', () => {
  it('knows a quarter of a meridian, the way to nowhere and the way across', () => {
    expect(distanceKm({ lon: 0, lat: 0 }, { lon: 0, lat: 90 })).toBeCloseTo(10_007.56, 1);
    expect(distanceKm(tokyo, tokyo)).toBe(0);
    expect(distanceKm({ lon: 0, lat: 0 }, { lon: 180, lat: 0 })).toBeCloseTo(20_015.1, 0);
  });

  it('agrees with published distances within half a per cent', () => {
    expect(distanceKm(tokyo, london) / 9_560).toBeCloseTo(1, 2);
    expect(distanceKm(tokyo, sanFrancisco) / 8_270).toBeCloseTo(1, 2);
  });
});

describe('greatCircle', () => {
  it('begins and ends at its ends and never wastes a kilometre', () => {
    const line = greatCircle(tokyo, london);
    expect(line[0]).toEqual(tokyo);
    expect(line.at(-1)).toEqual(london);
    const sum = line.slice(1).reduce((km, point, i) => km + distanceKm(line[i] ?? point, point), 0);
    expect(sum).toBeCloseTo(distanceKm(tokyo, london), 3);
  });

  it('bends north between two places of the north', () => {
    expect(Math.max(...greatCircle(tokyo, sanFrancisco).map((point) => point.lat))).toBeGreaterThan(45);
  });

  it('has no bend wider than two degrees', () => {
    const line = greatCircle(tokyo, london);
    for (const [i, point] of line.slice(1).entries()) expect(distanceKm(line[i] ?? point, point)).toBeLessThan(223);
  });

  it('finds a way to the other side of the earth', () => {
    const line = greatCircle({ lon: 20, lat: 10 }, { lon: -160, lat: -10 });
    expect(line.every(({ lon, lat }) => Number.isFinite(lon) && Number.isFinite(lat))).toBe(true);
    const sum = line.slice(1).reduce((km, point, i) => km + distanceKm(line[i] ?? point, point), 0);
    expect(sum).toBeCloseTo(20_015.1, 0);
  });

  it('is two points where both ends are the same', () => {
    expect(greatCircle(tokyo, tokyo)).toHaveLength(2);
  });
});

describe('routes on the unrolled world', () => {
  it('do not jump at the date line', () => {
    const [leg] = routeLegs([tokyo, sanFrancisco]);
    for (const [i, point] of (leg?.line ?? []).slice(1).entries()) expect(Math.abs(point.x - (leg?.line[i]?.x ?? 0))).toBeLessThan(0.02);
    expect((leg?.line.at(-1)?.x ?? 0) - (leg?.line[0]?.x ?? 0)).toBeGreaterThan(0);
  });

  it('go on where the leg before ended', () => {
    const legs = routeLegs([tokyo, sanFrancisco, london]);
    expect(legs).toHaveLength(2);
    expect(legs[1]?.line[0]?.x).toBeCloseTo(legs[0]?.line.at(-1)?.x ?? 0, 12);
  });

  it('have no legs for fewer than two stops', () => {
    expect(routeLegs([])).toEqual([]);
    expect(routeLegs([tokyo])).toEqual([]);
  });

  it('put each stop on the copy nearest to the one before', () => {
    const [a, b] = unroll([tokyo, sanFrancisco]);
    expect((b?.x ?? 0) - (a?.x ?? 0)).toBeCloseTo((360 - 139.69171 - 122.41942) / 360, 9);
  });
});
