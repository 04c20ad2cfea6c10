import { describe, expect, test } from 'vitest';
import { shapeOfOne, shapesOf } from './statement-shape.ts';
import { tokenize } from './tokenize.ts';

const cut = (sql: string): string[] => tokenize(sql).map(({ kind, text }) => `${kind} ${text}`);
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return undefined;
};

describe('tokenize', () => {
  test('[DB-34] cuts words, names, strings, blobs, numbers, parameters and operators', () => {
    expect(cut(`Select "a""b", \`c\`\`d\`, [e]f, 'g''h', x'00FF', 1.5e3, .5, ?, ?12, :n, $n, é_1;`)).toEqual([
      'word SELECT',
      'name "a""b"',
      'operator ,',
      'name `c``d`',
      'operator ,',
      'name [e]',
      'word F',
      'operator ,',
      "string 'g''h'",
      'operator ,',
      "blob x'00FF'",
      'operator ,',
      'number 1.5e3',
      'operator ,',
      'number .5',
      'operator ,',
      'parameter ?',
      'operator ,',
      'parameter ?12',
      'operator ,',
      'named :n',
      'operator ,',
      'named $n',
      'operator ,',
      'word É_1',
      'semicolon ;',
    ]);
  });

  test('[DB-34] leaves out comments and spaces and takes the unterminated to the end', () => {
    expect(cut('a/* ; */b--c;\nd \u{feff} e/* f')).toEqual(['word A', 'word B', 'word D', 'word E']);
    expect(cut("'a;")).toEqual(["string 'a;"]);
    expect(cut('"a;')).toEqual(['name "a;']);
    expect(cut('- -')).toEqual(['operator -', 'operator -']);
  });

  test('[DB-34] cuts long strings without running out of stack', () => {
    const long = `'${"''".repeat(500_000)}'`;
    expect(tokenize(`${long};`).map(({ kind }) => kind)).toEqual(['string', 'semicolon']);
  });
});

describe('statement shapes', () => {
  test.each([
    ['select 1', 'SELECT'],
    ['WITH a(x) AS (SELECT 1), b AS (DELETE) UPDATE t SET x = 1', 'UPDATE'],
    ['with replace as (select 1) select * from replace', 'SELECT'],
    ['with a as (select 1) replace into t select * from a', 'REPLACE'],
    ['with recursive a as materialized (values (1)) values (2)', 'VALUES'],
    ['explain query plan select 1', 'EXPLAIN'],
  ])('[DB-34] %j is decided by %s', (sql, verb) => {
    expect(shapeOfOne(sql).verb).toBe(verb);
  });

  test('[DB-34] counts parameters as SQLite numbers them', () => {
    expect(shapeOfOne('select ?, ?').parameterCount).toBe(2);
    expect(shapeOfOne('select ?3, ?').parameterCount).toBe(4);
    expect(shapeOfOne('select ?2, ?1, \'?\', "?" -- ?').parameterCount).toBe(2);
    expect(codeOf(() => shapeOfOne('select ?101'))).toBe('sql_failed');
    expect(codeOf(() => shapeOfOne('select ?0'))).toBe('sql_failed');
    expect(codeOf(() => shapeOfOne('select :a'))).toBe('sql_failed');
  });

  test('[DB-34] a trigger with its body is one statement', () => {
    const trigger = "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN ';' END; DELETE FROM t; END";
    expect(shapesOf(`${trigger}; SELECT 1;`).map(({ verb }) => verb)).toEqual(['CREATE', 'SELECT']);
    expect(shapesOf(`;; ${trigger} ;;`)).toHaveLength(1);
  });
});
