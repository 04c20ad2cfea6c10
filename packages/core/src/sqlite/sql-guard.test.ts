import { describe, expect, test } from 'vitest';
import { refusedIn } from './sql-guard.ts';

describe('refusedIn', () => {
  test.each([
    'insert into t values (random())',
    'insert into t values (RANDOM ( ))',
    'select "random"()',
    'select [randomblob](4)',
    'select `Random` /* x */ ()',
    'select 1 where abs(random()) > 5',
    "select datetime('now')",
    "select DATETIME('NOW')",
    'select date()',
    'select time ( )',
    'select julianday()',
    'select unixepoch()',
    "select unixepoch('subsec')",
    "select strftime('%s')",
    "select strftime('%s', 'now', '-1 day')",
    "select strftime('%s', coalesce(null, 'now'))",
    "select datetime(1700000000, 'unixepoch', 'localtime')",
    "select datetime('2020-01-01', 'utc')",
    "select timediff(a, 'now') from t",
    'insert into t values (CURRENT_TIMESTAMP)',
    'select current_date',
    'update t set a = Current_Time',
    'begin',
    'BEGIN IMMEDIATE',
    'commit',
    'end',
    'rollback',
    'rollback to x',
    'savepoint a',
    'release a',
    'pragma foreign_keys = off',
    "attach 'x' as y",
    'detach y',
    'vacuum',
    "vacuum into 'x'",
    'create table t (a)',
    'create temp table t (a)',
    'drop table t',
    'alter table t add column b',
    'reindex',
    'analyze',
    'explain select 1',
    'insert or rollback into t values (1)',
    'UPDATE OR ROLLBACK t SET a = 1',
    'with x as (select 1) insert or /* */ rollback into t select * from x',
    'select 1; select 2',
    'insert into t values (1); commit',
    'delete from alcove_log',
    'delete from main."alcove_log"',
    `delete from 'alcove_log'`,
    `update or ignore main.'alcove_clients' set a = 1`,
    'insert into alcove_values values (1)',
    'replace into [ALCOVE_meta] values (1)',
    'update alcove_clients set a = 1',
    'update or ignore alcove_clients set a = 1',
    'delete from sqlite_sequence',
    '',
    '-- nothing',
  ])('[DB-32] refuses %j', (sql) => {
    expect(refusedIn(sql)).not.toBeNull();
  });

  test.each([
    "insert into t values ('random()')",
    "select 'it''s datetime(''now'')'",
    'select 1 -- random()',
    'select 1 /* datetime() ; drop table t */',
    'select random from t',
    'select t.random, "random()" from t',
    'insert into random (a) values (1)',
    'insert into date(a) values (1)',
    'select date(a) from t',
    "select datetime(a, 'unixepoch', '+1 day') from t",
    "select strftime('%Y', created) from t",
    "select strftime('now', created) is null from t".replace("'now'", "'%H'"),
    'select t.current_date from t',
    'select "CURRENT_TIMESTAMP" from t',
    'select a or rollback from t',
    'update t set a = 1 where b or rollback',
    'insert or replace into t values (1)',
    'insert or ignore into t values (1);',
    'insert into t (a) values (1) on conflict (a) do update set a = excluded.a',
    'with x as (select 1) select * from x',
    'with x(a) as (values (1)) delete from t where a in (select a from x)',
    'select * from alcove_values',
    'replace into t values (1)',
    'values (1)',
    "select replace(a, 'x', 'y') from t",
    'select 1;;',
  ])('[DB-33] lets %j pass', (sql) => {
    expect(refusedIn(sql)).toBeNull();
  });

  test('[DB-32] looks at bound values where a time is computed', () => {
    expect(refusedIn('select datetime(?)', ['Now'])).toContain('ctx.now');
    expect(refusedIn('select datetime(?)', ['2020-01-01'])).toBeNull();
    expect(refusedIn('select ?', ['now'])).toBeNull();
  });

  test('[DB-32] says what to use instead', () => {
    expect(refusedIn('select random()')).toBe('random() differs on each run; use ctx.random or ctx.id');
    expect(refusedIn('select strftime(?)')).toBe("strftime() without a time is the machine's own time; use ctx.now");
  });
});
