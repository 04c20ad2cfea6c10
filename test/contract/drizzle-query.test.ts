import type { Database, SqlValue } from '@alcove/core/sqlite/database';
import { type BuiltQuery, queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import type { SyncDrizzle } from '@alcove/core/sqlite/drizzle';
import type { MutatorTx } from '@alcove/core/schema/define-mutator';
import { count, eq, sql } from 'drizzle-orm';
import { blob, integer, sqliteTable, text, union } from 'drizzle-orm/sqlite-core';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { codeOf } from './code-of.ts';
import { engines } from './engines.ts';

const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  city: text().notNull(),
  visited: integer({ mode: 'boolean' }).notNull(),
  at: integer({ mode: 'timestamp_ms' }),
  photo: blob(),
});
const notes = sqliteTable('notes', { id: text().primaryKey(), stopId: text('stop_id').notNull(), body: text() });

const db = sessionlessDrizzle();

describe.each(engines)('built queries on $name', ({ open }) => {
  let database: Database;
  beforeEach(async () => {
    database = await open();
    database.exec(`CREATE TABLE stops (id text PRIMARY KEY, city text NOT NULL, visited integer NOT NULL, at integer, photo blob);
      CREATE TABLE notes (id text PRIMARY KEY, stop_id text NOT NULL, body text);
      INSERT INTO stops VALUES ('a', 'Oslo', 1, 1793528430456, x'0102'), ('b', 'Rome', 0, NULL, NULL);
      INSERT INTO notes VALUES ('1', 'a', NULL), ('2', 'a', 'x');`);
  });
  afterEach(() => database.close());

  /** As a page and a worker do it between them. */
  function answer<T>({ sql: text, params, map }: BuiltQuery<T>): T[] {
    const statement = database.prepare(text);
    return map(structuredClone(statement.all(params)), statement.columns);
  }

  test('[DB-31] the rows of a select come back as its types say', () => {
    const rows = answer(queryOf(db.select().from(stops).orderBy(stops.id)));
    expectTypeOf(rows).toEqualTypeOf<{ id: string; city: string; visited: boolean; at: Date | null; photo: unknown }[]>();
    expect(rows).toEqual([
      { id: 'a', city: 'Oslo', visited: true, at: new Date(1793528430456), photo: new Uint8Array([1, 2]) },
      { id: 'b', city: 'Rome', visited: false, at: null, photo: null },
    ]);
  });

  test('[DB-31] joins, expressions, unions and parameters travel too', () => {
    const joined = answer(queryOf(db.select().from(stops).leftJoin(notes, eq(notes.stopId, stops.id)).where(eq(stops.visited, false))));
    expectTypeOf(joined).toExtend<{ stops: { id: string }; notes: { body: string | null } | null }[]>();
    expect(joined).toEqual([{ stops: { id: 'b', city: 'Rome', visited: false, at: null, photo: null }, notes: null }]);
    const counted = answer(
      queryOf(
        db
          .select({ city: stops.city, n: count(notes.id), twice: sql<number>`${2} * ${count(notes.id)}` })
          .from(stops)
          .leftJoin(notes, eq(notes.stopId, stops.id))
          .groupBy(stops.id)
          .orderBy(stops.id),
      ),
    );
    expectTypeOf(counted).toEqualTypeOf<{ city: string; n: number; twice: number }[]>();
    expect(counted).toEqual([
      { city: 'Oslo', n: 2, twice: 4 },
      { city: 'Rome', n: 0, twice: 0 },
    ]);
    const ids = answer(
      queryOf(union(db.select({ id: stops.id }).from(stops), db.select({ id: notes.id }).from(notes)).orderBy(sql`1 desc`)),
    );
    expectTypeOf(ids).toEqualTypeOf<{ id: string }[]>();
    expect(ids.map(({ id }) => id)).toEqual(['b', 'a', '2', '1']);
    const { sql: text, params } = queryOf(db.select({ id: stops.id }).from(stops).where(eq(stops.visited, true)).limit(3));
    expect([text, params]).toEqual(['select "id" from "stops" where "stops"."visited" = ? limit ?', [1, 3]]);
  });

  test('[DB-31] sql`…` gives objects by column name', () => {
    const rows = answer(queryOf(sql<{ city: string; long: number }>`select city, length(city) > ${3} as long from stops order by city`));
    expectTypeOf(rows).toEqualTypeOf<{ city: string; long: number }[]>();
    expect(rows).toEqual([
      { city: 'Oslo', long: 1 },
      { city: 'Rome', long: 1 },
    ]);
    const untyped = answer(queryOf(sql`with x as (select ${true} as yes) select yes, count(*) n from x`));
    expectTypeOf(untyped).toEqualTypeOf<Record<string, SqlValue>[]>();
    expect(untyped).toEqual([{ yes: 1, n: 1 }]);
    expect(answer(queryOf(sql`select 1 as ${sql.identifier('__proto__')}`)).map((row) => Object.entries(row))).toEqual([
      [['__proto__', 1]],
    ]);
  });
});

