import { describe, expect, it, test } from 'vitest';
import { classifyStatement, STATEMENT_TARGETS_DEFAULT } from './classify-statement.ts';

describe('[RD-28] where a statement belongs', () => {
  it.each([
    ['SELECT 1', 'read', 'replica'],
    ['  -- DELETE FROM a\n select "INSERT", \'DROP TABLE x\' /* ; */', 'read', 'replica'],
    ['VALUES (1), (2);', 'read', 'replica'],
    ['WITH t AS (SELECT 1) SELECT * FROM t;;', 'read', 'replica'],
    ['WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n', 'read', 'replica'],
    ["SELECT replace(a, 'x', 'y') AS \"update\" FROM b", 'read', 'replica'],
    ['EXPLAIN QUERY PLAN DELETE FROM a', 'explain', 'replica'],
    ['INSERT INTO a VALUES (1)', 'write', 'refuse'],
    ['WITH t AS (SELECT 1) UPDATE a SET b = 1', 'write', 'refuse'],
    ['WITH t AS (SELECT 1) REPLACE INTO a SELECT * FROM t', 'write', 'refuse'],
    ['/* SELECT */ delete from a returning *', 'write', 'refuse'],
    ['CREATE TABLE a (b)', 'schema', 'refuse'],
    ['ANALYZE', 'schema', 'refuse'],
    ['CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END', 'schema', 'refuse'],
    ['BEGIN', 'transaction', 'primary'],
    ['BEGIN IMMEDIATE; UPDATE a SET b = 1; COMMIT', 'transaction', 'primary'],
    ['SAVEPOINT s', 'transaction', 'primary'],
    ['PRAGMA journal_mode', 'other', 'refuse'],
    ["ATTACH 'x' AS y", 'other', 'refuse'],
    ['VACUUM', 'other', 'refuse'],
    ['__proto__', 'other', 'refuse'],
    ['constructor', 'other', 'refuse'],
    ['SELECT 1; SELECT 2', 'read', 'refuse'],
    ['SELECT 1; DELETE FROM a', 'write', 'refuse'],
    ['EXPLAIN SELECT 1; PRAGMA x', 'other', 'refuse'],
    ['', 'other', 'refuse'],
    [' ; -- nothing', 'other', 'refuse'],
    ['(SELECT 1)', 'other', 'refuse'],
  ])('%s → %s, %s', (sql, kind, target) => {
    const found = classifyStatement(sql);
    expect(found).toMatchObject({ kind, target });
    expect(found.reason === null).toBe(target !== 'refuse');
  });

  test('what is refused says why', () => {
    expect(classifyStatement('delete from a').reason).toBe('DELETE is for mutators, reads change nothing');
    expect(classifyStatement('SELECT 1; DROP TABLE a').reason).toBe(
      'a change of the schema is for migrations, reads change nothing, among 2 statements',
    );
    expect(classifyStatement('SELECT 1; SELECT 2').reason).toBe('there are 2 statements in one text');
    expect(classifyStatement('').reason).toBe('there is no statement in the text');
  });

  test('targets are configurable', () => {
    const targets = { ...STATEMENT_TARGETS_DEFAULT, explain: 'refuse', transaction: 'refuse', other: 'primary' } as const;
    expect(classifyStatement('EXPLAIN SELECT 1', targets)).toEqual({
      kind: 'explain',
      target: 'refuse',
      reason: 'EXPLAIN is not taken here',
    });
    expect(classifyStatement('COMMIT', targets).target).toBe('refuse');
    expect(classifyStatement('PRAGMA table_list', targets).target).toBe('primary');
  });
});
