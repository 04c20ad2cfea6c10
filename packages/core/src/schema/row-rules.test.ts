import { sql } from 'drizzle-orm';
import { check, integer, sqliteTable, text, unique, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { defineRoom } from './define-room.ts';

const notes = sqliteTable(
  'notes',
  {
    id: text().primaryKey(),
    owner: text().notNull(),
    plain: text(),
    once: text(),
    checked: integer(),
    price: integer(),
    label: text().generatedAlwaysAs(sql`coalesce(price, 0) || ' EUR'`),
    fee: integer(),
    shown: text().notNull().generatedAlwaysAs(sql`coalesce(fee, 0)`),
    kind: text(),
    state: text(),
    code: text(),
    short: text().generatedAlwaysAs(sql`lower(code)`),
    shorter: text().generatedAlwaysAs(sql`substr(short, 1, 2)`),
  },
  (table) => [
    unique().on(table.once, table.owner),
    check('positive', sql`checked > 0`),
    uniqueIndex('by_kind').on(sql`coalesce(kind, 'none')`),
    uniqueIndex('open_ones').on(table.owner).where(sql`state is null`),
    uniqueIndex('by_shorter').on(table.shorter),
  ],
);
const hiding = (...columns: readonly (keyof (typeof notes)['_']['columns'])[]) =>
  defineRoom({
    name: 'trip',
    schema: { notes },
    rules: { notes: { hiddenFrom: Object.fromEntries(columns.map((column) => [column, () => true])) } },
  });

describe('rules that hide columns', () => {
  it('[AC-21] take nullable ones, UNIQUE ones and what others are computed from', () => {
    expect([...(hiding('plain', 'once', 'price').tableRules[0]?.hiddenFrom.keys() ?? [])]).toEqual(['plain', 'once', 'price']);
  });

  it.each([
    ['id', 'is part of the key'],
    ['owner', 'is NOT NULL'],
    ['label', 'is generated'],
    ['checked', 'stands in a CHECK'],
    ['fee', 'is what shown is computed from, which is NOT NULL'],
    ['kind', 'stands in what the UNIQUE index by_kind is made of'],
    ['state', 'stands in what the UNIQUE index open_ones is made of'],
    ['code', 'stands in what the UNIQUE index by_shorter is made of'],
  ] as const)('[AC-21] refuse %s, in whose place tabs could not do with NULL', (column, why) => {
    expect(() => hiding(column)).toThrow(expect.objectContaining({ code: 'schema_invalid', message: expect.stringContaining(why) }));
  });
});
