import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import {
  between,
  type Camera,
  cameraFor,
  clampCamera,
  nearestCopy,
  panBy,
  project,
  resized,
  toScreen,
  toWorld,
  unproject,
  worldSizePx,
  ZOOM_MAX,
  zoomAround,
  zoomMin,
} from './projection.ts';

const size = { width: 1000, height: 700 };
const places = fc.record({ lon: fc.double({ min: -180, max: 179.999, noNaN: true }), lat: fc.double({ min: -85, max: 85, noNaN: true }) });
const cameras = fc
  .record({
    x: fc.double({ min: 0, max: 0.999, noNaN: true }),
    y: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    zoom: fc.double({ min: 2, max: 12, noNaN: true }),
  })
  .map((camera) => clampCamera(camera, size));

describe('project', () => {
  it('puts the null island into the middle and the cut at the edges', () => {
    expect(project({ lon: 0, lat: 0 })).toEqual({ x: 0.5, y: 0.5 });
    expect(project({ lon: -180, lat: 85.0511287798 }).y).toBeCloseTo(0, 9);
    expect(project({ lon: 180, lat: -85.0511287798 }).y).toBeCloseTo(1, 9);
  });

  it('keeps poles on the sheet', () => {
    expect(project({ lon: 0, lat: 90 }).y).toBeCloseTo(0, 9);
    expect(project({ lon: 0, lat: -90 }).y).toBeCloseTo(1, 9);
  });

  it('is undone by unproject', () => {
    fc.assert(
      fc.property(places, (place) => {
        const back = unproject(project(place));
        expect(back.lon).toBeCloseTo(place.lon, 6);
        expect(back.lat).toBeCloseTo(place.lat, 6);
      }),
    );
  });

  it('says the same place on every copy of the world', () => {
    const { x, y } = project({ lon: 139.7, lat: 35.7 });
    for (const copy of [-2, -1, 1, 3]) expect(unproject({ x: x + copy, y }).lon).toBeCloseTo(139.7, 9);
  });
});

describe('nearestCopy', () => {
  it('is a whole number of worlds away, and at most half of one from the reference', () => {
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }), (x, reference) => {
        const copy = nearestCopy(x, reference);
        expect(Math.abs(copy - reference)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(copy - x).toBeCloseTo(Math.round(copy - x), 9);
      }),
    );
  });
});

