import { describe, expect, it } from 'vitest';
import { classifyPostgres } from './classify-postgres.ts';

describe('[RD-90] where a statement of an app’s own belongs', () => {
  it.each([
    'SELECT 1',
    '  -- begin\n select "begin" from "set" where x = \';begin\'',
    'WITH a AS (SELECT 1) TABLE a',
    'VALUES (1);',
    'SELECT commit FROM set_config',
  ])('a standby: %s', (text) => expect(classifyPostgres(text)).toBe('read'));

  it.each([
    'INSERT INTO t VALUES (1)',
    'WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a',
    'SELECT * INTO t FROM u',
    'SELECT 1 FOR NO KEY UPDATE',
    "SELECT nextval('s')",
    'SELECT 1; SELECT 2',
    'EXPLAIN ANALYZE DELETE FROM t',
    'SELECT $$x$$',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END',
    'CREATE TABLE temp (a int)',
  ])('the primary: %s', (text) => expect(classifyPostgres(text)).toBe('write'));

  it.each([
    'BEGIN',
    'start transaction read only',
    '/* x */ ;; BEGIN',
    "SELECT 1; SET search_path = ''",
    'INSERT INTO t VALUES (1); BEGIN',
    "SELECT set_config('a.b', 'c', false)",
    "SELECT \"set_config\"('a.b', 'c', false)",
    'SELECT pg_catalog.pg_advisory_lock(1)',
    'SELECT pg_try_advisory_xact_lock(1) FROM t',
    'CREATE TEMP TABLE people AS SELECT 1',
    'create local temporary view v as select 1',
    'LISTEN a',
  ])('no pool: %s', (text) => expect(classifyPostgres(text)).toBe('transaction'));
});
