import { describe, expect, it } from 'vitest';
import { alongLine, clipSegment } from './clip.ts';

const box = { left: 0, top: 0, right: 100, bottom: 100 };

describe('clipSegment', () => {
  it.each([
    ['inside', { x: 10, y: 10 }, { x: 90, y: 90 }, [0, 1]],
    ['through', { x: -100, y: 50 }, { x: 300, y: 50 }, [0.25, 0.5]],
    ['into', { x: 50, y: -50 }, { x: 50, y: 50 }, [0.5, 1]],
    ['past a corner', { x: -30, y: 10 }, { x: 10, y: -30 }, null],
    ['beside', { x: -10, y: 0 }, { x: -10, y: 100 }, null],
    ['away', { x: 200, y: 200 }, { x: 300, y: 300 }, null],
  ])('cuts a segment that goes %s', (_how, from, to, part) => {
    expect(clipSegment(from, to, box)).toEqual(part);
  });
});

describe('alongLine', () => {
  it('stays inside and leaves no gap wider than the step', () => {
    const points = alongLine(
      [
        { x: -5000, y: 40 },
        { x: 50, y: 60 },
        { x: 50, y: 9000 },
      ],
      box,
      10,
    );
    expect(points.length).toBeGreaterThan(8);
    for (const [i, point] of points.entries()) {
      expect(point.x).toBeGreaterThanOrEqual(-1e-9);
      expect(point.y).toBeLessThanOrEqual(100 + 1e-9);
      const before = points[i - 1];
      if (before !== undefined) expect(Math.hypot(point.x - before.x, point.y - before.y)).toBeLessThanOrEqual(10 + 1e-9);
    }
  });

  it('is empty for a line that is elsewhere', () => {
    expect(
      alongLine(
        [
          { x: 200, y: 0 },
          { x: 300, y: 100 },
        ],
        box,
        10,
      ),
    ).toEqual([]);
  });
});
