import { sql } from 'drizzle-orm';
import { index, integer, type SQLiteTable, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { compareSchemas, isReadableWith } from './compare-schemas.ts';
import { defineRoom } from './define-room.ts';

const plain = { id: text().primaryKey(), name: text().notNull() };
const others = sqliteTable('others', { id: text().primaryKey() });
const room = (items: SQLiteTable, migrations: { id: string; sql: string }[] = []) =>
  defineRoom({ name: 'list', schema: { items }, migrations });
const indexed = (unique: boolean) =>
  defineRoom({
    name: 'list',
    schema: {
      items: sqliteTable('items', plain, (table) => [unique ? uniqueIndex('by_name').on(table.name) : index('by_name').on(table.name)]),
    },
  });
const base = room(sqliteTable('items', plain));
const column = room(sqliteTable('items', { ...plain, count: integer().notNull().default(0) }));
const table = defineRoom({ name: 'list', schema: { items: sqliteTable('items', plain), others } });
const dropped = room(sqliteTable('items', { id: text().primaryKey() }), [{ id: '1', sql: 'ALTER TABLE items DROP COLUMN name' }]);
const retyped = room(sqliteTable('items', { ...plain, name: integer().notNull() }));

describe('which schemas can be followed', () => {
  it('[SC-16] what was added is left out; what was changed or taken away cannot be', () => {
    const newer = { base, column, table, indexed: indexed(false), unique: indexed(true), dropped, retyped };
    expect(
      Object.entries(newer)
        .filter(([, { model }]) => isReadableWith(base.model, model))
        .map(([name]) => name),
    ).toEqual(['base', 'column', 'table', 'indexed', 'unique']);
    expect(isReadableWith(column.model, base.model)).toBe(false);
  });

  it('[SC-16] an index that is not unique any more lets rows come that an older tab refuses; one that only finds rows does not matter', () => {
    expect(isReadableWith(indexed(true).model, base.model)).toBe(false);
    expect(isReadableWith(indexed(true).model, indexed(false).model)).toBe(false);
    expect(isReadableWith(indexed(false).model, base.model)).toBe(true);
  });

  it('[SC-16] server-only tables are no affair of tabs', () => {
    const secret = sqliteTable('secret', { id: text().primaryKey(), note: text().default(sql`'x'`) });
    const withSecret = defineRoom({ name: 'list', schema: { items: sqliteTable('items', plain), secret }, serverOnly: ['secret'] });
    expect(isReadableWith(base.model, withSecret.model) && isReadableWith(withSecret.model, base.model)).toBe(true);
  });
});

it('[SC-17] of two builds both sides agree on which is the newer one', () => {
  const schemas = [base, column, table, indexed(false), indexed(true), dropped, retyped];
  const opposite = { same: 'same', older: 'newer', newer: 'older', other: 'other' } as const;
  for (const a of schemas) for (const b of schemas) expect(compareSchemas(b, a)).toBe(opposite[compareSchemas(a, b)]);
  expect([column, table, indexed(true), dropped].map((newer) => compareSchemas(base, newer))).toEqual(['older', 'older', 'older', 'older']);
  expect(compareSchemas(base, base)).toBe('same');
  expect(compareSchemas(base, retyped)).toBe('other');
  expect(compareSchemas(dropped, room(sqliteTable('items', plain), [{ id: '1', sql: 'ALTER TABLE items ADD COLUMN x' }]))).toBe('other');
});
