import type { Database } from '@alcove/core/sqlite/database';
import { beforeEach, expect, test } from 'vitest';
import { codeOf } from './code-of.ts';

/** Transactions, foreign keys, triggers, errors and the end. */
export function databaseTransactionsContract(databaseOf: () => Database): void {
  let database: Database;
  beforeEach(() => {
    database = databaseOf();
    database.exec('CREATE TABLE t (a UNIQUE)');
  });

  const insert = (value: number | string): unknown => database.prepare('INSERT INTO t VALUES (?)').run([value]);
  const stored = (): unknown[] => database.prepare('SELECT a FROM t ORDER BY rowid').all().flat();
  const thrownBy = (run: () => unknown): unknown => {
    try {
      run();
    } catch (error) {
      return error;
    }
    return 'nothing thrown';
  };

  test('[DB-13] commits when the function returns, with its result', () => {
    expect(
      database.transaction(() => {
        expect(database.inTransaction).toBe(true);
        insert(1);
        return 'done';
      }),
    ).toBe('done');
    expect([database.inTransaction, stored()]).toEqual([false, [1]]);
  });

  test('[DB-13] a nested transaction that throws rolls back itself and what is in it, no more', () => {
    database.transaction(() => {
      insert('outer');
      expect(() =>
        database.transaction(() => {
          insert('inner');
          database.transaction(() => insert('innermost'));
          expect(stored()).toEqual(['outer', 'inner', 'innermost']);
          throw new RangeError('inner');
        }),
      ).toThrow('inner');
      expect([database.inTransaction, stored()]).toEqual([true, ['outer']]);
      database.transaction(() => insert('second'));
      expect(codeOf(() => database.transaction(() => insert('second')))).toBe('constraint_failed');
      insert('after');
    });
    expect(stored()).toEqual(['outer', 'second', 'after']);
  });

  test('[DB-13] an outer transaction that throws undoes its inner ones, at any depth', () => {
    const nest = (depth: number): void =>
      database.transaction(() => {
        insert(depth);
        if (depth < 50) nest(depth + 1);
      });
    nest(0);
    expect(stored()).toHaveLength(51);
    expect(() =>
      database.transaction(() => {
        nest(100);
        throw new RangeError('all');
      }),
    ).toThrow('all');
    expect([database.inTransaction, stored().length]).toEqual([false, 51]);
    expect(() => database.transaction(() => nest(0))).toThrow();
    expect(stored()).toHaveLength(51);
  });

  test('[DB-14] whatever is thrown comes out as it is', () => {
    for (const thrown of [new RangeError('x'), 'text', 0, undefined, null, { code: 1 }]) {
      const throwing = (): never => {
        throw thrown;
      };
      expect(thrownBy(() => database.transaction(throwing))).toBe(thrown);
      expect(thrownBy(() => database.transaction(() => database.transaction(throwing)))).toBe(thrown);
    }
    expect(database.inTransaction).toBe(false);
  });

  test('[DB-15] a promise or another thenable as result is refused and rolled back', async () => {
    const builder = { then: () => expect.unreachable('a thenable is not run') };
    for (const result of [Promise.resolve(1), Promise.reject(new RangeError('nobody hears')), builder]) {
      const refused = (): unknown =>
        database.transaction(() => {
          insert(1);
          return result;
        });
      expect(codeOf(refused)).toBe('mutator_async');
      expect(database.transaction(() => codeOf(refused))).toBe('mutator_async');
    }
    expect(stored()).toEqual([]);
    await Promise.resolve();
  });

  test('[DB-16] what SQLite rolled back by itself is noticed, and nothing is written outside a transaction', () => {
    insert('before');
    const code = codeOf(() =>
      database.transaction(() => {
        insert('first');
        const inner = codeOf(() =>
          database.transaction(() => {
            expect(codeOf(() => database.prepare("INSERT OR ROLLBACK INTO t VALUES ('before')").run())).toBe('constraint_failed');
            expect(database.inTransaction).toBe(false);
            for (const use of [
              () => insert('lost'),
              () => stored(),
              () => database.exec("INSERT INTO t VALUES ('lost')"),
              () => database.transaction(() => insert('lost')),
            ]) {
              expect(codeOf(use)).toBe('constraint_failed');
            }
          }),
        );
        expect([inner, database.inTransaction]).toEqual(['constraint_failed', false]);
        expect(codeOf(() => insert('lost'))).toBe('constraint_failed');
        return 'not committed';
      }),
    );
    expect([code, database.inTransaction, stored()]).toEqual(['constraint_failed', false, ['before']]);
    database.transaction(() => insert('next'));
    expect(stored()).toEqual(['before', 'next']);
  });

  test('[DB-16] an error of its own still comes out of a transaction that SQLite rolled back', () => {
    insert('before');
    expect(() =>
      database.transaction(() => {
        codeOf(() => database.exec("INSERT OR ROLLBACK INTO t VALUES ('before')"));
        throw new RangeError('mine');
      }),
    ).toThrow('mine');
    expect(stored()).toEqual(['before']);
  });

  test('[DB-16] a full database fails with room_full, changes nothing and works again with more space', () => {
    const pages = Number(database.prepare('PRAGMA page_count').get()?.[0]);
    database.prepare(`PRAGMA max_page_count = ${pages + 4}`).get();
    const fill = (): void => {
      for (let row = 0; row < 100; row += 1) insert(`${row}${'x'.repeat(1000)}`);
    };
    const code = codeOf(() =>
      database.transaction(() => {
        insert('first');
        const inner = codeOf(() => database.transaction(fill));
        expect(inner).toBe('room_full');
        if (!database.inTransaction) expect(codeOf(() => insert('lost'))).toBe('room_full');
        else expect(stored()).toEqual(['first']);
        fill();
      }),
    );
    expect([code, database.inTransaction, stored()]).toEqual(['room_full', false, []]);
    database.prepare('PRAGMA max_page_count = 100000').get();
    database.transaction(fill);
    expect(stored()).toHaveLength(100);
  });

  test('[DB-17] a deferred foreign key fails the outermost commit, which is then rolled back', () => {
    database.exec(
      'CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (p integer REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)',
    );
    const orphan = (): unknown => database.prepare('INSERT INTO child VALUES (1)').run();
    expect(codeOf(() => database.transaction(() => database.transaction(orphan)))).toBe('constraint_failed');
    expect(database.inTransaction).toBe(false);
    expect(database.prepare('SELECT count(*) FROM child').get()).toEqual([0]);
    database.transaction(() => {
      database.transaction(orphan);
      database.prepare('INSERT INTO parent VALUES (1)').run();
    });
    expect(database.prepare('SELECT count(*) FROM child').get()).toEqual([1]);
  });

  test('[DB-18] foreign keys are on, and can be turned off outside a transaction only', () => {
    database.exec('CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (p integer REFERENCES parent(id) ON DELETE CASCADE)');
    const orphan = database.prepare('INSERT INTO child VALUES (7) RETURNING p');
    for (const use of [() => orphan.all(), () => orphan.get(), () => orphan.run(), () => [...orphan.iterate()]]) {
      expect(codeOf(use)).toBe('constraint_failed');
      expect(codeOf(() => database.transaction<unknown>(use))).toBe('constraint_failed');
    }
    database.exec('INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)');
    expect(codeOf(() => database.transaction(() => database.setForeignKeys(false)))).toBe('internal');
    database.setForeignKeys(false);
    database.exec('DELETE FROM parent');
    expect(orphan.get()).toEqual([7]);
    expect(database.prepare('SELECT p FROM child').all()).toEqual([[1], [7]]);
    database.setForeignKeys(true);
    expect(codeOf(() => orphan.get())).toBe('constraint_failed');
    expect(database.prepare('PRAGMA foreign_key_check').all()).toHaveLength(2);
  });

  test('[DB-17] outside a transaction a deferred foreign key fails the statement itself, however it is run', () => {
    database.exec(
      'CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (p integer REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)',
    );
    const orphan = database.prepare('INSERT INTO child VALUES (7), (8) RETURNING p');
    for (const use of [() => orphan.all(), () => orphan.get(), () => orphan.run(), () => [...orphan.iterate()]])
      expect(codeOf(use)).toBe('constraint_failed');
    expect(database.prepare('SELECT count(*) FROM child').get()).toEqual([0]);
  });

  test('[DB-18] the schema is not trusted', () => {
    expect(database.prepare('PRAGMA trusted_schema').get()).toEqual([0]);
  });

  test('[DB-18] recursive triggers are on, so REPLACE fires delete triggers', () => {
    database.exec(
      'CREATE TABLE gone (a); CREATE TABLE r (id integer PRIMARY KEY, u UNIQUE); CREATE TRIGGER d AFTER DELETE ON r BEGIN INSERT INTO gone VALUES (old.id); END',
    );
    database.exec("INSERT INTO r VALUES (1, 'x'), (2, 'y')");
    database.exec("REPLACE INTO r VALUES (1, 'y')");
    expect(database.prepare('SELECT a FROM gone ORDER BY a').all()).toEqual([[1], [2]]);
  });

  test('[DB-19] constraint errors carry their code and SQLite’s words', () => {
    database.exec(
      "CREATE TABLE c (id integer PRIMARY KEY, n NOT NULL, k CHECK (k > 0), u UNIQUE, p REFERENCES c(id)) ; CREATE TABLE s (a integer) STRICT; CREATE TRIGGER r BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'keep it'); END",
    );
    insert('kept');
    database.exec('INSERT INTO c VALUES (1, 1, 1, 1, 1)');
    const cases: [string, string][] = [
      ['INSERT INTO c VALUES (1, 1, 1, 2, 1)', 'UNIQUE constraint failed: c.id'],
      ['INSERT INTO c VALUES (2, 1, 1, 1, 1)', 'UNIQUE constraint failed: c.u'],
      ['INSERT INTO c VALUES (2, NULL, 1, 2, 1)', 'NOT NULL constraint failed: c.n'],
      ['INSERT INTO c VALUES (2, 1, 0, 2, 1)', 'CHECK constraint failed: k > 0'],
      ['INSERT INTO c VALUES (2, 1, 1, 2, 9)', 'FOREIGN KEY constraint failed'],
      ["INSERT INTO s VALUES ('x')", 'cannot store TEXT value in INTEGER column s.a'],
      ['DELETE FROM t', 'keep it'],
    ];
    for (const [sql, message] of cases) {
      expect(thrownBy(() => database.prepare(sql).run())).toMatchObject({ code: 'constraint_failed', message });
      expect(thrownBy(() => database.exec(sql))).toMatchObject({ code: 'constraint_failed', message });
    }
    for (const [sql, message] of cases.slice(0, 6)) {
      expect(thrownBy(() => database.prepare(`${sql} RETURNING 1`).all())).toMatchObject({ code: 'constraint_failed', message });
    }
  });

  test('[DB-19] other errors are sql_failed and name the SQL', () => {
    for (const sql of [
      'SELEC 1',
      'SELECT * FROM nowhere',
      'SELECT nothing FROM t',
      'INSERT INTO t VALUES (1, 2)',
      'SELECT (',
      "SELECT 'unterminated",
      'SELECT no_such_function()',
    ]) {
      const error = thrownBy(() => database.prepare(sql));
      expect(error).toMatchObject({ code: 'sql_failed', message: expect.stringContaining(sql) });
    }
    expect(thrownBy(() => database.prepare("SELECT json('{')").get())).toMatchObject({
      code: 'sql_failed',
      message: expect.stringContaining('malformed JSON'),
    });
    database.exec('CREATE TABLE k (id integer PRIMARY KEY)');
    expect(codeOf(() => database.prepare('INSERT INTO k VALUES (?)').run(['text']))).toBe('sql_failed');
  });

  test('[DB-20] close is idempotent, ends an iteration, and everything after it is refused with `closed`', () => {
    insert(1);
    const select = database.prepare('SELECT a FROM t');
    const rows = select.iterate();
    rows.next();
    const unstarted = select.iterate();
    database.close();
    database.close();
    expect(rows.next().done).toBe(true);
    for (const use of [
      () => select.all(),
      () => select.get(),
      () => select.run(),
      () => select.columns,
      () => [...select.iterate()],
      () => [...unstarted],
      () => database.prepare('SELECT 1'),
      () => database.exec('SELECT 1'),
      () => database.transaction(() => 1),
      () => database.setForeignKeys(true),
    ]) {
      expect(codeOf(use)).toBe('closed');
    }
    expect(database.inTransaction).toBe(false);
  });

  test('[DB-11] an iteration ends with the transaction it was opened in', () => {
    insert(1);
    insert(2);
    const select = database.prepare('SELECT a FROM t');
    const left = database.transaction(() => {
      const rows = select.iterate();
      rows.next();
      return { rows };
    });
    expect(left.rows.next().done).toBe(true);
    expect(stored()).toEqual([1, 2]);
  });
}
