import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import { keyOf, keyText, sameRow } from './row-key.ts';

const cell = fc.oneof(
  fc.constant(null),
  fc.double({ noNaN: true }),
  fc.string({ unit: fc.constantFrom('a', 't', 'n', '0', '\u0001') }),
  fc.uint8Array({ maxLength: 2 }),
);
const bytes = (row: readonly unknown[]): string =>
  JSON.stringify(
    row.map((value) =>
      value instanceof Uint8Array ? { blob: [...value] } : typeof value === 'number' ? { number: String(value) } : value,
    ),
  );

describe('keyText', () => {
  it('is the same for two keys only where every value is', () => {
    fc.assert(
      fc.property(fc.tuple(cell, cell), fc.tuple(cell, cell), (a, b) => {
        expect(keyText(a, [0, 1]) === keyText(b, [0, 1])).toBe(bytes(a) === bytes(b));
        expect(keyText(a, [0]) === keyText(b, [0])).toBe(bytes([a[0]]) === bytes([b[0]]));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes the key columns in key order', () => {
    expect(keyOf(['a', 'b', 'c'], [2, 0])).toEqual(['c', 'a']);
    expect(keyText(['a', 'b', 'c'], [2, 0])).toBe(keyText(['c', 'a'], [0, 1]));
  });
});

describe('sameRow', () => {
  it('compares blobs by their bytes and tells types apart', () => {
    expect(sameRow([1, new Uint8Array([1, 2])], [1, new Uint8Array([1, 2])])).toBe(true);
    expect(sameRow([new Uint8Array([1, 2])], [new Uint8Array([1, 3])])).toBe(false);
    expect(sameRow([new Uint8Array([1])], [new Uint8Array([1, 3])])).toBe(false);
    expect(sameRow(['1'], [1])).toBe(false);
    expect(sameRow([null], [''])).toBe(false);
    expect(sameRow([null], [null, null])).toBe(false);
  });
});
