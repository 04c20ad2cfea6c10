import { sql } from 'drizzle-orm';
import {
  blob,
  check,
  customType,
  foreignKey,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  type SQLiteTable,
  text,
  unique,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { roomModelOf } from './room-model-of.ts';
import { tableModelOf } from './table-model.ts';

const options = { serverOnly: false, withoutRowid: false };
const odd = customType<{ data: string }>({ dataType: () => 'text PRIMARY KEY' });
const invalid = (part: string): unknown => expect.objectContaining({ code: 'schema_invalid', message: expect.stringContaining(part) });

describe('tableModelOf', () => {
  it('[SC-7] reads columns, keys, defaults, constraints and indexes', () => {
    const teams = sqliteTable('teams', { id: integer().primaryKey() });
    const people = sqliteTable(
      'people',
      {
        team: integer()
          .notNull()
          .references(() => teams.id, { onDelete: 'cascade', onUpdate: 'no action' }),
        name: text({ length: 20 }).notNull().default("O'Hara"),
        active: integer({ mode: 'boolean' }).default(true),
        since: integer({ mode: 'timestamp_ms' }).default(new Date(5)),
        tags: text({ mode: 'json' }).default(['a']),
        score: real().default(sql`(1 + 1)`),
        photo: blob().default(Buffer.from([1])),
        mail: text().unique(),
        initial: text().generatedAlwaysAs(sql`substr(name, 1, 1)`, { mode: 'stored' }),
      },
      (table) => [
        primaryKey({ columns: [table.name, table.team] }),
        unique('people_mail_score').on(table.mail, table.score),
        uniqueIndex('people_lower').on(sql`lower(${table.name})`),
        index('people_active').on(table.active).where(sql`${table.active} = ${1}`),
        check('people_score', sql`${table.score} >= ${0}`),
      ],
    );
    const model = tableModelOf(people, { serverOnly: false, withoutRowid: true });
    expect(model.key).toEqual(['name', 'team']);
    expect(model.withoutRowid).toBe(true);
    expect(model.columns.map(({ name, type, notNull, defaultSql }) => [name, type, notNull, defaultSql])).toEqual([
      ['team', 'integer', true, null],
      ['name', 'text(20)', true, "'O''Hara'"],
      ['active', 'integer', false, '1'],
      ['since', 'integer', false, '5'],
      ['tags', 'text', false, `'["a"]'`],
      ['score', 'real', false, '(1 + 1)'],
      ['photo', 'blob', false, `X'01'`],
      ['mail', 'text', false, null],
      ['initial', 'text', false, null],
    ]);
    expect(model.columns.at(-1)?.generated).toEqual({ sql: 'substr(name, 1, 1)', stored: true });
    expect(model.uniques).toEqual([
      { name: 'people_mail_unique', columns: ['mail'] },
      { name: 'people_mail_score', columns: ['mail', 'score'] },
    ]);
    expect(model.checks).toEqual([{ name: 'people_score', sql: '"score" >= 0' }]);
    expect(model.foreignKeys).toEqual([
      { columns: ['team'], foreignTable: 'teams', foreignColumns: ['id'], onDelete: 'cascade', onUpdate: null },
    ]);
    expect(model.indexes).toEqual([
      { name: 'people_lower', unique: true, columns: ['lower("name")'], where: null },
      { name: 'people_active', unique: false, columns: ['"active"'], where: '"active" = 1' },
    ]);
  });

  const refused: readonly (readonly [string, SQLiteTable, string])[] = [
    ['no primary key', sqliteTable('t', { a: text() }), 'no primary key'],
    [
      'two primary keys',
      sqliteTable('t', { a: text().primaryKey(), b: text().notNull() }, (t) => [primaryKey({ columns: [t.b] })]),
      'more than one',
    ],
    [
      'a nullable key column',
      sqliteTable('t', { a: text().notNull(), b: text() }, (t) => [primaryKey({ columns: [t.a, t.b] })]),
      '"b" may be null',
    ],
    ['AUTOINCREMENT', sqliteTable('t', { a: integer().primaryKey({ autoIncrement: true }) }), 'AUTOINCREMENT'],
    [
      '$defaultFn',
      sqliteTable('t', {
        a: text()
          .primaryKey()
          .$defaultFn(() => 'x'),
      }),
      'computed in JavaScript',
    ],
    ['$onUpdate', sqliteTable('t', { a: text().primaryKey(), b: text().$onUpdate(() => 'x') }), 'computed in JavaScript'],
    ['CURRENT_TIMESTAMP', sqliteTable('t', { a: text().primaryKey(), b: text().default(sql`CURRENT_TIMESTAMP`) }), 'CURRENT_TIMESTAMP'],
    ['the clock in a default', sqliteTable('t', { a: text().primaryKey(), b: text().default(sql`(datetime('now'))`) }), 'datetime'],
    ['chance in a check', sqliteTable('t', { a: text().primaryKey() }, () => [check('c', sql`random() > 0`)]), 'random'],
    ['a reserved table name', sqliteTable('Alcove_x', { a: text().primaryKey() }), 'reserved'],
    ['a reserved index name', sqliteTable('t', { a: text().primaryKey() }, (t) => [index('sqlite_i').on(t.a)]), 'reserved'],
    ['names that differ in case only', sqliteTable('t', { a: text().primaryKey(), b: text('A') }), 'two columns'],
    ['a name with NUL', sqliteTable('t', { a: text('a\0').primaryKey() }), 'NUL'],
    ['a name too long for the wire', sqliteTable('t', { a: text('a'.repeat(129)).primaryKey() }), 'longer than 128'],
    ['a constraint inside a type', sqliteTable('t', { a: odd().primaryKey() }), 'column type'],
    [
      'too many columns',
      sqliteTable('t', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`c${i}`, i === 0 ? text().primaryKey() : text()]))),
      '100 columns',
    ],
  ];
  it.each(refused)('[SC-7] refuses %s', (_name, table, part) => {
    expect(() => tableModelOf(table, options)).toThrow(invalid(part));
  });
});

