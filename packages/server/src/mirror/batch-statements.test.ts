import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { blob, integer, numeric, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { batchStatements } from './batch-statements.ts';
import { MirrorNames, mirroredTables } from './mirror-names.ts';
import { fromPgOf, toPgOf } from './pg-cells.ts';
import { RoomTable } from './room-tables.ts';

const rows = sqliteTable('rows', { a: text().notNull(), b: integer().notNull(), raw: blob(), any: numeric() }, ({ a, b }) => [
  primaryKey({ columns: [b, a] }),
]);
const bare = sqliteTable('bare', { id: text().primaryKey() });
const { model } = defineRoom({ name: 'trip', schema: { rows, bare }, mutators: {} });
const [rowsTable, bareTable] = mirroredTables(model).map((table) => new RoomTable(table));
const names = new MirrorNames('m');
const room = { name: 'trip', id: 'r1' };
const bounds = { rowsMax: 500, bytesMax: 1_000 };

describe('[MI-3] statements of a batch', () => {
  it('are one for what is gone and one for what is there, a column an array, whatever the number of rows', () => {
    if (rowsTable === undefined) throw new AlcoveError('internal', 'no table');
    const batch = {
      table: rowsTable,
      puts: [
        ['x', 1, new Uint8Array([1]), 2.5],
        ['y', 2, null, 'z'],
      ],
      gone: [[3, 'w']],
    };
    expect(batchStatements(names, room, [batch], bounds)).toEqual([
      {
        text: 'DELETE FROM "m_trip"."rows" t USING unnest($2::bigint[], $3::text[]) AS k(k0, k1) WHERE t.room_id = $1 AND t."b" = k.k0 AND t."a" = k.k1',
        values: ['r1', [3], ['w']],
      },
      {
        text:
          'INSERT INTO "m_trip"."rows" ("room_id", "a", "b", "raw", "any") SELECT $1, u.* FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::text[]) AS u ' +
          'ON CONFLICT ("room_id", "b", "a") DO UPDATE SET "raw" = EXCLUDED."raw", "any" = EXCLUDED."any"',
        values: ['r1', ['x', 'y'], [1, 2], [new Uint8Array([1]), null], ['2.5', 'z']],
      },
    ]);
  });

  it('are cut by rows and by bytes, one row at least in each', () => {
    if (bareTable === undefined) throw new AlcoveError('internal', 'no table');
    const puts = [['a'.repeat(600)], ['b'.repeat(600)], ['c'.repeat(5_000)], ['d'], ['e'], ['f'], ['g']];
    const statements = batchStatements(names, room, [{ table: bareTable, puts, gone: [] }], { rowsMax: 3, bytesMax: 1_000 });
    expect(statements.map(({ values }) => (values[1] as string[]).map((id) => id.charAt(0)).join(''))).toEqual(['a', 'b', 'c', 'def', 'g']);
    expect(statements[0]?.text).toContain('DO NOTHING');
  });

  it('a value that does not go into its column is told with table and key, and not quoted', () => {
    if (rowsTable === undefined) throw new AlcoveError('internal', 'no table');
    const of = (row: readonly (null | number | string | Uint8Array)[]) => () =>
      batchStatements(names, room, [{ table: rowsTable, puts: [row], gone: [] }], bounds);
    expect(of(['x', 1, 'a secret text', null])).toThrow('table rows, row [1,"x"]: column raw holds text, and is bytea in PostgreSQL');
    expect(of(['x', 1.5, null, null])).toThrow('column b holds a number that is not whole, or too large');
    expect(of(['x\0', 1, null, null])).toThrow('column a holds text with a NUL');
    expect(of(['x', 1, null, new Uint8Array(1)])).toThrow('column any holds a blob');
  });
});

describe('values of a column without a type of its own', () => {
  const any = model.tables[0]?.columns[3];
  it.each([0, 5, -1.5, 1e300, 5e-324, Number.MAX_SAFE_INTEGER, Infinity, -Infinity, '', 'text', 'Infinity', '0x10', '1 2', 'e5'])(
    '%j comes back as it was',
    (value) => {
      if (any === undefined) throw new AlcoveError('internal', 'no column');
      expect(fromPgOf(any)(toPgOf(any)(value))).toBe(value);
    },
  );
});
