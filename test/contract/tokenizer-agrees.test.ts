import { shapeOfOne } from '@alcove/core/sqlite/statement-shape';
import { fc } from '../fake/properties.ts';
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openBetterSqlite3 } from '../../packages/server/src/host/node/better-sqlite3-database.ts';
import { codeOf } from './code-of.ts';
import { missingEngines } from './engines.ts';

const parts = [
  'SELECT 1',
  'SELECT ?',
  'SELECT ?3, ?',
  'VALUES (1)',
  ';',
  ';',
  ' ',
  '\n',
  '\t',
  "'a;b'",
  "''';'''",
  '"a;"',
  '`b;`',
  '[c;]',
  "x'3b'",
  '--x;\n',
  '-- y',
  '/*;*/',
  '/* open ;',
  ', 2',
  ', ?',
  ' + 1',
  '- - 1',
  "|| ';'",
  ' AS x',
  ' AS "y;z"',
  ' WHERE 1',
  "'",
  '"',
  '(SELECT 2; )',
  '(SELECT ?2)',
  'é',
  '$',
  ':n',
  '1.5e-3',
  '0x1F',
  '?',
  "->> '$.a'",
  'SELECT * FROM t',
  'CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END',
  'INSERT INTO t VALUES (?)',
  'EXPLAIN ',
  ', CASE WHEN 1 THEN 1 END',
  'WITH a AS (SELECT 1) ',
];

const thrownBy = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
};

describe.skipIf(missingEngines.some(({ name }) => name === 'better-sqlite3'))('against SQLite itself', () => {
  const load: typeof BetterSqlite3 = createRequire(import.meta.url)('better-sqlite3');

  test('[DB-34] what SQLite takes for one statement is one, what it takes for more is refused, and it wants as many values', () => {
    const native = new load(':memory:');
    const database = openBetterSqlite3(':memory:');
    native.exec('CREATE TABLE t (a)');
    database.exec('CREATE TABLE t (a)');
    let compared = 0;
    const property = fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 8 }), (chosen) => {
      const sql = chosen.join('');
      const error = thrownBy(() => native.prepare(sql));
      if (error === undefined) {
        const values = Array.from({ length: shapeOfOne(sql).parameterCount }, () => 0);
        // better-sqlite3 counts the values itself and refuses another number of them.
        expect(thrownBy(() => database.prepare(sql).get(values)) ?? '').not.toMatch(/parameter/i);
        database.exec('DROP TRIGGER IF EXISTS r');
        compared += 1;
      } else if (/more than one statement|no statements/.test(error)) {
        expect(codeOf(() => shapeOfOne(sql))).toMatch(/^sql_(failed|refused)$/);
        compared += 1;
      }
    });
    fc.assert(property, { numRuns: 5000 });
    native.close();
    database.close();
    expect(compared).toBeGreaterThan(100);
  });
});
