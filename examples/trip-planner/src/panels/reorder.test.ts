import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { dropIndex, keyAtEnd, keyForMove, type Ordered, shiftOf, edgeSpeed } from './reorder.ts';

const rows = (...positions: string[]): Ordered[] => positions.map((position, i) => ({ id: `r${i}`, position }));
const sorted = (all: readonly Ordered[]) =>
  [...all].sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : a.id < b.id ? -1 : 1));

describe('keyForMove', () => {
  it('is null for a row that stays or is not there', () => {
    const all = rows('a0', 'a1', 'a2');
    expect(keyForMove(all, 'r1', 1)).toBeNull();
    expect(keyForMove(all, 'r9', 0)).toBeNull();
    expect(keyForMove(all, 'r2', 99)).toBeNull();
    expect(keyForMove(all, 'r0', -3)).toBeNull();
  });

  it('lands exactly where it was told, whatever moves came before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 60 }), (moves) => {
        let all: readonly Ordered[] = [];
        for (let i = 0; i < 7; i++) all = [...all, { id: `r${i}`, position: keyAtEnd(all) }];
        for (const [from, to] of moves) {
          const row = all[from];
          const key = row === undefined ? null : keyForMove(all, row.id, to);
          if (row === undefined || key === null) continue;
          all = sorted(all.map((one) => (one.id === row.id ? { ...one, position: key } : one)));
          expect(all[to]?.id).toBe(row.id);
        }
      }),
    );
  });

  it('goes behind two rows that share a key', () => {
    const key = keyForMove(rows('a1', 'a1', 'a5'), 'r2', 1);
    expect(key).not.toBeNull();
    expect((key ?? '') > 'a1').toBe(true);
  });
});

describe('keyAtEnd', () => {
  it('comes after every other key, and begins somewhere', () => {
    expect(keyAtEnd([])).toBe('a0');
    expect(keyAtEnd(rows('a0', 'a0V')) > 'a0V').toBe(true);
  });
});

describe('dragging', () => {
  const middles = [20, 60, 100, 140];

  it('drops where the middle of the row has come to', () => {
    expect(dropIndex(middles, 0, 0)).toBe(0);
    expect(dropIndex(middles, 0, 39)).toBe(0);
    expect(dropIndex(middles, 0, 41)).toBe(1);
    expect(dropIndex(middles, 0, 500)).toBe(3);
    expect(dropIndex(middles, 3, -81)).toBe(1);
    expect(dropIndex(middles, 2, -500)).toBe(0);
  });

  it('makes way by the height of the dragged row, only between its old and its new place', () => {
    expect([0, 1, 2, 3].map((i) => shiftOf(i, 0, 2, 40))).toEqual([0, -40, -40, 0]);
    expect([0, 1, 2, 3].map((i) => shiftOf(i, 3, 1, 40))).toEqual([0, 40, 40, 0]);
    expect([0, 1, 2, 3].map((i) => shiftOf(i, 1, 1, 40))).toEqual([0, 0, 0, 0]);
  });
});

it('scrolls near an edge, faster the nearer, and not in between', () => {
  expect(edgeSpeed(300, 100, 500)).toBe(0);
  expect(edgeSpeed(140, 100, 500)).toBeLessThan(0);
  expect(edgeSpeed(105, 100, 500)).toBeLessThan(edgeSpeed(140, 100, 500));
  expect(edgeSpeed(-900, 100, 500)).toBe(edgeSpeed(100, 100, 500));
  expect(edgeSpeed(490, 100, 500)).toBe(-edgeSpeed(110, 100, 500));
});
