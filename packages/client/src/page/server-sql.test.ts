import { AlcoveError } from '@alcove/core/error';
import { type Bookmark, bookmarkOf } from '@alcove/core/protocol/bookmark';
import { query } from '@alcove/core/schema/define-query';
import { defineRoom } from '@alcove/core/schema/define-room';
import { mutator } from '@alcove/core/schema/define-mutator';
import { desc, eq, inArray, sql, sum } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ScriptedEngine } from '../../../../test/fake/scripted-engine.ts';
import { serverRows } from '../../../../test/fake/server-answers.ts';
import { Client } from '../client.ts';
import type { ServerReadOptions, ServerResult } from './server-sql.ts';

const sales = sqliteTable('sales', {
  id: text().primaryKey(),
  country: text().notNull(),
  cents: integer().notNull(),
  atMs: integer('at_ms', { mode: 'timestamp_ms' }).notNull(),
});
const shop = defineRoom({
  name: 'shop',
  schema: { sales },
  mutators: { sell: mutator(v.object({ id: v.string() }), () => undefined) },
  queries: {
    byCountry: query(v.object({ country: v.pipe(v.string(), v.minLength(2)), top: v.optional(v.number(), 10) }), (db, { country, top }) =>
      db.select().from(sales).where(eq(sales.country, country)).orderBy(desc(sales.cents)).limit(top),
    ),
    total: query((db) => db.select({ cents: sum(sales.cents).mapWith(Number) }).from(sales)),
    // Longer than what a page may send of its own.
    longOne: query(() => sql<{ n: number }>`select 1 as n /* ${sql.raw('x'.repeat(11_000))} */`),
    perDay: query(
      v.object({ from: v.number() }),
      (_, { from }) =>
        sql<{
          day: string;
          n: number;
        }>`select to_char(to_timestamp(at_ms / 1000), 'YYYY-MM-DD') as day, count(*) as n from ${sales} where at_ms >= ${from} group by 1`,
      { dialect: 'postgres' },
    ),
    // @ts-expect-error a builder is SQLite's
    noSql: query((db) => db.select().from(sales), { dialect: 'postgres' }),
  },
});

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
function open({ start = true } = {}) {
  const engine = new ScriptedEngine();
  const runtime = new FakeRuntime();
  const client = new Client({ url: 'ws://localhost:1/sync' }, { runtime, host: engine });
  clients.push(client);
  const room = start ? client.room(shop, 'berlin') : client.prepare(shop, 'berlin');
  return { engine, runtime, client, room };
}

const errorOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Promises have settled. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('room.sql', () => {
  it('[RD-50] maps rows where the query was built, and says who found them', async () => {
    const { engine, room } = open();
    const answer = room.sql((db) => db.select().from(sales).where(eq(sales.country, 'de')));
    await settled();
    expect(engine.reads[0]?.read).toEqual({
      ask: { sql: expect.stringContaining('"country" = ?'), params: ['de'] },
      at: null,
      waitMs: 2_000,
      route: {},
    });
    engine.reads[0]?.resolve(serverRows(['id', 'country', 'cents', 'at_ms'], [['s1', 'de', 250, 1_000]], 7, { truncated: true }));
    await expect(answer).resolves.toEqual({
      rows: [{ id: 's1', country: 'de', cents: 250, atMs: new Date(1_000) }],
      truncated: true,
      bookmark: bookmarkOf({ historyId: 'h', version: 7 }),
      replica: 'reader-1',
      lagVersions: 0,
      lagMs: 0,
      tookMs: 2,
    });
    const raw = room.sql(sql<{ n: number }>`select count(*) as n from ${sales}`, {
      at: 'any',
      waitMs: 0,
      region: 'eu',
      purpose: 'analytics',
      priority: 'low',
      preferPrimary: false,
    });
    expect(engine.reads[1]?.read).toMatchObject({
      at: 'any',
      waitMs: 0,
      route: { region: 'eu', purpose: 'analytics', priority: 'low', preferPrimary: false },
    });
    engine.reads[1]?.resolve(serverRows(['n'], [[3]]));
    expect((await raw).rows).toEqual([{ n: 3 }]);
  });

  it('[RD-51] sends of a named query its name and arguments, as they were given, and maps its rows', async () => {
    const { engine, room } = open();
    const rows = room.sql.byCountry({ country: 'de' }, { at: 'any' });
    expect(engine.reads[0]?.read.ask).toEqual({ query: 'byCountry', args: { country: 'de' } });
    engine.reads[0]?.resolve(serverRows(['id', 'country', 'cents', 'at_ms'], [['s1', 'de', 1, 5]]));
    expect((await rows).rows[0]?.atMs).toEqual(new Date(5));
    const total = room.sql.total(undefined, { at: 'any' });
    expect(engine.reads[1]?.read.ask).toEqual({ query: 'total', args: null });
    engine.reads[1]?.resolve(serverRows(['cents'], [['250']]));
    expect((await total).rows).toEqual([{ cents: 250 }]);
    void room.sql.longOne(undefined, { at: 'any' });
    expect(engine.reads[2]?.read.ask).toEqual({ query: 'longOne', args: null });
    engine.reads[2]?.resolve(serverRows(['n'], []));
  });

  it('[RD-85] sends of a query of PostgreSQL its name and arguments, and maps its rows by their names', async () => {
    const { engine, room } = open();
    const rows = room.sql.perDay({ from: 5 }, { at: 'any' });
    expect(engine.reads[0]?.read.ask).toEqual({ query: 'perDay', args: { from: 5 } });
    engine.reads[0]?.resolve(serverRows(['day', 'n'], [['2027-01-01', 2]]));
    expectTypeOf(rows).resolves.toHaveProperty('rows').toEqualTypeOf<readonly { day: string; n: number }[]>();
    expect((await rows).rows).toEqual([{ day: '2027-01-01', n: 2 }]);
    await expect(room.sql.noSql(undefined, { at: 'any' })).rejects.toMatchObject({ code: 'query_invalid' });
  });

  it('[RD-52] refuses here what a server would refuse, without asking it', async () => {
    const { engine, room } = open();
    const wrong: [() => Promise<unknown>, code: string, said: RegExp | string][] = [
      [() => room.sql(sql.raw(`select '${'x'.repeat(10_000)}'`)), 'query_invalid', /10,?009 characters; a server takes 10000/],
      [
        () =>
          room.sql((db) =>
            db
              .select()
              .from(sales)
              .where(inArray(sales.id, Array.from({ length: 101 }, String))),
          ),
        'query_invalid',
        /parameter 101/,
      ],
      [() => room.sql(sql`delete from sales`), 'query_invalid', /DELETE/],
      [() => room.sql(sql`select 1; select 2`), 'query_invalid', /statement/],
      // @ts-expect-error the length of a country is checked by its validator alone, its type is not
      [() => room.sql.byCountry({ country: 1 }), 'arguments_invalid', /byCountry at country/],
      [() => room.sql.byCountry({ country: 'd' }), 'arguments_invalid', /byCountry at country/],
      [() => room.sql(sql`select 1`, { at: 'b7' as Bookmark }), 'query_invalid', /no bookmark/],
      [() => room.sql(sql`select 1`, { waitMs: 60_001 }), 'option_invalid', /waitMs .* 0 to 60000, and is 60001/],
      [() => room.sql(sql`select 1`, { region: '' }), 'option_invalid', /region/],
      // @ts-expect-error no such priority
      [() => room.sql(sql`select 1`, { priority: 'urgent' }), 'option_invalid', /priority/],
      // @ts-expect-error no such option
      [() => room.sql(sql`select 1`, { waitms: 1 }), 'option_invalid', 'room.sql takes no "waitms": did you mean waitMs?'],
      // @ts-expect-error no signal
      [() => room.sql(sql`select 1`, { signal: true }), 'option_invalid', /AbortSignal/],
    ];
    for (const [call, code, message] of wrong)
      await expect(call()).rejects.toMatchObject({ code, message: typeof message === 'string' ? message : expect.stringMatching(message) });
    expect(engine.reads).toEqual([]);
  });

  it('[RD-53] is asked again by the next worker, behind what was called before it', async () => {
    const { engine, room } = open();
    room.mutate.sell({ id: 's1' });
    const answer = room.sql.total();
    // The first batch of mutations is on its way: it is not asked before the worker has them.
    expect(engine.reads).toEqual([]);
    await settled();
    expect(engine.reads.length).toBe(1);
    engine.die();
    engine.reads[0]?.reject(new AlcoveError('worker_failed', 'it died'));
    await settled();
    expect(engine.reads.length).toBe(2);
    expect(engine.reads[1]?.read).toEqual(engine.reads[0]?.read);
    engine.reads[1]?.resolve(serverRows(['cents'], [['1']]));
    expect((await answer).rows).toEqual([{ cents: 1 }]);
  });

  it('[RD-53] fails where no worker gets to it in all its time, and where none can be had', async () => {
    const { engine, runtime, room } = open({ start: false });
    const waits = errorOf(room.sql.total(undefined, { waitMs: 1_000 }));
    await settled();
    await runtime.time.advanceAsync(36_000);
    expect(await waits).toMatchObject({ code: 'worker_deadline', retryable: true });
    room.start();
    const told = errorOf(room.sql.total());
    engine.fail({ code: 'update_needed', message: 'two builds' });
    expect(await told).toMatchObject({ code: 'update_needed' });
    await expect(room.sql.total()).rejects.toMatchObject({ code: 'update_needed' });
    room.close();
    await expect(room.sql.total()).rejects.toMatchObject({ code: 'closed' });
  });

  it('[RD-53] keeps the code it failed with', async () => {
    const { engine, room } = open();
    const answer = room.sql.total(undefined, { at: 'latest' });
    engine.reads[0]?.reject(new AlcoveError('rate_limited', 'too many', { retryAfterMs: 7 }));
    await expect(answer).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 7 });
  });

  it('[RD-54] aborted, rejects with `closed`, and the engine is told', async () => {
    const { engine, room } = open();
    const abort = new AbortController();
    const answer = room.sql(sql`select 1`, { at: 'any', signal: abort.signal });
    abort.abort(new TypeError('left the page'));
    await expect(answer).rejects.toMatchObject({ code: 'closed', cause: { message: 'left the page' } });
    expect(engine.ordered('endServerRead')).toEqual([{ type: 'endServerRead', call: engine.reads[0]?.call }]);
    await expect(room.sql(sql`select 1`, { signal: abort.signal })).rejects.toMatchObject({ code: 'closed' });
    expect(engine.reads.length).toBe(1);
  });

  it('[RD-55] a bookmark is what this tab shows, null before there is anything', () => {
    const { engine, room } = open();
    expect(room.bookmark()).toBeNull();
    engine.live({ historyId: 'h', version: 12 });
    expect(room.bookmark()).toBe(bookmarkOf({ historyId: 'h', version: 12 }));
    void room.sql(sql`select 1`, { at: room.bookmark() }).catch(() => undefined);
    expect(engine.reads[0]?.read.at).toBe(room.bookmark());
  });
});

