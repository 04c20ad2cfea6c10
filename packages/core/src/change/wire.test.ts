import { blob, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { roomModelOf } from '../schema/room-model-of.ts';
import type { ChangeSet } from './change-set.ts';
import type { WireTableChanges } from './wire-rows.ts';
import { fromWire, rowsFromWire, rowsToWire, toWire } from './wire.ts';

const cells = sqliteTable('cells', { value: blob(), x: text().notNull(), y: integer().notNull() }, (table) => [
  primaryKey({ columns: [table.y, table.x] }),
]);
const secrets = sqliteTable('secrets', { id: text().primaryKey() });
const model = roomModelOf({ cells, secrets }, { serverOnly: ['secrets'], withoutRowid: [] });

const changeSet: ChangeSet = {
  tables: [
    {
      table: 'cells',
      columns: ['value', 'x', 'y'],
      key: [2, 1],
      rows: [
        { before: null, after: [new Uint8Array([0, 1]), 'a', 1] },
        { before: [null, 'b', 1], after: [Number.POSITIVE_INFINITY, 'b', 1] },
        { before: [5, 'c', 2], after: null },
      ],
    },
  ],
};
const wire: WireTableChanges = {
  table: 'cells',
  columns: ['value', 'x', 'y'],
  puts: [
    [{ b: 'AAE=' }, { r: 'Infinity' }],
    ['a', 'b'],
    [1, 1],
  ],
  key: ['y', 'x'],
  deletes: [[2], ['c']],
};

describe('the wire', () => {
  it('[CH-8] carries whole rows and deleted keys, column by column, without what was before', () => {
    expect(toWire(changeSet)).toEqual([wire]);
    expect(toWire({ tables: [] })).toEqual([]);
  });

  it('[CH-8] reads changes back, columns in the model’s order whatever theirs', () => {
    const shuffled = { ...wire, columns: ['y', 'value', 'x'], puts: [wire.puts[2] ?? [], wire.puts[0] ?? [], wire.puts[1] ?? []] };
    for (const sent of [wire, shuffled]) {
      expect(fromWire(model, JSON.parse(JSON.stringify([sent])))).toEqual([
        {
          table: 'cells',
          columns: ['value', 'x', 'y'],
          key: [2, 1],
          puts: [
            [new Uint8Array([0, 1]), 'a', 1],
            [Number.POSITIVE_INFINITY, 'b', 1],
          ],
          deletes: [[2, 'c']],
        },
      ]);
    }
  });

  it('[CH-8] keeps negative zero, infinities and the largest integers through JSON', () => {
    const rows = [
      [-0, 'a', 1],
      [Number.NEGATIVE_INFINITY, 'b', Number.MAX_SAFE_INTEGER],
      [1e-300, 'ä\u2028"', -Number.MAX_SAFE_INTEGER],
    ];
    const sent = JSON.parse(JSON.stringify(rowsToWire('cells', ['value', 'x', 'y'], rows)));
    expect(rowsFromWire(model, sent).rows).toEqual(rows);
  });

  it.each<[string, WireTableChanges]>([
    ['a table it does not know', { ...wire, table: 'nothing' }],
    ['a server-only table', { ...wire, table: 'secrets', columns: ['id'], key: ['id'], puts: [['a']], deletes: [[]] }],
    ['a column it does not know', { ...wire, columns: ['value', 'x', 'z'] }],
    ['a column too few', { ...wire, columns: ['x', 'y'], puts: [['a'], [1]] }],
    ['a column too many', { ...wire, columns: ['value', 'x', 'y', 'z'], puts: [...wire.puts, [1, 2]] }],
    ['another key', { ...wire, key: ['x', 'y'] }],
    ['part of a key', { ...wire, key: ['y'], deletes: [[2]] }],
    ['columns of unequal length', { ...wire, puts: [[1], ['a', 'b'], [1, 1]] }],
    [
      'a blob that is none',
      {
        ...wire,
        puts: [
          [{ b: '!' }, 1],
          ['a', 'b'],
          [1, 1],
        ],
      },
    ],
  ])('[CH-10] refuses %s', (_name, change) => {
    expect(() => fromWire(model, [change])).toThrow(expect.objectContaining({ code: 'bad_message' }));
  });
});
