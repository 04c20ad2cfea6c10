import type { Row } from '@alcove/core/sqlite/database';
import { fc } from '../../../../test/fake/properties.ts';
import { expect, it } from 'vitest';
import { compareText } from './compare-text.ts';
import { diffRows } from './diff-rows.ts';
import { applyRowsUpdate } from '../page/apply-rows-update.ts';

const cell = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', null), fc.constantFrom(Uint8Array.of(1), Uint8Array.of(2)));
const rows = fc.array(fc.tuple(cell, cell), { maxLength: 12 });

it('[QR-1] a patch makes the next rows of the previous ones, keeping the objects of equal rows', () => {
  fc.assert(
    fc.property(rows, rows, (previous: Row[], next: Row[]) => {
      const parts = diffRows(previous, next);
      if (parts === null) {
        expect(next).toEqual(previous);
        return;
      }
      expect(next).not.toEqual(previous);
      let mapped = 0;
      const objects = previous.map((row) => ({ row }));
      const result = applyRowsUpdate(objects, { kind: 'patch', parts }, (fresh) => {
        mapped += fresh.length;
        return fresh.map((row) => ({ row }));
      });
      expect(result.map(({ row }) => row)).toEqual(next);
      expect(new Set(result).size).toBe(result.length);
      // As many as can be kept are: each value as often as both have it.
      const text = (row: Row): string => JSON.stringify(row.map((value) => (value instanceof Uint8Array ? ['b', ...value] : value)));
      const left = previous.map(text);
      const fresh = next.filter((row) => {
        const at = left.indexOf(text(row));
        if (at !== -1) left.splice(at, 1);
        return at === -1;
      });
      expect(mapped).toBe(fresh.length);
    }),
  );
});

it('one changed row among many is one part', () => {
  const previous = Array.from({ length: 50 }, (_, index): Row => [index, 'x']);
  const next = previous.with(20, [20, 'y']);
  expect(diffRows(previous, next)).toEqual([{ from: 0, count: 20 }, { rows: [[20, 'y']] }, { from: 21, count: 29 }]);
  expect(diffRows(previous, [...previous.slice(1), [0, 'x']])).toEqual([
    { from: 1, count: 49 },
    { from: 0, count: 1 },
  ]);
});

it('a patch of another update is refused', () => {
  expect(() => applyRowsUpdate([], { kind: 'patch', parts: [{ from: 0, count: 1 }] }, () => [])).toThrowError(
    expect.objectContaining({ code: 'internal' }),
  );
});

it('texts are ordered by code points, as SQLite has them', () => {
  const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(bytes(a), bytes(b))));
    }),
  );
  expect(compareText('\uFB01', '\u{1F600}')).toBeLessThan(0);
});
