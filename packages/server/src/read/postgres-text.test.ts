import { AlcoveError } from '@alcove/core/error';
import { describe, expect, it } from 'vitest';
import { postgresRead } from './postgres-text.ts';
import { tokenizePostgres } from './postgres-tokens.ts';

const sight = {
  key: 'k',
  tables: [
    { name: 'stops', select: 'SELECT 1' },
    { name: 'alcove_values', select: 'SELECT 2' },
    { name: 'notes', select: '', refused: 'the rules of table notes: no' },
  ],
};
const read = (sql: string, parameters = 0): string => postgresRead(sql, parameters, sight, { prefix: 'alcove', schema: 'alcove_trip' });
const codeOf = (sql: string, parameters = 0): unknown => {
  try {
    return read(sql, parameters);
  } catch (error) {
    return error instanceof AlcoveError ? error.code : error;
  }
};

describe('[RD-86] SQL for PostgreSQL', () => {
  it('stands in a subselect behind what is seen of the tables that it names', () => {
    expect(read('select * from stops -- all', 0)).toBe(
      'WITH "stops" AS NOT MATERIALIZED (SELECT 1) SELECT * FROM (select * from stops\n) AS alcove_answer',
    );
    expect(read('VALUES ($1, $2);', 2)).toBe('SELECT * FROM (VALUES ($1, $2)\n) AS alcove_answer');
    expect(read('SELECT s.id FROM "stops" s, alcove_values')).toContain('"alcove_values" AS NOT MATERIALIZED (SELECT 2)');
  });

  it('is told that a table has rules which cannot be said there, where it is named', () => {
    expect(codeOf('SELECT 1 FROM notes')).toBe('rule_failed');
    expect(codeOf("SELECT 'notes' FROM stops")).toContain('SELECT');
  });

  it.each([
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n), m (a, b) AS MATERIALIZED (SELECT 1, 2) SELECT count(*) FILTER (WHERE i > 1) FROM n, m',
    'SELECT a.x, b.y FROM (VALUES (1, 2)) AS a(x, z) JOIN LATERAL (SELECT 1 AS y) b ON (true)',
    "SELECT CAST(1.5 AS numeric(10, 2)), INTERVAL '1 day', sum(x) OVER (PARTITION BY y ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM stops GROUP BY GROUPING SETS ((x), ())",
    'SELECT (ARRAY[1, 2])[1], "weird ""name", date_trunc(\'day\', now()), alcove_values.value FROM alcove_values',
    "SELECT 'pg_sleep(1); DELETE', /* pg_read_file('x') /* nested */ ; */ 1",
    '(SELECT 1) UNION (SELECT 2)',
    'TABLE stops',
  ])('is taken: %s', (sql) => {
    expect(codeOf(sql)).toContain('SELECT * FROM (');
  });

  it.each([
    'SELECT 1; SELECT 2',
    'DELETE FROM stops',
    'SELEC 1',
    'SELECT * FROM alcove_trip.stops',
    'SELECT * FROM "alcove_trip" . "stops"',
    'SELECT * FROM alcove.watermarks',
    'SELECT * FROM ALCOVE_Other.stops',
    'SELECT * FROM pg_class',
    'SELECT * FROM "pg_catalog"."pg_class"',
    'SELECT * FROM PG_Stat_Activity',
    'SELECT * FROM information_schema.tables',
    'SELECT U&"\\0061lcove_trip".notes FROM stops',
    "SELECT U&'x'",
    "SELECT E'\\'' , 'x'",
    'SELECT $$x$$',
    'SELECT $a$x$a$',
    "SELECT set_config('alcove.room', 'x', false)",
    "SELECT current_setting('alcove.room')",
    "SELECT query_to_xml('SELECT * FROM alcove_trip.notes', true, false, '')",
    "SELECT \"query_to_xml\"('x', true, false, '')",
    "SELECT * FROM dblink('x', 'y') AS (a int)",
    "SELECT lo_import('/etc/passwd')",
    'SELECT pg_sleep(10)',
    'SELECT pg_terminate_backend(1)',
    "SELECT * FROM stops, ts_stat('SELECT 1') AS (word text)",
    "SELECT 'stops'::regclass",
    'SELECT public.crosstab($1)',
    'SELECT a.lower(b) FROM stops a',
    'SELECT 1 OPERATOR(pg_catalog.+) 2',
  ])('is refused: %s', (sql) => {
    expect(codeOf(sql, sql.includes('$1') ? 1 : 0)).toBe('sql_refused');
  });

  it.each<[string, number?]>([
    [''],
    ['-- nothing'],
    [';'],
    ['SELECT 1) AS x UNION (SELECT 2'],
    ['SELECT (1]'],
    ['SELECT ((1)'],
    ["SELECT 'open"],
    ['SELECT $1'],
    ['SELECT 1', 1],
    ['SELECT $2', 1],
  ])('fails before it is sent: %s', (sql, parameters = 0) => {
    expect(codeOf(sql, parameters)).toBe('sql_failed');
  });

  it('is cut as PostgreSQL cuts it', () => {
    const cut = (sql: string): string[] => tokenizePostgres(sql).map(({ kind, text }) => `${kind} ${text}`);
    expect(cut('SeLeCT "A""b"."C"')).toEqual(['word select', 'name A"b', 'operator .', 'name C']);
    expect(cut("a/*x/*y*/'*/b--c\n'it''s'$1")).toEqual(['word a', 'word b', "string 'it''s'", 'parameter $1']);
    expect(cut("x'00'E'\\''a")).toEqual(["string x'00'", "escaped E'", 'word a']);
    expect(cut("e'it''s; --' ;")).toEqual(["escaped e'", 'operator ;']);
    expect(cut("E'a' -- '\n '\\'; b' c")).toEqual(["escaped E'", 'word c']);
    expect(cut("E'a' '\\'; c'")).toEqual(["escaped E'", "string '\\'", 'operator ;', 'word c', "string '"]);
    expect(cut(`U&"a"";" U&'a\\';`)).toEqual(['escaped U&"', "escaped U&'", 'operator ;']);
    expect(cut("$$it's $a$ /* $$ a$b$ $é$;$$;$é$")).toEqual(['escaped $$', 'word a$b$', 'escaped $é$']);
    expect(cut(`E'${'--'.repeat(20_000)}' ${'--'.repeat(20_000)}`)).toEqual(["escaped E'"]);
    expect(cut('tbl$1 éa É')).toEqual(['word tbl$1', 'word éa', 'word É']);
    expect(cut("'open")).toEqual(["string 'open"]);
  });
});