describe('room.sql is typed by the definition', () => {
  it('[RD-51] arguments, rows and options', () => {
    const { room } = open({ start: false });
    type Sale = typeof sales.$inferSelect;
    expectTypeOf(room.sql.byCountry).parameters.toEqualTypeOf<
      [args: { country: string; top?: number | undefined }, options?: ServerReadOptions | undefined]
    >();
    expectTypeOf(room.sql.byCountry).returns.resolves.toEqualTypeOf<ServerResult<Sale>>();
    expectTypeOf(room.sql.total).parameters.toEqualTypeOf<[args?: undefined, options?: ServerReadOptions | undefined]>();
    expectTypeOf(room.sql.total).returns.resolves.toEqualTypeOf<ServerResult<{ cents: number }>>();
    const build = async () => room.sql((db) => db.select({ id: sales.id }).from(sales));
    expectTypeOf(build).returns.resolves.toEqualTypeOf<ServerResult<{ id: string }>>();
    const raw = async () => room.sql(sql<{ n: number }>`select 1 as n`, { at: room.bookmark() });
    expectTypeOf(raw).returns.resolves.toEqualTypeOf<ServerResult<{ n: number }>>();
    // @ts-expect-error no such query
    expect(room.sql.byCity).toBeUndefined();
  });
});
