import { describe, expect, it } from 'vitest';
import { parseMigrations, pendingMigrations } from './migrations.ts';

const code = (expected: string, part: string): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(part) });

describe('parseMigrations', () => {
  it('[SC-10] reads lists, texts of several statements and drizzle-kit files', () => {
    const kit =
      'PRAGMA foreign_keys=OFF;--> statement-breakpoint\nCREATE TABLE `t` (\n\t`a` text\n);\n--> statement-breakpoint\nPRAGMA foreign_keys=ON;';
    const [listed, text, file] = parseMigrations([
      { id: '1', sql: ['CREATE TABLE a (x)', ' CREATE TABLE b (x); '] },
      { id: '2', sql: "INSERT INTO a VALUES (';'); -- a comment;\nDELETE FROM b" },
      { id: '3', sql: kit },
    ]);
    expect(listed?.statements).toEqual(['CREATE TABLE a (x)', 'CREATE TABLE b (x)']);
    expect(text?.statements).toEqual(["INSERT INTO a VALUES (';')", 'DELETE FROM b']);
    expect(file?.statements).toEqual(['CREATE TABLE `t` (\n\t`a` text\n)']);
  });

  it('[SC-10] has a checksum of the statements, not of what stands around them', () => {
    const of = (sql: string): string | undefined => parseMigrations([{ id: '1', sql }])[0]?.checksum;
    expect(of(' CREATE TABLE a (x) ; ')).toBe(of('CREATE TABLE a (x);-- done'));
    expect(of('CREATE TABLE a (x)')).not.toBe(of('CREATE TABLE a (y)'));
  });

  it.each([
    ['BEGIN; SELECT 1; COMMIT', 'BEGIN'],
    ['SELECT 1; SAVEPOINT x', 'SAVEPOINT'],
    ["ATTACH 'x' AS y", 'ATTACH'],
    ['PRAGMA writable_schema = ON', 'PRAGMA'],
    ['VACUUM', 'VACUUM'],
    ['SELECT ?', 'parameter'],
  ])('[SC-10] refuses %s', (sql, part) => {
    expect(() => parseMigrations([{ id: 'm', sql }])).toThrow(code('schema_invalid', 'migration "m"'));
    expect(() => parseMigrations([{ id: 'm', sql }])).toThrow(code('schema_invalid', part));
  });

  it('[SC-10] refuses an empty id and one that is used twice', () => {
    expect(() => parseMigrations([{ id: '', sql: 'SELECT 1' }])).toThrow(code('schema_invalid', 'empty'));
    expect(() =>
      parseMigrations([
        { id: 'a', sql: 'SELECT 1' },
        { id: 'a', sql: 'SELECT 2' },
      ]),
    ).toThrow(code('schema_invalid', 'twice'));
  });
});

describe('pendingMigrations', () => {
  const defined = parseMigrations(['a', 'b', 'c'].map((id) => ({ id, sql: `CREATE TABLE ${id} (x)` })));
  const applied = defined.map(({ id, checksum }) => ({ id, checksum }));

  it('[SC-11] gives those that were not applied, in order', () => {
    expect(pendingMigrations(defined, []).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(pendingMigrations(defined, applied.slice(0, 2)).map(({ id }) => id)).toEqual(['c']);
    expect(pendingMigrations(defined, applied)).toEqual([]);
  });

  it('[SC-11] refuses an applied one that was changed, removed, renamed or overtaken', () => {
    const changed = parseMigrations([{ id: 'a', sql: 'CREATE TABLE a (y)' }]);
    expect(() => pendingMigrations(changed, applied.slice(0, 1))).toThrow(code('schema_mismatch', '"a" was changed'));
    expect(() => pendingMigrations(defined.slice(1), applied.slice(0, 1))).toThrow(
      code('schema_mismatch', '"a"; in the definition it is missing'),
    );
    expect(() => pendingMigrations([...defined.slice(1), ...defined.slice(0, 1)], applied.slice(0, 1))).toThrow(
      code('schema_mismatch', 'stands elsewhere'),
    );
    expect(() => pendingMigrations([], applied)).toThrow(code('schema_mismatch', 'missing'));
  });
});
