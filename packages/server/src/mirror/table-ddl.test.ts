import { defineRoom } from '@alcove/core/schema/define-room';
import { blob, integer, numeric, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { MirrorNames } from './mirror-names.ts';
import { type FoundTable, tableSteps } from './table-ddl.ts';

const names = new MirrorNames('m');
const rows = sqliteTable('rows', { a: text().notNull(), b: integer().notNull(), r: real(), raw: blob(), any: numeric() }, ({ a, b }) => [
  primaryKey({ columns: [b, a] }),
]);
const secrets = sqliteTable('secrets', { id: text().primaryKey() });
const { model } = defineRoom({ name: 'trip', schema: { rows, secrets }, serverOnly: ['secrets'], mutators: {} });

const found = (change: Partial<FoundTable> = {}): FoundTable => ({
  name: 'rows',
  columns: new Map([
    ['room_id', 'text'],
    ['a', 'text'],
    ['b', 'bigint'],
    ['r', 'double precision'],
    ['raw', 'bytea'],
    ['any', 'text'],
  ]),
  key: ['room_id', 'b', 'a'],
  ...change,
});
const values: FoundTable = {
  name: 'alcove_values',
  columns: new Map([
    ['room_id', 'text'],
    ['name', 'text'],
    ['key', 'text'],
    ['value', 'text'],
    ['seq', 'bigint'],
  ]),
  key: ['room_id', 'name', 'key'],
};
const steps = (...tables: readonly FoundTable[]) => tableSteps(names, 'trip', model, tables);

describe('[MI-1] tables of a mirror', () => {
  it('hold a column for every column, the room first and in the key; tables that stay on the server are not there', () => {
    expect(steps().sql).toEqual([
      'CREATE TABLE IF NOT EXISTS "m_trip"."rows" (room_id text COLLATE "C" NOT NULL, "a" text COLLATE "C", "b" bigint, "r" double precision, ' +
        '"raw" bytea, "any" text COLLATE "C", PRIMARY KEY ("room_id", "b", "a"))',
      'CREATE TABLE IF NOT EXISTS "m_trip"."alcove_values" (room_id text COLLATE "C" NOT NULL, "name" text COLLATE "C", "key" text COLLATE "C", ' +
        '"value" text COLLATE "C", "seq" bigint, PRIMARY KEY ("room_id", "name", "key"))',
    ]);
    expect(steps().isEmptied).toBe(true);
  });

  it('that are as they should be are left alone', () => {
    expect(steps(found(), values)).toEqual({ sql: [], isEmptied: false, dropped: [] });
  });

  it('get new columns; a column that is no longer defined stays', () => {
    const columns = new Map([...found().columns, ['old', 'text']]);
    columns.delete('r');
    expect(steps(found({ columns }), values)).toEqual({
      sql: ['ALTER TABLE "m_trip"."rows" ADD COLUMN "r" double precision'],
      isEmptied: false,
      dropped: [],
    });
  });

  it.each([
    ['key', found({ key: ['room_id', 'a', 'b'] })],
    ['type', found({ columns: new Map([...found().columns, ['r', 'text']]) })],
    ['room', found({ columns: new Map([...found().columns, ['room_id', 'uuid']]) })],
  ])('are made anew where their %s is another', (_what, table) => {
    const { sql, isEmptied } = steps(table, values);
    expect(sql[0]).toBe('DROP TABLE "m_trip"."rows"');
    expect(sql[1]).toContain('CREATE TABLE');
    expect(isEmptied).toBe(true);
  });

  it('go when they are no longer defined', () => {
    expect(steps(found(), values, { ...found(), name: 'gone' }).dropped).toEqual(['gone']);
  });
});