describe('what is no query', () => {
  test('[DB-31] promises, other values, writes, several statements and odd parameters are refused with query_invalid', () => {
    const refused: unknown[] = [
      Promise.resolve(db.select().from(stops)),
      (async () => db.select().from(stops))(),
      undefined,
      null,
      'select 1',
      5,
      {},
      () => db.select().from(stops),
      db.insert(stops).values({ id: 'x', city: 'y', visited: true }),
      db.update(stops).set({ city: 'x' }),
      db.delete(stops).returning(),
      sql`delete from stops`,
      sql`with x as (select 1) update stops set city = 'x'`,
      sql`pragma user_version`,
      sql`begin`,
      sql`select 1; select 2`,
      sql``,
      sql`select ${new Date()}`,
      sql`select ${'\0'}`,
      db
        .select()
        .from(stops)
        .where(eq(stops.id, sql.placeholder('id'))),
      db.select({ n: sql`${Array.from({ length: 101 }, () => sql`${1}`)}` }).from(stops),
    ];
    for (const [index, query] of refused.entries()) expect([index, codeOf(() => queryOf(query))]).toEqual([index, 'query_invalid']);
  });

  test.each([
    [
      'write',
      sql`delete from stops`,
      'a query only reads, but this one starts with DELETE',
      'Ask by SELECT, WITH or VALUES; write through a mutator.',
    ],
    [
      'are two statements',
      sql`select 1; select 2`,
      '2 statements where a query is one',
      'Ask for one at a time, or join them with UNION ALL.',
    ],
  ])('[DB-31] those that %s are told in words that fit', (_, query, message, hint) => {
    expect(() => queryOf(query)).toThrow(
      expect.objectContaining({ code: 'query_invalid', message: expect.stringContaining(message), hint }),
    );
  });

  test('[DB-31] the building database runs nothing', async () => {
    for (const run of [
      () => db.select().from(stops).all(),
      () => db.insert(stops).values({ id: 'x', city: 'y', visited: true }).run(),
      () => db.get(sql`select 1`),
      () => db.transaction(() => 1),
    ]) {
      expect(codeOf(run)).toBe('query_invalid');
    }
    await expect(Promise.resolve(db.select().from(stops))).rejects.toMatchObject({ code: 'query_invalid' });
  });

  test('[DB-23] the tx is what mutators are typed with, and is synchronous', () => {
    expectTypeOf<SyncDrizzle>().toExtend<MutatorTx>();
    expectTypeOf<MutatorTx>().toExtend<SyncDrizzle>();
    const typed = (tx: MutatorTx) => ({
      rows: tx.select().from(stops).all(),
      one: tx.select({ city: stops.city }).from(stops).get(),
      changes: tx.insert(stops).values({ id: 'a', city: 'b', visited: true }).run(),
      returned: tx.update(stops).set({ city: 'x' }).returning({ id: stops.id }).all(),
      nested: tx.transaction((inner) => inner.select({ visited: stops.visited }).from(stops).all()),
    });
    expectTypeOf<ReturnType<typeof typed>>().toEqualTypeOf<{
      rows: { id: string; city: string; visited: boolean; at: Date | null; photo: unknown }[];
      one: { city: string } | undefined;
      changes: { changes: number };
      returned: { id: string }[];
      nested: { visited: boolean }[];
    }>();
    // @ts-expect-error a column of another type
    expect(() => db.insert(stops).values({ id: 1, city: 'b', visited: true }).toSQL()).not.toThrow();
  });
});
