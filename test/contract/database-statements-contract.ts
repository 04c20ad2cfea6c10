import type { Database } from '@alcove/core/sqlite/database';
import { expect, test } from 'vitest';
import { codeOf } from './code-of.ts';

/** Statements: what can be prepared, what they say of themselves, and how long they live. */
export function databaseStatementsContract(databaseOf: () => Database): void {
  const exec = (sql: string): void => databaseOf().exec(sql);
  const all = (sql: string) => databaseOf().prepare(sql).all();

  test('[DB-7] prepare takes exactly one statement', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a)');
    for (const sql of [
      '',
      ' ',
      ';',
      '-- nothing',
      '/* nothing */;;',
      'SELECT 1; SELECT 2',
      'SELECT 1; DROP TABLE t',
      'INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)',
      'SELECT 1;;\n-- x\nSELECT 2',
    ]) {
      expect(
        codeOf(() => database.prepare(sql)),
        sql,
      ).toBe('sql_failed');
    }
    for (const sql of [
      'SELECT 1;',
      'SELECT 1;\ufeff;',
      'SELECT \ufeff1',
      'SELECT 1 ; ; -- end',
      '/* a */ SELECT 1 /* ; SELECT 2 */',
      "SELECT ';'",
    ])
      expect(database.prepare(sql).all()).toHaveLength(1);
    database.prepare('CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = a + 1; DELETE FROM t WHERE a > 5; END;').run();
    exec('INSERT INTO t VALUES (1), (5)');
    expect(all('SELECT a FROM t')).toEqual([[3]]);
  });

  test('[DB-7] transaction control, ATTACH and TEMP are refused as SQL text', () => {
    const database = databaseOf();
    const refused = [
      'BEGIN',
      'begin immediate',
      'COMMIT',
      'END',
      'ROLLBACK',
      'SAVEPOINT a',
      'RELEASE a',
      "ATTACH ':memory:' AS x",
      'DETACH x',
      'CREATE TEMP TABLE t (a)',
      'CREATE TEMPORARY VIEW v AS SELECT 1',
    ];
    for (const sql of refused) {
      expect(
        codeOf(() => database.prepare(sql)),
        sql,
      ).toBe('sql_refused');
      expect(
        codeOf(() => database.exec(`CREATE TABLE first (a); ${sql}`)),
        sql,
      ).toBe('sql_refused');
    }
    // A refused text does nothing, not even what stands before.
    expect(all("SELECT name FROM sqlite_schema WHERE name = 'first'")).toEqual([]);
    expect(database.inTransaction).toBe(false);
  });

  test('[DB-7] more than 100 parameters and named ones are refused', () => {
    const database = databaseOf();
    const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
    expect(database.prepare(`SELECT ${marks(100)}`).get(Array.from({ length: 100 }, (_, index) => index))).toHaveLength(100);
    expect(codeOf(() => database.prepare(`SELECT ${marks(101)}`))).toBe('sql_failed');
    expect(database.prepare('SELECT ?100').get(Array.from({ length: 100 }, () => 1))).toEqual([1]);
    for (const sql of ['SELECT ?101', 'SELECT ?0', 'SELECT :a', 'SELECT @a', 'SELECT $a'])
      expect(
        codeOf(() => database.prepare(sql)),
        sql,
      ).toBe('sql_failed');
  });

  test('[DB-8] run counts what the statement itself changed', () => {
    const database = databaseOf();
    const changes = (sql: string): number => database.prepare(sql).run().changes;
    expect(changes('CREATE TABLE t (a integer PRIMARY KEY, b)')).toBe(0);
    expect(changes('CREATE TABLE logged (a)')).toBe(0);
    exec('CREATE TABLE child (a integer REFERENCES t(a) ON DELETE CASCADE)');
    exec('CREATE TRIGGER l AFTER DELETE ON t BEGIN INSERT INTO logged VALUES (old.a), (old.a); END');
    expect(changes('INSERT INTO t (a) VALUES (1), (2), (3)')).toBe(3);
    exec('INSERT INTO child VALUES (1), (1), (2)');
    expect(changes('SELECT * FROM t')).toBe(0);
    expect(changes('UPDATE t SET b = 1 WHERE a > 99')).toBe(0);
    expect(changes('INSERT OR IGNORE INTO t (a) VALUES (1), (4)')).toBe(1);
    expect(changes('INSERT INTO t (a) VALUES (4) ON CONFLICT DO UPDATE SET b = 2')).toBe(1);
    expect(changes('REPLACE INTO t (a) VALUES (4)')).toBe(1);
    expect(changes('WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)')).toBe(1);
    expect(all('SELECT count(*) FROM child')).toEqual([[1]]);
    expect(changes('UPDATE t SET b = 3 RETURNING a')).toBe(3);
    expect(changes('CREATE INDEX i ON t (b)')).toBe(0);
    expect(changes('DELETE FROM t')).toBe(3);
    expect(changes('DROP TABLE child')).toBe(0);
  });

  test('[DB-8] says whether it writes rows', () => {
    exec('CREATE TABLE t (a)');
    const writes = (sql: string): boolean => databaseOf().prepare(sql).writes;
    for (const sql of [
      'INSERT INTO t VALUES (1)',
      'UPDATE t SET a = 1 RETURNING a',
      'DELETE FROM t',
      'REPLACE INTO t VALUES (1)',
      'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x',
    ])
      expect(writes(sql), sql).toBe(true);
    for (const sql of [
      'SELECT 1',
      'VALUES (1)',
      'WITH x AS (SELECT 1) SELECT * FROM x',
      'PRAGMA table_info(t)',
      'EXPLAIN DELETE FROM t',
      'DROP TABLE t',
    ])
      expect(writes(sql), sql).toBe(false);
  });

  test('[DB-9] columns are the names of the result, in order', () => {
    exec('CREATE TABLE t (a, "b c", a2)');
    const columns = (sql: string): readonly string[] => databaseOf().prepare(sql).columns;
    expect(columns('SELECT * FROM t')).toEqual(['a', 'b c', 'a2']);
    expect(columns('SELECT a AS x, a + 1, "b c", t.a, ?, 9, a AS x FROM t')).toEqual(['x', 'a + 1', 'b c', 'a', '?', '9', 'x']);
    expect(columns('SELECT x.* FROM (SELECT 1 AS one, 2 AS two) AS x')).toEqual(['one', 'two']);
    expect(columns('INSERT INTO t VALUES (1, 2, 3) RETURNING *, a + 1 AS more')).toEqual(['a', 'b c', 'a2', 'more']);
    expect(columns('DELETE FROM t RETURNING a2')).toEqual(['a2']);
    for (const sql of ['INSERT INTO t VALUES (1, 2, 3)', 'UPDATE t SET a = 1', 'DELETE FROM t', 'CREATE TABLE u (a)'])
      expect(columns(sql), sql).toEqual([]);
    expect(columns('PRAGMA table_info(t)').slice(0, 3)).toEqual(['cid', 'name', 'type']);
    expect(all('SELECT * FROM t')).toEqual([]);
  });

  test('[DB-9] all, get and iterate take statements without rows, run takes those with', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a)');
    expect(database.prepare('INSERT INTO t VALUES (1)').all()).toEqual([]);
    expect(database.prepare('INSERT INTO t VALUES (2)').get()).toBeUndefined();
    expect([...database.prepare('INSERT INTO t VALUES (3)').iterate()]).toEqual([]);
    expect(database.prepare('SELECT a FROM t WHERE a > 9').get()).toBeUndefined();
    expect(database.prepare('INSERT INTO t VALUES (4), (5) RETURNING a * 2').get()).toEqual([8]);
    expect([...database.prepare('INSERT INTO t VALUES (6), (7) RETURNING a').iterate()]).toEqual([[6], [7]]);
    expect(all('SELECT count(*), sum(a) FROM t')).toEqual([[7, 28]]);
  });

  test('[DB-10] an equal text is prepared once, and statements outlive their place in the cache', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a)');
    const insert = database.prepare('INSERT INTO t VALUES (?)');
    expect(database.prepare('INSERT INTO t VALUES (?)')).toBe(insert);
    for (let number = 0; number < 600; number += 1) expect(database.prepare(`SELECT ${number}`).get()).toEqual([number]);
    insert.run([1]);
    insert.run([2 ** 40]);
    expect(all('SELECT a FROM t')).toEqual([[1], [2 ** 40]]);
    expect(insert.columns).toEqual([]);
  });

  test('[DB-10] one statement takes every mix of values', () => {
    const statement = databaseOf().prepare('SELECT ?, ?, ?, ?');
    const values = [1, 2 ** 40, 1e-20, 'x', null];
    for (let mix = 0; mix < values.length ** 4; mix += 1) {
      const params = [0, 1, 2, 3].map((position) => values[Math.floor(mix / values.length ** position) % values.length] ?? null);
      expect(statement.get(params)).toEqual(params);
    }
  });

  test('[DB-10] a held statement follows a changed schema, also one that was rolled back', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a)');
    exec('INSERT INTO t VALUES (1)');
    const select = database.prepare('SELECT * FROM t');
    expect([select.columns, select.all()]).toEqual([['a'], [[1]]]);
    exec('ALTER TABLE t ADD COLUMN b DEFAULT 5');
    expect([select.columns, select.all()]).toEqual([['a', 'b'], [[1, 5]]]);
    expect(
      codeOf(() =>
        database.transaction(() => {
          database.prepare('ALTER TABLE t RENAME COLUMN b TO c').run();
          expect(select.columns).toEqual(['a', 'c']);
          database.prepare('SELECT * FROM missing');
        }),
      ),
    ).toBe('sql_failed');
    expect([select.columns, select.all()]).toEqual([['a', 'b'], [[1, 5]]]);
    exec('DROP TABLE t');
    expect(codeOf(() => select.all())).toBe('sql_failed');
    exec('CREATE TABLE t (z)');
    expect([select.columns, select.all()]).toEqual([['z'], []]);
  });

  test('[DB-10] a statement that failed can be used again', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a UNIQUE)');
    const insert = database.prepare('INSERT INTO t VALUES (?) RETURNING a');
    expect(insert.all([1])).toEqual([[1]]);
    expect(codeOf(() => insert.all([1]))).toBe('constraint_failed');
    expect(insert.get([2])).toEqual([2]);
    expect(codeOf(() => insert.get([2]))).toBe('constraint_failed');
    expect(insert.run([3])).toEqual({ changes: 1 });
    expect(all('SELECT a FROM t')).toEqual([[1], [2], [3]]);
  });

  test('[DB-11] iterate gives rows one at a time and may be left early', () => {
    const database = databaseOf();
    const counting = database.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n');
    const seen: unknown[] = [];
    for (const [number] of counting.iterate()) {
      seen.push(number);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, 2, 3]);
    const rows = counting.iterate();
    expect(rows.next()).toEqual({ done: false, value: [1] });
    expect(rows.return?.()).toMatchObject({ done: true });
    expect(rows.next()).toMatchObject({ done: true });
    expect(() => {
      for (const _ of counting.iterate()) throw new RangeError('left');
    }).toThrow(RangeError);
    expect(database.prepare('SELECT 1').get()).toEqual([1]);
  });

  test('[DB-11] while an iteration is open everything else is refused, and goes on after it', () => {
    const database = databaseOf();
    exec('CREATE TABLE t (a)');
    exec('INSERT INTO t VALUES (1), (2)');
    const select = database.prepare('SELECT a FROM t');
    const rows = select.iterate();
    rows.next();
    for (const use of [
      () => select.all(),
      () => select.get(),
      () => [...select.iterate()],
      () => database.prepare('SELECT 2'),
      () => database.prepare('INSERT INTO t VALUES (3)').run(),
      () => database.exec('DELETE FROM t'),
      () => database.transaction(() => 1),
      () => database.setForeignKeys(false),
    ]) {
      expect(codeOf(use)).toBe('sql_failed');
    }
    expect(select.columns).toEqual(['a']);
    expect([...rows]).toEqual([[2]]);
    expect(select.all()).toEqual([[1], [2]]);
  });

  test('[DB-11] an iteration that was never started holds nothing, and one that fails ends', () => {
    const database = databaseOf();
    const unstarted = database.prepare('SELECT 1').iterate();
    expect(database.prepare('SELECT 2').get()).toEqual([2]);
    expect([...unstarted]).toEqual([[1]]);
    const failing = database.prepare("SELECT 1 UNION ALL SELECT json('{')").iterate();
    expect(codeOf(() => [...failing])).toBe('sql_failed');
    expect(database.prepare('SELECT 3').get()).toEqual([3]);
  });

  test('[DB-12] exec runs several statements and stops at the first that fails; those before it stay', () => {
    const database = databaseOf();
    exec("CREATE TABLE t (a UNIQUE); -- one; two\nINSERT INTO t VALUES ('x;y');");
    expect(codeOf(() => exec("INSERT INTO t VALUES (1); INSERT INTO t VALUES ('x;y'); INSERT INTO t VALUES (2)"))).toBe(
      'constraint_failed',
    );
    expect(all('SELECT a FROM t ORDER BY rowid')).toEqual([['x;y'], [1]]);
    expect(codeOf(() => exec('INSERT INTO t VALUES (3); SELEC 1'))).toBe('sql_failed');
    expect(codeOf(() => database.transaction(() => exec('INSERT INTO t VALUES (5); INSERT INTO t VALUES (1)')))).toBe('constraint_failed');
    expect(all('SELECT a FROM t ORDER BY rowid')).toEqual([['x;y'], [1], [3]]);
    exec('SELECT * FROM t; UPDATE t SET a = 9 WHERE a = 1 RETURNING a;');
    expect(all('SELECT a FROM t ORDER BY rowid')).toEqual([['x;y'], [9], [3]]);
    expect(codeOf(() => exec('INSERT INTO t VALUES (?)'))).toBe('sql_failed');
    exec('');
    exec('-- nothing');
  });
}