describe('roomModelOf', () => {
  const none = { serverOnly: [], withoutRowid: [] };

  it('[SC-7] refuses a name used twice, across tables and indexes', () => {
    const a = sqliteTable('a', { id: text().primaryKey() }, (table) => [index('same').on(table.id)]);
    const b = sqliteTable('SAME', { id: text().primaryKey() });
    expect(() => roomModelOf({ a, b }, none)).toThrow(invalid('"SAME"'));
    expect(() => roomModelOf({ a, again: a }, none)).toThrow(invalid('"a"'));
  });

  it('[SC-7] refuses a reference to a table outside the schema', () => {
    const parents = sqliteTable('parents', { id: text().primaryKey() });
    const children = sqliteTable('children', { id: text().primaryKey(), parent: text() }, (table) => [
      foreignKey({ columns: [table.parent], foreignColumns: [parents.id] }),
    ]);
    expect(() => roomModelOf({ children }, none)).toThrow(invalid('references parents'));
    expect(roomModelOf({ children, parents }, none).tables.map(({ name }) => name)).toEqual(['children', 'parents', 'alcove_values']);
  });

  it('[SC-7] refuses a reference to columns that are not unique', () => {
    const parents = sqliteTable('parents', { id: text().primaryKey(), a: text(), b: text().unique(), c: text() }, (table) => [
      uniqueIndex('some').on(table.c).where(sql`c > 1`),
    ]);
    const children = (name: 'id' | 'a' | 'b' | 'c'): SQLiteTable =>
      sqliteTable('children', { id: text().primaryKey(), parent: text().references(() => parents[name]) });
    for (const name of ['a', 'c'] as const)
      expect(() => roomModelOf({ parents, children: children(name) }, none)).toThrow(invalid('neither its primary key nor unique'));
    for (const name of ['id', 'b'] as const) expect(roomModelOf({ parents, children: children(name) }, none).tables).toHaveLength(3);
  });
});
