import type { TableModel } from '@alcove/core/schema/room-model';
import { defineRoom } from '@alcove/core/schema/define-room';
import { AlcoveError } from '@alcove/core/error';
import { blob, customType, integer, numeric, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { neutralCondition } from './neutral-sql.ts';

const nocase = customType<{ data: string }>({ dataType: () => 'text COLLATE NOCASE' });
const rows = sqliteTable('rows', {
  id: text().primaryKey(),
  owner: text(),
  n: integer(),
  price: real(),
  photo: blob(),
  any: numeric(),
  title: nocase(),
});
const [table] = defineRoom({ name: 'r', schema: { rows }, mutators: {} }).model.tables as [TableModel]; // the one defined

const told = (sql: string, params: readonly (string | number | null)[] = []): string => neutralCondition(sql, params, table);
const refusal = (sql: string, params: readonly (string | number | null)[] = []): unknown => {
  try {
    return told(sql, params);
  } catch (error) {
    return error instanceof AlcoveError ? error.code : error;
  }
};

describe('[RD-87] rules said in PostgreSQL', () => {
  it.each<[string, readonly (string | number | null)[], string]>([
    ['"rows"."owner" = ?', ["o'hara"], `("owner" = ('o''hara'::text COLLATE "C"))`],
    [
      'owner is null or n >= ? and not price < 1.5',
      [-3],
      `(("owner" IS NULL) OR (("n" >= (-3)::bigint) AND (NOT ("price" < '1.5'::double precision))))`,
    ],
    ['n', [], '("n" <> 0)'],
    ['owner in (?, null)', ['a'], `("owner" IN (('a'::text COLLATE "C"), NULL))`],
    ['owner not in ()', [], 'TRUE'],
    ['owner IN (SELECT value FROM json_each(?))', ['["a",null]'], `("owner" IN (('a'::text COLLATE "C"), NULL))`],
    ['n between ? and 5 and (owner is not ?)', [1, null], `(("n" BETWEEN 1::bigint AND 5::bigint) AND ("owner" IS DISTINCT FROM NULL))`],
    ["(owner = 'x') is not true", [], `(("owner" = ('x'::text COLLATE "C")) IS NOT TRUE)`],
    [
      "upper(coalesce(owner, 'none')) = 'NONE'",
      [],
      `(upper(coalesce("owner", ('none'::text COLLATE "C")) COLLATE "C") = ('NONE'::text COLLATE "C"))`,
    ],
    ['any is null', [], '("any" IS NULL)'],
    ['title is not null', [], '("title" IS NOT NULL)'],
  ])('%s', (sql, params, postgres) => {
    expect(told(sql, params)).toBe(postgres);
  });

  it.each<[string, (readonly (string | number | null)[])?]>([
    ['owner = 5'],
    ['n = ?', ['5']],
    ['any = 1'],
    ["title = 'x'"],
    ["title is 'x'"],
    ["title is not 'x'"],
    ['owner = title is true'],
    ["any is '5.0'"],
    ["owner like 'x%'"],
    ["owner glob 'x'"],
    ['photo = owner'],
    ['owner'],
    ["owner || 'x' = 5"],
    ['length(owner) > 2'],
    ['owner = (n = 1)'],
    ['n + 1 = 2'],
    ["owner collate nocase = 'x'"],
    ["json_extract(owner, '$.a') = 'x'"],
    ['other = 1'],
    ['other.owner = owner'],
    ['case when n then 1 end'],
    ['n = 9007199254740993'],
    ['owner = ? and', ['x']],
    ['(n = 1'],
    ["photo = x'00'"],
    ['n in (n, owner)'],
    ['owner not null'],
  ])('refuses what may differ: %s', (sql, params = []) => {
    expect(refusal(sql, params)).toBe('rule_failed');
  });
});
