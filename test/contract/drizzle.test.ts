import type { Database } from '@alcove/core/sqlite/database';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import { mutatorTx } from '@alcove/core/sqlite/mutator-tx';
import { alias, blob, integer, numeric, real, sqliteTable, text, union } from 'drizzle-orm/sqlite-core';
import { and, asc, avg, count, desc, eq, exists, gt, inArray, isNull, lt, max, ne, sql, sum } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { engines } from './engines.ts';

const people = sqliteTable('people', {
  id: text().primaryKey(),
  name: text().notNull(),
  bossId: text('boss_id'),
  active: integer({ mode: 'boolean' }).notNull().default(true),
  born: integer({ mode: 'timestamp' }),
  seen: integer({ mode: 'timestamp_ms' }),
  tags: text({ mode: 'json' }).$type<string[]>(),
  photo: blob({ mode: 'buffer' }),
  weight: real(),
  score: numeric({ mode: 'number' }),
});
const notes = sqliteTable('notes', { id: text().primaryKey(), personId: text('person_id'), body: text(), stars: integer() });

const DDL = `
  CREATE TABLE people (id text PRIMARY KEY, name text NOT NULL, boss_id text, active integer NOT NULL DEFAULT 1, born integer, seen integer,
    tags text, photo blob, weight real, score numeric);
  CREATE TABLE notes (id text PRIMARY KEY, person_id text REFERENCES people(id), body text, stars integer);`;

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
  }
  return 'nothing thrown';
};

