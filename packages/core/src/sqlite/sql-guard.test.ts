import { describe, expect, test } from 'vitest';
import { refusedIn, whyRefused } from './sql-guard.ts';

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
    'select * from alcove_clients',
    'select * from main.ALCOVE_LOG',
    'select * from "alcove_meta" as m',
    "select * from 'alcove_meta'",
    'select * from [alcove_meta]',
    'select * from `main`.`alcove_meta`',
    'select (select count(*) from alcove_log)',
    'select 1 from t, alcove_log',
    'select 1 from t as a, (u, alcove_log) where 1',
    'select 1 from (select a, b from u), alcove_log',
    'select 1 from t left join alcove_log on 1',
    "select 1 from t join u on t.a = coalesce(u.a, 'x'), alcove_log",
    'select 1 from t where a in alcove_log',
    'select 1 from t where a in (select version from alcove_log)',
    'select 1 union all select version from alcove_log',
    'with x as (select * from alcove_log) select * from x',
    'insert into t select version from alcove_log',
    'insert into t (a) values ((select max(version) from alcove_log))',
    'insert into t (a) values (1) on conflict (a) do update set a = (select 1 from alcove_log)',
    'update t set a = m.value from alcove_meta as m',
    'delete from t where exists (select 1 from alcove_capture_state)',
    'delete from t where a is distinct from (select 1 from alcove_log)',
    'select * from sqlite_master',
    'select * from sqlite_schema',
    "select * from pragma_table_list('t')",
    'select * from pragma_compile_options',
    'select * from dbstat',
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
    'select value from t, main."alcove_values" as v',
    "select 'alcove_log' from t where a in ('alcove_log', 'alcove_meta')",
    "select a from t where b = 'alcove_log' and c > 'sqlite_master'",
    "select a from t where b is distinct from 'alcove_log'",
    "select a from t join u on u.a = f('x', 'alcove_log')",
    'select t.alcove_log, "alcove_log" from t',
    'select a as alcove_log from t order by alcove_log, b',
    'select a from t alcove_log where 1',
    "select * from json_each('[1]', 'alcove_log')",
    "insert into t values (1, 'alcove_log'), (2, 'alcove_log')",
    "update t set a = 1, b = 'alcove_log' from u where u.a = 'alcove_log'",
    'insert into t (a) values (1) returning a, "alcove_log"',
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

test('[AC-25] why something is refused can be said without what a mutator would use instead', () => {
  expect(whyRefused('select random()')).toBe('random() differs on each run');
  expect(whyRefused("select datetime('now')")).toBe("datetime('now') is the machine's own time");
  expect(whyRefused('select date(?)', ['now'])).toBe("the time 'now' is the machine's own");
  expect(whyRefused('select 1')).toBeNull();
});
