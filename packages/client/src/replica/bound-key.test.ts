import { describe, expect, it } from 'vitest';
import { type BoundKey, boundKey } from './bound-key.ts';

const keys: Readonly<Record<string, string>> = { notes: 'id', 'odd "name"': 'key' };
const ofText = (sql: string): BoundKey | null => boundKey(sql, (table) => keys[table] ?? null);

describe('the row of a statement', () => {
  it.each([
    ['select "id", "text" from "notes" where "notes"."id" = ?', 0],
    ['select upper("text"), ? from "notes" where "notes"."id" = ? limit ?', 1],
    ['update "notes" set "text" = ?, "size" = "notes"."size" + ? where "notes"."id" = ?', 2],
    ['delete from "notes" where "notes"."id" = ?', 0],
    ['insert into "notes" ("text", "id", "size") values (?, ?, null)', 1],
    [`insert into "notes" ("id", "text") values (?, 'select')`, 0],
  ])('[RB-14] is read off %s', (sql, parameter) => {
    expect(ofText(sql)).toEqual({ table: 'notes', parameter });
  });

  it('[RB-14] is of a table of any name', () => {
    expect(ofText('delete from "odd ""name""" where "odd ""name"""."key" = ?')).toEqual({ table: 'odd "name"', parameter: 0 });
  });

  it.each([
    'select count(*) from "notes"',
    'select "id" from "notes" where "notes"."size" = ?',
    'select "id" from "notes" where ("notes"."id" = ? or "notes"."size" = ?)',
    'select "id" from "notes" where "notes"."id" = ? order by "notes"."id"',
    'select (select count(*) from "notes") from "notes" where "notes"."id" = ?',
    'select "id" from "notes" "n" where "n"."id" = ?',
    'select "notes"."id" from "notes" inner join "others" on 1 where "notes"."id" = ?',
    'select "id" from "others" where "others"."id" = ?',
    'update "notes" set "id" = ? where "notes"."id" = ?',
    'update "notes" set ID = ? where "notes"."id" = ?',
    'update "notes" set [Id] = ? where "notes"."id" = ?',
    'update "notes" set rowid = ? where "notes"."id" = ?',
    'update "notes" set "text" = (select "text" from "notes" limit 1) where "notes"."id" = ?',
    'update "notes" set "text" = ? in "others" where "notes"."id" = ?',
    'update "notes" set "text" = ? from "others" where "notes"."id" = ?',
    'update "notes" set "text" = ? where "notes"."id" <> ?',
    'update "notes" set "text" = ? where not "notes"."id" = ?',
    'update "notes" set "text" = ? where "notes"."id" = ? returning "id"',
    'update or replace "notes" set "text" = ? where "notes"."id" = ?',
    'update "notes" set "text" = ?2 where "notes"."id" = ?1',
    'delete from "notes"',
    'delete from "notes" where "notes"."id" = ? or "notes"."id" = 7',
    'delete from "notes" where "notes"."id" = 7',
    'insert into "notes" ("id", "text") values (?, ?), (?, ?)',
    'insert into "notes" ("id", "text") values (?, ?) on conflict do nothing',
    'insert or replace into "notes" ("id", "text") values (?, ?)',
    'insert into "notes" ("id", "text") values (null, ?)',
    'insert into "notes" ("text") values (?)',
    'insert into "notes" ("id", "ID") values (?, ?)',
    'insert into "notes" ("id", "rowid") values (?, ?)',
    'insert into "notes" ("id", "text") values (?, (select 1))',
    'insert into "notes" ("id", "text") select ?, ?',
    'insert into "notes" values (?, ?)',
    'replace into "notes" ("id", "text") values (?, ?)',
    'with "n" as (select 1) delete from "notes" where "notes"."id" = ?',
  ])('[RB-14] is not told of %s', (sql) => {
    expect(ofText(sql)).toBeNull();
  });
});