describe.each(engines)('Drizzle on $name', ({ open }) => {
  let database: Database;
  let tx: SyncDrizzle;
  let statements: string[];
  beforeEach(async () => {
    database = await open();
    database.exec(DDL);
    statements = [];
    tx = mutatorTx(database, { beforeStatement: (text) => statements.push(text) });
  });
  afterEach(() => database.close());

  const inTransaction = (fn: () => void): void => {
    let ran = false;
    database.transaction(() => {
      fn();
      ran = true;
    });
    expect(ran).toBe(true);
  };
  const seed = (): void => {
    tx.insert(people)
      .values([
        { id: 'a', name: 'Ada', weight: 60.5, score: 3 },
        { id: 'b', name: 'Bob', bossId: 'a', active: false, weight: 71 },
      ])
      .run();
    tx.insert(people).values({ id: 'c', name: 'Cy', bossId: 'a' }).run();
    tx.insert(notes)
      .values([
        { id: '1', personId: 'a', body: null, stars: 2 },
        { id: '2', personId: 'a', body: 'x', stars: 5 },
        { id: '3', personId: 'b', body: 'y', stars: 1 },
      ])
      .run();
  };

  test('[DB-23] maps booleans, both timestamps, JSON, blobs and numbers there and back', () => {
    const row = {
      id: 'z',
      name: 'Zoë 👩‍🚀',
      bossId: null,
      active: false,
      born: new Date('1990-05-01T10:20:30Z'),
      seen: new Date('2026-11-01T10:20:30.456Z'),
      tags: ['a', '"', 'ü'],
      photo: new Uint8Array([0, 255, 1]),
      weight: 1.5,
      score: 12.25,
    };
    inTransaction(() => {
      // @ts-expect-error Drizzle types a blob as Buffer, which browsers do not have; a Uint8Array is what goes in and comes out
      expect(tx.insert(people).values(row).run()).toEqual({ changes: 1 });
      expect(tx.select().from(people).get()).toEqual(row);
      expect(tx.select().from(people).values()).toEqual([
        ['z', 'Zoë 👩‍🚀', null, 0, 641557230, 1793528430456, '["a","\\"","ü"]', new Uint8Array([0, 255, 1]), 1.5, 12.25],
      ]);
      expect(Object.getPrototypeOf(tx.select({ photo: people.photo }).from(people).get()?.photo)).toBe(Uint8Array.prototype);
    });
  });

  test('[DB-23] binds booleans in sql`…` as 0 and 1 and refuses what has no column to map it', () => {
    inTransaction(() => {
      expect(tx.get(sql`select ${true} as t, ${false} as f, typeof(${true}) as kind`)).toEqual({ t: 1, f: 0, kind: 'integer' });
      expect(codeOf(() => tx.get(sql`select ${new Date()}`))).toBe('sql_failed');
      expect(codeOf(() => tx.get(sql`select ${{ a: 1 }}`))).toBe('sql_failed');
      expect(codeOf(() => tx.get(sql`select ${5n}`))).toBe('sql_failed');
      expect(codeOf(() => tx.insert(people).values({ id: 'x', name: 'half \ud800' }).run())).toBe('sql_failed');
    });
  });

  test('[DB-24] inserts, upserts, updates, deletes and returns rows', () => {
    inTransaction(() => {
      expect(tx.insert(people).values({ id: 'a', name: 'Ada' }).returning({ id: people.id, active: people.active }).get()).toEqual({
        id: 'a',
        active: true,
      });
      expect(tx.insert(people).values({ id: 'a', name: 'Eve' }).onConflictDoNothing().run()).toEqual({ changes: 0 });
      expect(tx.insert(people).values({ id: 'a', name: 'Eve' }).onConflictDoNothing().returning().all()).toEqual([]);
      tx.insert(people)
        .values({ id: 'a', name: 'Ann' })
        .onConflictDoUpdate({ target: people.id, set: { name: sql`excluded.name || '!'` } })
        .run();
      expect(tx.select({ name: people.name }).from(people).all()).toEqual([{ name: 'Ann!' }]);
      expect(
        tx
          .update(people)
          .set({ name: 'Liz', active: false })
          .where(eq(people.id, 'a'))
          .returning({ name: people.name, active: people.active })
          .all(),
      ).toEqual([{ name: 'Liz', active: false }]);
      expect(tx.update(people).set({ name: 'no' }).where(eq(people.id, 'nobody')).run()).toEqual({ changes: 0 });
      expect(codeOf(() => tx.insert(people).values({ id: 'a', name: 'dup' }).run())).toBe('constraint_failed');
      expect(codeOf(() => tx.run(sql`insert into people (id) values ('q')`))).toBe('constraint_failed');
      expect(tx.delete(people).where(eq(people.id, 'a')).returning({ id: people.id }).all()).toEqual([{ id: 'a' }]);
      expect(tx.select().from(people).all()).toEqual([]);
    });
  });

  test('[DB-24] selects with joins and groups', () => {
    inTransaction(() => {
      seed();
      const boss = alias(people, 'boss');
      expect(
        tx.select({ name: people.name, boss: boss.name }).from(people).innerJoin(boss, eq(people.bossId, boss.id)).orderBy(people.id).all(),
      ).toEqual([
        { name: 'Bob', boss: 'Ada' },
        { name: 'Cy', boss: 'Ada' },
      ]);
      expect(
        tx
          .select({ id: people.id, n: count(notes.id), stars: sum(notes.stars), best: max(notes.stars), mean: avg(notes.stars) })
          .from(people)
          .leftJoin(notes, eq(notes.personId, people.id))
          .groupBy(people.id)
          .having(gt(count(notes.id), 0))
          .orderBy(asc(people.id))
          .all(),
      ).toEqual([
        { id: 'a', n: 2, stars: '7', best: 5, mean: '3.5' },
        { id: 'b', n: 1, stars: '1', best: 1, mean: '1' },
      ]);
    });
  });

  test('[DB-24] selects from CTEs and subqueries', () => {
    inTransaction(() => {
      seed();
      const heavy = tx.$with('heavy').as(tx.select({ id: people.id, w: people.weight }).from(people).where(gt(people.weight, 61)));
      expect(tx.with(heavy).select().from(heavy).all()).toEqual([{ id: 'b', w: 71 }]);
      const starred = tx
        .select({ personId: notes.personId, n: count().as('n') })
        .from(notes)
        .groupBy(notes.personId)
        .as('starred');
      expect(
        tx
          .select({ name: people.name, n: starred.n })
          .from(people)
          .innerJoin(starred, eq(starred.personId, people.id))
          .orderBy(desc(starred.n))
          .all(),
      ).toEqual([
        { name: 'Ada', n: 2 },
        { name: 'Bob', n: 1 },
      ]);
      expect(
        tx
          .select({ id: people.id })
          .from(people)
          .where(and(isNull(people.weight), ne(people.id, 'a')))
          .all(),
      ).toEqual([{ id: 'c' }]);
      expect(
        tx
          .select({ id: people.id })
          .from(people)
          .where(
            exists(
              tx
                .select()
                .from(notes)
                .where(and(eq(notes.personId, people.id), lt(notes.stars, 2))),
            ),
          )
          .all(),
      ).toEqual([{ id: 'b' }]);
    });
  });

  test('[DB-24] selects with limits, unions, windows and recursive CTEs', () => {
    inTransaction(() => {
      seed();
      expect(
        tx
          .select({ id: people.id })
          .from(people)
          .where(inArray(people.id, ['a', 'c']))
          .limit(1)
          .offset(1)
          .orderBy(people.id)
          .all(),
      ).toEqual([{ id: 'c' }]);
      expect(
        union(tx.select({ id: people.id }).from(people), tx.select({ id: notes.id }).from(notes))
          .orderBy(sql`1`)
          .limit(2)
          .all(),
      ).toEqual([{ id: '1' }, { id: '2' }]);
      expect(
        tx
          .select({ id: notes.id, place: sql<number>`row_number() over (order by ${notes.stars} desc)`.mapWith(Number) })
          .from(notes)
          .orderBy(notes.id)
          .all(),
      ).toEqual([
        { id: '1', place: 2 },
        { id: '2', place: 1 },
        { id: '3', place: 3 },
      ]);
      expect(
        tx.all(sql`with recursive up(n) as (select 1 union all select n + 1 from up where n < 3) select n, n * ${2} as twice from up`),
      ).toEqual([
        { n: 1, twice: 2 },
        { n: 2, twice: 4 },
        { n: 3, twice: 6 },
      ]);
    });
  });

  test('[DB-24] an outer-joined table is null only where all its columns are', () => {
    inTransaction(() => {
      seed();
      const rows = tx
        .select({ id: people.id, note: { body: notes.body, stars: notes.stars } })
        .from(people)
        .leftJoin(notes, eq(notes.personId, people.id))
        .orderBy(people.id, notes.id)
        .all();
      expect(rows).toEqual([
        { id: 'a', note: { body: null, stars: 2 } },
        { id: 'a', note: { body: 'x', stars: 5 } },
        { id: 'b', note: { body: 'y', stars: 1 } },
        { id: 'c', note: null },
      ]);
      expect(tx.select().from(people).leftJoin(notes, eq(notes.personId, people.id)).where(eq(people.id, 'c')).all()).toMatchObject([
        { people: { id: 'c', name: 'Cy' }, notes: null },
      ]);
    });
  });

  test('[DB-25] tx.transaction nests and rolls back alone', () => {
    inTransaction(() => {
      tx.insert(people).values({ id: 'a', name: 'Ada' }).run();
      expect(() =>
        tx.transaction((inner) => {
          inner.insert(people).values({ id: 'b', name: 'Bob' }).run();
          inner.transaction((deepest) => deepest.insert(people).values({ id: 'c', name: 'Cy' }).run());
          inner.rollback();
        }),
      ).toThrow();
      expect(tx.transaction((inner) => inner.insert(people).values({ id: 'd', name: 'Di' }).run())).toEqual({ changes: 1 });
      expect(tx.select({ id: people.id }).from(people).all()).toEqual([{ id: 'a' }, { id: 'd' }]);
    });
  });

  test('[DB-26] a statement outside the transaction, such as an awaited builder runs, is refused and does nothing', async () => {
    expect(codeOf(() => tx.insert(people).values({ id: 'a', name: 'Ada' }).run())).toBe('mutator_async');
    let late: PromiseLike<unknown> | undefined;
    inTransaction(() => {
      late = tx.insert(people).values({ id: 'b', name: 'Bob' });
    });
    await expect(Promise.resolve(late)).rejects.toMatchObject({ code: 'mutator_async' });
    await expect(Promise.resolve(tx.$count(people))).rejects.toMatchObject({ code: 'mutator_async' });
    expect(database.prepare('SELECT count(*) FROM people').get()).toEqual([0]);
  });

  test('[DB-27] a prepared builder and equal builders use one prepared statement', () => {
    inTransaction(() => {
      const byId = tx
        .select()
        .from(people)
        .where(eq(people.id, sql.placeholder('id')))
        .prepare();
      seed();
      expect(byId.get({ id: 'a' })?.name).toBe('Ada');
      expect(byId.all({ id: 'nobody' })).toEqual([]);
      expect(codeOf(() => byId.get({}))).toBe('sql_failed');
      const before = new Set(statements).size;
      for (const id of ['k', 'l', 'm']) tx.insert(people).values({ id, name: id }).run();
      expect(new Set(statements).size).toBe(before + 1);
      const [first, second] = [database.prepare(statements.at(-1) ?? ''), database.prepare(statements.at(-1) ?? '')];
      expect(first).toBe(second);
    });
  });

  test('[DB-28] hooks see each statement, its rows and its changes, and can stop it', () => {
    const results: unknown[] = [];
    const seen: unknown[] = [];
    const watched = mutatorTx(database, {
      beforeStatement: (text, params) => {
        if (text.includes('delete')) throw new Error('stop');
        seen.push(params);
      },
      afterStatement: (result) => results.push(result),
    });
    inTransaction(() => {
      watched
        .insert(notes)
        .values([{ id: '1' }, { id: '2', stars: 3 }])
        .run();
      watched.update(notes).set({ stars: 1 }).returning().get();
      watched.select().from(notes).all();
      expect(() => watched.delete(notes).run()).toThrow('stop');
      expect(watched.select().from(notes).where(eq(notes.id, '1')).get()).toBeDefined();
    });
    expect(results).toEqual([
      { changes: 2, rows: 0 },
      { changes: 2, rows: 1 },
      { changes: 0, rows: 2 },
      { changes: 0, rows: 1 },
    ]);
    expect(seen).toEqual([['1', '2', 3], [1], [], ['1']]);
  });

  test('[DB-29] more than 100 parameters are refused with the way round', () => {
    inTransaction(() => {
      const rows = Array.from({ length: 101 }, (_, index) => ({ id: `n${index}` }));
      expect(tx.insert(notes).values(rows.slice(1)).run()).toEqual({ changes: 100 });
      expect(codeOf(() => tx.insert(notes).values(rows).run())).toBe('sql_failed');
      expect(
        tx
          .select({ n: count() })
          .from(notes)
          .where(sql`${notes.id} in (select value from json_each(${JSON.stringify(rows.map(({ id }) => id))}))`)
          .get(),
      ).toEqual({ n: 100 });
    });
  });
});
