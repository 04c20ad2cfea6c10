import { fc } from '../../../../test/fake/properties.ts';
import { describe, expect, it } from 'vitest';
import type { ChangeSet } from './change-set.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';

const cell = fc.oneof(
  fc.constant(null),
  fc.double({ noNaN: true }),
  fc.string(),
  fc.uint8Array({ maxLength: 4 }),
  fc.constantFrom(-0, 0, Number.MAX_SAFE_INTEGER),
);
const row = fc.tuple(fc.string(), cell, cell);
const change = fc.oneof(
  fc.record({ before: fc.constant(null), after: row }),
  fc.record({ before: row, after: fc.constant(null) }),
  fc.record({ before: row, after: row }),
);
const changeSet: fc.Arbitrary<ChangeSet> = fc
  .array(fc.record({ table: fc.string(), columns: fc.constant(['id', 'a', '__proto__']), key: fc.constant([0]), rows: fc.array(change) }))
  .map((tables) => ({ tables }));

describe('the record codec', () => {
  it('[CH-8] gives every change set back as it was, and the same text for it', () => {
    fc.assert(
      fc.property(changeSet, (set) => {
        const text = encodeRecord(set);
        expect(decodeRecord(text)).toEqual(set);
        expect(encodeRecord(decodeRecord(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('[CH-8] writes the form that logs on disk have', () => {
    const rows = [
      { before: null, after: ['a', 1, new Uint8Array([255])] },
      { before: ['a', 1, null], after: ['a', 2, null] },
      { before: ['a', 2, -0], after: null },
    ];
    expect(encodeRecord({ tables: [{ table: 't', columns: ['id', 'x', 'y'], key: [0], rows }] })).toBe(
      '[["t",["id","x","y"],[0],[[null,["a",1,{"b":"/w=="}]],[["a",1,null],{"1":2}],[["a",2,{"r":"-0"}],null]]]]',
    );
  });

  it.each([
    '',
    'null',
    '{}',
    '[1]',
    '[["t"]]',
    '[["t",["a"],[1],[]]]',
    '[["t",["a"],[0],[[null,[1,2]]]]]',
    '[["t",["a"],[0],[[[1],{"7":1}]]]]',
    '[["t",["a"],[0],[[[true],null]]]]',
    '[["t",["a"],[0],[[null,{"0":1}]]]]',
    '[["t",["a"],[0],[[{"b":1},null]]]]',
  ])('[CH-8] refuses a damaged record: %s', (text) => {
    expect(() => decodeRecord(text)).toThrow(expect.objectContaining({ code: 'file_damaged' }));
  });
});
