import { describe, expect, it } from 'vitest';
import type { RoomModel, TableModel } from '../schema/room-model.ts';
import type { Row } from '../sqlite/database.ts';
import type { ChangeSet } from './change-set.ts';
import { invertChangeSet } from './invert.ts';
import { mergeChangeSets } from './merge.ts';

const table = (name: string): TableModel => ({
  name,
  columns: [],
  key: ['id'],
  withoutRowid: false,
  serverOnly: false,
  uniques: [],
  checks: [],
  foreignKeys: [],
  indexes: [],
});
const model: RoomModel = { schemaId: '', tables: [table('t'), table('u')] };
const changes = (name: string, ...rows: readonly (readonly [Row | null, Row | null])[]): ChangeSet => ({
  tables: [{ table: name, columns: ['id', 'x'], key: [0], rows: rows.map(([before, after]) => ({ before, after })) }],
});

describe('mergeChangeSets', () => {
  it('[CH-7] keeps the first row before and the last row after', () => {
    const merged = mergeChangeSets(model, [
      changes('t', [
        ['a', 1],
        ['a', 2],
      ]),
      changes(
        't',
        [
          ['a', 2],
          ['a', 3],
        ],
        [null, ['b', 1]],
      ),
    ]);
    expect(merged).toEqual(
      changes(
        't',
        [
          ['a', 1],
          ['a', 3],
        ],
        [null, ['b', 1]],
      ),
    );
  });

  it('[CH-7] leaves out what ends as it began, and tables with nothing left', () => {
    const there = changes('t', [null, ['a', 1]], [['b', new Uint8Array([1])], null]);
    const back = changes('t', [['a', 1], null], [null, ['b', new Uint8Array([1])]]);
    expect(mergeChangeSets(model, [there, back])).toEqual({ tables: [] });
    expect(mergeChangeSets(model, [there, back, there])).toEqual(there);
  });

  it('[CH-7] has its tables in the order of the model', () => {
    expect(
      mergeChangeSets(model, [changes('u', [null, ['a', 1]]), changes('t', [null, ['a', 1]])]).tables.map((entry) => entry.table),
    ).toEqual(['t', 'u']);
  });

  it('gives nothing for nothing', () => {
    expect(mergeChangeSets(model, [])).toEqual({ tables: [] });
  });

  it('[CH-7] refuses change sets of two schemas', () => {
    const other: ChangeSet = { tables: [{ table: 't', columns: ['id', 'y'], key: [0], rows: [] }] };
    expect(() => mergeChangeSets(model, [changes('t', [null, ['a', 1]]), other])).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('invertChangeSet', () => {
  it('[CH-3] undoes: merged with what it inverts, nothing is left', () => {
    const set = changes(
      't',
      [
        ['a', 1],
        ['a', 2],
      ],
      [null, ['b', 1]],
      [['c', 1], null],
    );
    expect(mergeChangeSets(model, [set, invertChangeSet(set)])).toEqual({ tables: [] });
  });
});