describe('cameras', () => {
  it('take screen points to the world and back', () => {
    fc.assert(
      fc.property(cameras, fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 700 }), (camera, x, y) => {
        const back = toScreen(toWorld({ x, y }, camera, size), camera, size);
        expect(back.x).toBeCloseTo(x, 3);
        expect(back.y).toBeCloseTo(y, 3);
      }),
    );
  });

  it('keep the place under the anchor when they zoom', () => {
    const camera = clampCamera({ ...project({ lon: 10, lat: 50 }), zoom: 5 }, size);
    const anchor = { x: 200, y: 600 };
    const before = toWorld(anchor, camera, size);
    const after = toWorld(anchor, zoomAround(camera, 7.3, anchor, size), size);
    expect(after.x).toBeCloseTo(before.x, 9);
    expect(after.y).toBeCloseTo(before.y, 9);
  });

  it('never zoom past their bounds or beyond the poles', () => {
    fc.assert(
      fc.property(cameras, fc.double({ min: -20, max: 30, noNaN: true }), fc.integer({ min: -5000, max: 5000 }), (camera, zoom, dy) => {
        const moved = panBy(zoomAround(camera, zoom, { x: 0, y: 0 }, size), 300, dy, size);
        expect(moved.zoom).toBeGreaterThanOrEqual(zoomMin(size) - 1e-9);
        expect(moved.zoom).toBeLessThanOrEqual(ZOOM_MAX);
        expect(moved.x).toBeGreaterThanOrEqual(0);
        expect(moved.x).toBeLessThan(1);
        expect(toWorld({ x: 0, y: 0 }, moved, size).y).toBeGreaterThanOrEqual(-1e-9);
        expect(toWorld({ x: 0, y: size.height }, moved, size).y).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('put the world in the middle of a view taller than the world', () => {
    expect(clampCamera({ x: 0.2, y: 0.9, zoom: 0 }, { width: 390, height: 900 }).y).toBe(0.5);
  });

  it('drag the paper with the hand', () => {
    const camera = clampCamera({ x: 0.5, y: 0.5, zoom: 5 }, size);
    const place = toWorld({ x: 500, y: 300 }, camera, size);
    const moved = toScreen(place, panBy(camera, 40, -25, size), size);
    expect(moved.x).toBeCloseTo(540, 6);
    expect(moved.y).toBeCloseTo(275, 6);
  });
});

describe('cameraFor', () => {
  it('shows all points inside the padding', () => {
    const points = [
      { lon: 139.7, lat: 35.7 },
      { lon: 129.9, lat: 32.7 },
      { lon: 136.6, lat: 36.6 },
    ];
    const camera = cameraFor(points, size, 100, 9) as Camera;
    for (const point of points) {
      const { x, y } = toScreen(project(point), camera, size);
      expect(x).toBeGreaterThanOrEqual(100 - 1e-6);
      expect(x).toBeLessThanOrEqual(900 + 1e-6);
      expect(y).toBeGreaterThanOrEqual(100 - 1e-6);
      expect(y).toBeLessThanOrEqual(600 + 1e-6);
    }
  });

  it('frames a way over the Pacific over the Pacific', () => {
    const camera = cameraFor(
      [
        { lon: 139.7, lat: 35.7 },
        { lon: -122.4, lat: 37.8 },
      ],
      size,
      50,
      9,
    ) as Camera;
    expect(Math.abs(unproject(camera).lon)).toBeGreaterThan(150);
  });

  it('comes no nearer than told to a single point, and is null without any', () => {
    expect(cameraFor([{ lon: 2.3, lat: 48.9 }], size, 50, 7)?.zoom).toBe(7);
    expect(cameraFor([], size, 50, 7)).toBeNull();
  });
});

describe('resized', () => {
  const camera = clampCamera({ ...project({ lon: 135, lat: 35 }), zoom: 6.5 }, size);

  it('keeps in a lower view what stood in the higher one', () => {
    const lower = { width: 1000, height: 350 };
    const edge = toScreen(toWorld({ x: 500, y: 690 }, camera, size), resized(camera, size, lower), lower);
    expect(edge.y).toBeCloseTo(345, 6);
  });

  it('is undone by the way back', () => {
    const lower = { width: 1000, height: 350 };
    expect(resized(resized(camera, size, lower), lower, size).zoom).toBeCloseTo(camera.zoom, 9);
  });
});

describe('between', () => {
  const from = { x: 0.95, y: 0.4, zoom: 4 };
  const to = { x: 0.05, y: 0.6, zoom: 8 };

  it('begins and ends where it should', () => {
    expect(between(from, to, 0)).toMatchObject({ y: 0.4, zoom: 4 });
    const end = between(from, to, 1);
    expect(end.x).toBeCloseTo(0.05, 9);
    expect(end.y).toBeCloseTo(0.6, 9);
  });

  it('takes the short way around the world', () => {
    for (const t of [0.1, 0.5, 0.9]) {
      const { x } = between(from, to, t);
      expect(Math.min(x, 1 - x)).toBeLessThanOrEqual(0.05 + 1e-9);
    }
  });

  it('brings the target nearer on the screen with every step', () => {
    let last = Infinity;
    for (let t = 0; t <= 1; t += 0.05) {
      const camera = between(from, to, t);
      const distance = Math.abs(nearestCopy(to.x, camera.x) - camera.x) * worldSizePx(camera.zoom);
      expect(distance).toBeLessThanOrEqual(last + 1e-6);
      last = distance;
    }
  });
});
