import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import type { Row } from '../sqlite/database.ts';
import type { ChangeSet } from './change-set.ts';
import { encodeRecord } from './record-codec.ts';
import { changeSetBytes } from './size.ts';
import { toWire } from './wire.ts';

const cell = fc.oneof(
  fc.constantFrom(null, Number.NEGATIVE_INFINITY, -1.7976931348623157e308, Number.MIN_SAFE_INTEGER),
  fc.string({ unit: fc.constantFrom('\u0001', '"', 'ä', '€', '𝄞', 'a') }),
  fc.uint8Array({ maxLength: 20 }),
);
const row = fc.tuple(fc.string(), cell, cell);
const changeSetOf = (rows: readonly { before: Row | null; after: Row | null }[]): ChangeSet => ({
  tables: [{ table: 't', columns: ['a', 'b', 'c'], key: [0], rows }],
});
const NAMES_BYTES = 100;

describe('changeSetBytes', () => {
  it('[CH-12] is at least a sixth of what goes over the wire or into a record', () => {
    const change = fc.record({ before: fc.option(row), after: fc.option(row) });
    fc.assert(
      fc.property(fc.array(change), (rows) => {
        const changeSet = changeSetOf(rows);
        const longest = NAMES_BYTES + 6 * changeSetBytes(changeSet);
        expect(Buffer.byteLength(JSON.stringify(toWire(changeSet)))).toBeLessThanOrEqual(longest);
        expect(Buffer.byteLength(encodeRecord(changeSet))).toBeLessThanOrEqual(longest);
      }),
    );
  });

  it('[CH-12] counts both images and what they hold', () => {
    expect(changeSetBytes(changeSetOf([]))).toBe(0);
    const small = changeSetBytes(changeSetOf([{ before: null, after: ['a', 1, null] }]));
    expect(changeSetBytes(changeSetOf([{ before: null, after: ['a', 'x'.repeat(1_000), null] }]))).toBe(small + 1_000);
    expect(changeSetBytes(changeSetOf([{ before: ['a', 1, null], after: ['a', 2, null] }]))).toBe(2 * small);
  });
});
