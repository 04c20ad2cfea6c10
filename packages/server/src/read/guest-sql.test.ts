import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../../test/contract/code-of.ts';
import { refuseUnlessRead } from './guest-sql.ts';

describe('what SQL of users may be', () => {
  const verdict = (sql: string, charactersMax = 100): unknown => codeOf(() => refuseUnlessRead(sql, charactersMax));

  it('[RD-61] is one SELECT, VALUES or WITH … SELECT, comments and semicolons around it', () => {
    for (const sql of ['SELECT 1', 'values (1)', ' /* a */ ; WITH a AS (SELECT 1) SELECT * FROM a; -- b'])
      expect(verdict(sql), sql).toBe(undefined);
    for (const sql of ['', ';', '-- SELECT 1', '/* SELECT 1']) expect(verdict(sql), sql).toBe('sql_failed');
    for (const sql of ['SELECT 1; SELECT 2', 'WITH a AS (SELECT 1) DELETE FROM b', 'EXPLAIN SELECT 1', 'PRAGMA x', 'SELECT 1\0']) {
      expect(verdict(sql), sql).toBe('sql_refused');
      expect(verdict(sql), sql).toBe('sql_refused');
    }
  });

  it('[RD-61] names no schema, in whatever quotes and case', () => {
    for (const sql of ['SELECT * FROM main.a', 'SELECT "Main" . a FROM b', "SELECT * FROM 'temp'.a", 'SELECT * FROM [main] /**/ .a']) {
      expect(verdict(sql), sql).toBe('sql_refused');
    }
    for (const sql of ["SELECT 'main.a'", 'SELECT main FROM a', 'SELECT a.main FROM a', 'SELECT * FROM domain.a'])
      expect(verdict(sql), sql).toBe(undefined);
  });

  it('[RD-61] has as many characters as it may', () => {
    expect(verdict('SELECT 12', 9)).toBe(undefined);
    expect(verdict('SELECT 12', 8)).toBe('sql_refused');
  });
});
