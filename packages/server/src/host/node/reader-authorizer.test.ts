import { createRequire } from 'node:module';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeDatabase } from './photostructure-database.ts';
import { ReaderAuthorizer } from './reader-authorizer.ts';

/** A handle that may write, so that nothing but the authorizer keeps SQL from it. */
describe('ReaderAuthorizer', () => {
  const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as typeof import('@photostructure/sqlite');
  let native: NativeDatabase;
  let authorizer: ReaderAuthorizer;
  beforeEach(() => {
    native = new DatabaseSync(':memory:');
    native.exec("CREATE TABLE notes (id, body); INSERT INTO notes VALUES (1, 'seen'), (2, 'canary')");
    native.exec(
      "CREATE TABLE stops (id); CREATE INDEX stops_id ON stops (id); INSERT INTO stops VALUES (1); CREATE TABLE audit (line); INSERT INTO audit VALUES ('canary')",
    );
    native.exec("CREATE TEMP VIEW guard_0 AS SELECT id, printf('%s', body) AS body FROM main.notes WHERE id = 1 LIMIT -1");
    native.exec('CREATE TEMP VIEW notes AS SELECT * FROM temp.guard_0');
    native.exec('CREATE TEMP VIEW guard_1 AS SELECT id FROM main.stops; CREATE TEMP VIEW stops AS SELECT * FROM temp.guard_1');
    authorizer = new ReaderAuthorizer({
      guards: new Set(['guard_0', 'guard_1']),
      seen: new Set(['notes', 'stops']),
      hidden: new Set(['audit', 'dbstat']),
    });
    native.setAuthorizer(authorizer.decide);
  });
  const run = (sql: string): unknown => {
    authorizer.begin();
    authorizer.trusted = false;
    try {
      return native.prepare(sql).all();
    } catch (error) {
      return authorizer.refusal()?.code ?? error;
    } finally {
      authorizer.trusted = true;
    }
  };

  it('[RD-68] lets what is seen be read, by whatever way, and rules call any function', () => {
    for (const text of [
      'SELECT body FROM notes',
      'SELECT "notes"."body" FROM "notes"',
      'SELECT body FROM (SELECT * FROM notes) AS x',
      'WITH x AS (SELECT * FROM notes) SELECT body FROM x',
      'WITH audit AS (SELECT * FROM notes) SELECT body FROM audit',
      'SELECT n.body FROM notes n LEFT JOIN notes m ON n.id = m.id',
      'SELECT lower(body) AS body FROM notes WHERE id IN (SELECT id FROM notes)',
      'SELECT body FROM notes UNION SELECT body FROM notes',
    ]) {
      expect(run(text), text).toEqual([{ body: 'seen' }]);
    }
    expect(run('SELECT count(*) AS n FROM notes')).toEqual([{ n: 1 }]);
    expect(run('SELECT count(*) AS n FROM stops')).toEqual([{ n: 1 }]);
    expect(run('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT count(*) AS n FROM n')).toEqual([{ n: 3 }]);
  });

  it('[RD-68] takes no CTE, subquery or alias with a table’s name for a guard', () => {
    for (const text of [
      'SELECT body FROM main.notes',
      'WITH notes AS (SELECT * FROM main.notes) SELECT body FROM notes',
      'WITH stops AS (SELECT * FROM main.notes) SELECT body FROM stops',
      'SELECT body FROM (SELECT * FROM main.notes) AS guard',
      'SELECT id FROM main.stops AS guard_1',
      'SELECT (SELECT body FROM main.notes LIMIT 1)',
      'SELECT main.notes.body FROM main.notes',
      'SELECT 1 FROM stops WHERE EXISTS (SELECT 1 FROM main.notes WHERE body > 0)',
      'SELECT sum(id) FROM main.notes',
      'SELECT line FROM audit',
      'SELECT count(*) FROM main.audit',
      'SELECT * FROM main.sqlite_schema',
      'SELECT count(*) FROM main.sqlite_schema',
      'SELECT * FROM temp.sqlite_schema',
      'SELECT name FROM dbstat',
      "SELECT name FROM pragma_table_info('audit')",
    ]) {
      expect(run(text), text).toBe('sql_failed');
    }
  });

  it('[RD-68] lets nothing be done but reading', () => {
    for (const text of [
      "INSERT INTO main.stops VALUES ('x')",
      'UPDATE main.stops SET id = 2',
      'DELETE FROM main.stops',
      'DELETE FROM main.stops RETURNING *',
      'WITH x AS (SELECT 1) DELETE FROM main.stops',
      'CREATE TABLE t (a)',
      'CREATE TEMP TABLE t (a)',
      'CREATE TEMP VIEW v AS SELECT * FROM main.notes',
      'CREATE VIRTUAL TABLE t USING fts5(a)',
      'DROP VIEW temp.notes',
      'ALTER TABLE main.stops RENAME TO x',
      'PRAGMA query_only = OFF',
      'PRAGMA table_info(audit)',
      "ATTACH ':memory:' AS x",
      'DETACH temp',
      'BEGIN',
      'SAVEPOINT a',
      'ANALYZE',
      'REINDEX',
      "SELECT load_extension('x')",
      'SELECT sqlite_version()',
      "SELECT printf('%s', 1)",
      'SELECT zeroblob(5)',
    ]) {
      expect(run(text), text).toBe('sql_refused');
    }
    expect(native.prepare('SELECT count(*) AS n FROM main.sqlite_schema').all()).toEqual([{ n: 4 }]);
    expect(native.prepare('SELECT id FROM main.stops').all()).toEqual([{ id: 1 }]);
  });
});
