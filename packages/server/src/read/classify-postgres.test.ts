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
    'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (CASE WHEN true THEN 1 END); END',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END; SELECT 1',
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN; SET x = 1; RETURN 1; END $$; SELECT 1',
    "DO $do$ BEGIN PERFORM 'it''s'; COMMIT; END $do$",
    "INSERT INTO t VALUES (E'a\\'; SET x = 1; --')",
    "INSERT INTO t VALUES (E'a'\n'\\'; SET x = 1; --')",
    'CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)',
    'CREATE TABLE temp (a int)',
    'INSERT INTO temp VALUES (1)',
    'SELECT * INTO temp FROM t',
    'CREATE TABLE t (begin int, "end" int); INSERT INTO t VALUES (1)',
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
    'create or replace temp view v as select 1',
    'CREATE TABLE pg_temp.t (a int)',
    'SELECT 1 INTO TEMP t',
    'SELECT 1 INTO TEMPORARY TABLE "t"',
    'LISTEN a',
    "LOAD 'auto_explain'",
  ])('no pool: %s', (text) => expect(classifyPostgres(text)).toBe('transaction'));

  it.each([
    // Behind a CREATE, and what looks like the body of a routine.
    "CREATE TABLE x(); SET search_path = ''",
    'CREATE TABLE x(); BEGIN',
    'CREATE TABLE x(); END',
    'CREATE VIEW v AS SELECT 1; CREATE TEMP TABLE u (a int)',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SET x = 1',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; END',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END; END',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS case; END; COMMIT',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS begin; SELECT t.atomic; END; COMMIT',
    "CREATE FUNCTION f(begin atomic) RETURNS int LANGUAGE sql AS 'SELECT 1'; END",
    "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; END",
    'CREATE TABLE t (a int DEFAULT 1); CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; END; RESET ALL',
    // Behind strings that end elsewhere than they seem to.
    "SELECT E'a\\'; SET x = 1; --'; SET y = 2",
    "SELECT E'a'; SET x = 1; SELECT 'b'",
    "SELECT $$it's$$; SET x = 'a'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SET x = 'a'",
    `SELECT U&"a"; SET x = 1; SELECT "b"`,
    "SELECT E'a' 'b\\'; SET x = 1",
  ])('[RD-94] no pool, for what stands behind another statement: %s', (text) => expect(classifyPostgres(text)).toBe('transaction'));
});
