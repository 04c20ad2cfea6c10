import { describe, expect, it } from 'vitest';
import { formatDegrees, formatPlace, graticule, graticuleStep, scaleBar } from './graticule.ts';
import { clampCamera, project, toScreen, worldSizePx } from './projection.ts';

const size = { width: 1000, height: 700 };

describe('graticuleStep', () => {
  it('falls from thirty degrees to minutes as the zoom rises, and never rises with it', () => {
    let last = Infinity;
    for (let zoom = 0; zoom <= 12; zoom += 0.25) {
      const step = graticuleStep(zoom);
      expect(step).toBeLessThanOrEqual(last);
      last = step;
    }
    expect(graticuleStep(1)).toBe(30);
    expect(last).toBeCloseTo(2 / 60, 9);
  });

  it('keeps meridians a calm distance apart', () => {
    for (let zoom = 2.25; zoom <= 12; zoom += 0.25) expect((graticuleStep(zoom) * worldSizePx(zoom)) / 360).toBeGreaterThanOrEqual(90);
  });
});

describe('graticule', () => {
  it('holds every multiple of the step in view, where the projection puts it', () => {
    const camera = clampCamera({ ...project({ lon: 137, lat: 36 }), zoom: 6.5 }, size);
    const { stepDegrees, meridians, parallels } = graticule(camera, size);
    expect(stepDegrees).toBe(2);
    expect(meridians.map((line) => line.degrees)).toEqual([130, 132, 134, 136, 138, 140, 142, 144]);
    for (const { degrees, at } of meridians) expect(at).toBeCloseTo(toScreen(project({ lon: degrees, lat: 0 }), camera, size).x, 6);
    for (const { degrees, at } of parallels) expect(at).toBeCloseTo(toScreen(project({ lon: 137, lat: degrees }), camera, size).y, 6);
  });

  it('counts on past the date line', () => {
    const camera = clampCamera({ ...project({ lon: 180, lat: 0 }), zoom: 4 }, size);
    const lons = graticule(camera, size).meridians.map((line) => line.degrees);
    expect(lons).toContain(170);
    expect(lons).toContain(-170);
    expect(lons.every((lon) => lon >= -180 && lon < 180)).toBe(true);
  });
});

describe('degrees', () => {
  it.each([
    [0, 'lat', '0°'],
    [35.5, 'lat', '35°30′ N'],
    [-23, 'lat', '23° S'],
    [-70.25, 'lon', '70°15′ W'],
    [140, 'lon', '140° E'],
    [-180, 'lon', '180°'],
    [5 / 60, 'lon', '0°05′ E'],
    [59.9999, 'lat', '60° N'],
  ] as const)('writes %s as %s', (value, axis, text) => {
    expect(formatDegrees(value, axis)).toBe(text);
  });

  it('writes a place with the latitude first', () => {
    expect(formatPlace(135.75385, 35.02107)).toBe('35°01′ N 135°45′ E');
  });
});

describe('scaleBar', () => {
  it('shows the longest round length that fits, and its true size at the latitude', () => {
    for (const zoom of [2, 4.3, 7.7, 11]) {
      const camera = { ...project({ lon: 0, lat: 60 }), zoom };
      const { km, px } = scaleBar(camera, 150);
      expect(px).toBeLessThanOrEqual(150);
      expect(px).toBeGreaterThan(150 / 2.6);
      expect([1, 2, 5]).toContain(Math.round(km / 10 ** Math.floor(Math.log10(km) + 1e-9)));
      expect(km / px).toBeCloseTo((40_075.017 * 0.5) / worldSizePx(zoom), 6);
    }
  });
});
