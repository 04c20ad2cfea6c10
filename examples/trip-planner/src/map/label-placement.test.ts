import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { type Box, boxAt, edgesOf, outsideOf, overlaps, placeLabels, spreadMarks } from './label-placement.ts';

const request = (x: number, y: number) => ({ x, y, gap: 5, width: 60, height: 14 });
const roomy = { max: 100, airX: 4, airY: 2 };

describe('placeLabels', () => {
  it('puts a lone name to the right of its mark', () => {
    expect(placeLabels([request(100, 100)], [], roomy)[0]).toEqual({ left: 105, right: 165, top: 93, bottom: 107, side: 'right' });
  });

  it('takes the next free side beside an obstacle', () => {
    const [right, left, above, below] = (['right', 'left', 'above', 'below'] as const).map((side) => {
      const box = boxAt(request(100, 100), side);
      const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      return { left: x - 1, right: x + 1, top: y - 1, bottom: y + 1 };
    }) as [Box, Box, Box, Box];
    expect(placeLabels([request(100, 100)], [right], roomy)[0]?.side).toBe('left');
    expect(placeLabels([request(100, 100)], [right, left], roomy)[0]?.side).toBe('above');
    expect(placeLabels([request(100, 100)], [right, left, above], roomy)[0]?.side).toBe('below');
    expect(placeLabels([request(100, 100)], [right, left, above, below], roomy)[0]).toBeNull();
  });

  it('lets earlier requests win, and places no more than told', () => {
    const twins = [request(100, 100), request(100, 100), request(100, 100), request(300, 300)];
    const placed = placeLabels(twins, [], { ...roomy, max: 2 });
    expect(placed.map((one) => one?.side ?? null)).toEqual(['right', 'left', null, null]);
  });

  it('never lets names overlap each other or an obstacle', () => {
    const points = fc.record({ x: fc.integer({ min: 0, max: 400 }), y: fc.integer({ min: 0, max: 300 }) });
    fc.assert(
      fc.property(fc.array(points, { maxLength: 40 }), fc.array(points, { maxLength: 8 }), (at, blocked) => {
        const obstacles = blocked.map(({ x, y }) => ({ left: x, top: y, right: x + 30, bottom: y + 30 }));
        const placed = placeLabels(
          at.map(({ x, y }) => request(x, y)),
          obstacles,
          roomy,
        ).filter((one) => one !== null);
        for (const [i, a] of placed.entries()) {
          for (const b of placed.slice(i + 1)) expect(overlaps(a, b)).toBe(false);
          for (const b of obstacles) expect(overlaps(a, b)).toBe(false);
        }
      }),
    );
  });
});

describe('frames as obstacles', () => {
  const frame = { left: 0, top: 0, right: 200, bottom: 100 };

  it('keep names from crossing an edge, on either side of it', () => {
    expect(placeLabels([request(190, 50)], edgesOf(frame), roomy)[0]?.side).toBe('left');
    expect(placeLabels([request(260, 50)], edgesOf(frame), roomy)[0]?.side).toBe('right');
  });

  it('keep names inside', () => {
    expect(placeLabels([request(260, 50)], outsideOf(frame), roomy)[0]).toBeNull();
    expect(placeLabels([request(100, 50)], outsideOf(frame), roomy)[0]?.side).toBe('right');
  });
});

describe('spreadMarks', () => {
  it('keeps the first of those that touch', () => {
    expect(
      spreadMarks(
        [
          { x: 0, y: 0 },
          { x: 15, y: 0 },
          { x: 22, y: 0 },
          { x: 0, y: 40 },
        ],
        11,
      ),
    ).toEqual([true, false, true, true]);
  });
});
