import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { defineRoom, mutator, query } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer, type ServerOptions } from '@alcove/server/node';
import { desc, eq, sql, sum } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const sales = sqliteTable('sales', {
  id: text().primaryKey(),
  seller: text().notNull(),
  country: text().notNull(),
  cents: integer().notNull(),
  at: integer({ mode: 'timestamp_ms' }).notNull(),
});
const shop = defineRoom({
  name: 'shop',
  schema: { sales },
  mutators: {
    sell: mutator(v.object({ id: v.string(), seller: v.string(), country: v.string(), cents: v.number() }), (tx, sale, ctx) =>
      tx
        .insert(sales)
        .values({ ...sale, at: new Date(ctx.now) })
        .run(),
    ),
  },
  queries: {
    revenueByCountry: query(v.nullish(v.object({ min: v.number() }), { min: 0 }), (db, { min }) =>
      db
        .select({ country: sales.country, cents: sum(sales.cents).mapWith(Number) })
        .from(sales)
        .groupBy(sales.country)
        .having(sql`sum(${sales.cents}) >= ${min}`)
        .orderBy(desc(sum(sales.cents))),
    ),
  },
  rules: { sales: { visibleTo: (row, claims) => eq(row.seller, String(claims.sub)) } },
});

let dataDir = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-server-sql-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true });
});

async function serve(options: Partial<ServerOptions<readonly [typeof shop]>> = {}) {
  const server = await createServer({
    rooms: [shop],
    dataDir,
    port: 0,
    signals: false,
    log: silentLogger,
    authenticate: (token) => (token === null ? null : { sub: token }),
    ...options,
  });
  ends.push(() => server.close());
  return server;
}

function enter(url: string, who: string) {
  const client = createClient({ url, rooms: [shop], auth: () => who });
  ends.push(() => client.close());
  return client.room(shop, 'berlin');
}

const sale = (seller: string, n: number, country = 'de') => ({ id: `${seller}-${n}`, seller, country, cents: n });

describe('room.sql', () => {
  it('[RD-41] of two people at once never misses a sale that its own tab has called', async () => {
    const { url } = await serve();
    const rounds = async (who: string) => {
      const room = enter(url, who);
      for (let n = 1; n <= 40; n++) {
        const called = room.mutate.sell(sale(who, n));
        const { rows, bookmark, replica } = await room.sql(sql<{ n: number }>`select count(*) as n from ${sales}`, { waitMs: 30_000 });
        expect(rows).toEqual([{ n }]);
        expect(replica).not.toBe('');
        await called.confirmed;
        // What was read once is never missing later.
        expect((await room.sql((db) => db.select({ id: sales.id }).from(sales), { at: bookmark })).rows).toHaveLength(n);
      }
    };
    await Promise.all([rounds('ada'), rounds('bo')]);
  });

  it('[RD-50] joins, windows, CTEs and JSON of what the user may see, mapped as the tab’s own queries are', async () => {
    const { url } = await serve();
    const [ada, bo] = [enter(url, 'ada'), enter(url, 'bo')];
    await Promise.all([
      ada.mutate.sell(sale('ada', 5)).confirmed,
      ada.mutate.sell(sale('ada', 7, 'fr')).confirmed,
      bo.mutate.sell(sale('bo', 100)).confirmed,
    ]);
    const { rows } = await ada.sql((db) => db.select().from(sales).orderBy(sales.cents));
    expect(rows).toEqual(await ada.read((db) => db.select().from(sales).orderBy(sales.cents)));
    expect(rows[0]?.at).toBeInstanceOf(Date);
    const ranked = await ada.sql(
      sql<{ id: string; place: number; parts: string }>`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3)
        select s.id, rank() over (order by s.cents desc) as place, (select json_group_array(i) from n) as parts from ${sales} s join ${sales} t on t.id = s.id order by place`,
    );
    expect(ranked.rows).toEqual([
      { id: 'ada-7', place: 1, parts: '[1,2,3]' },
      { id: 'ada-5', place: 2, parts: '[1,2,3]' },
    ]);
  });

  it('[RD-51] of a named query runs the server’s SQL under the user’s rules', async () => {
    const { url } = await serve({ authorize: (_claims, action) => action.kind !== 'sql' || action.query !== null });
    const [ada, bo] = [enter(url, 'ada'), enter(url, 'bo')];
    ada.mutate.sell(sale('ada', 5));
    ada.mutate.sell(sale('ada', 7, 'fr'));
    await bo.mutate.sell(sale('bo', 100)).confirmed;
    expect((await ada.sql.revenueByCountry()).rows).toEqual([
      { country: 'fr', cents: 7 },
      { country: 'de', cents: 5 },
    ]);
    expect((await ada.sql.revenueByCountry({ min: 6 })).rows).toEqual([{ country: 'fr', cents: 7 }]);
    expect((await bo.sql.revenueByCountry()).rows).toEqual([{ country: 'de', cents: 100 }]);
    await expect(ada.sql(sql`select 1`)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('[RD-45] rejects with the server’s code, and the room goes on', async () => {
    const { url } = await serve();
    const ada = enter(url, 'ada');
    await expect(ada.sql(sql`select * from sqlite_master`)).rejects.toMatchObject({ code: expect.stringMatching(/^sql_/) });
    await expect(ada.sql(sql`select nothing from ${sales}`)).rejects.toMatchObject({ code: 'sql_failed' });
    const ended = new AbortController();
    const endless = ada.sql(sql`with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n`, {
      signal: ended.signal,
    });
    await ada.mutate.sell(sale('ada', 1)).confirmed;
    ended.abort();
    await expect(endless).rejects.toMatchObject({ code: 'closed' });
    expect((await ada.sql(sql`select id from ${sales}`)).rows).toEqual([{ id: 'ada-1' }]);
  });

  it('[RD-10] is told where a server has no sandbox', async () => {
    const { url } = await serve({ readers: 0 });
    await expect(enter(url, 'ada').sql(sql`select 1`)).rejects.toMatchObject({ code: 'sql_unavailable', retryable: false });
  });

  it('[RD-44] outlives a server that is started anew', async () => {
    const first = await serve();
    const port = Number(new URL(first.url).port);
    const ada = enter(first.url, 'ada');
    await ada.mutate.sell(sale('ada', 3)).confirmed;
    await first.close();
    const waits = ada.sql(sql`select cents from ${sales}`, { waitMs: 60_000 });
    await serve({ port });
    expect((await waits).rows).toEqual([{ cents: 3 }]);
  });
});

describe('a server query', () => {
  it('[RD-57] live, shows what others wrote', async () => {
    const { url } = await serve();
    const [ada, twin] = [enter(url, 'ada'), enter(url, 'ada')];
    const query = ada.serverQuery('revenueByCountry', undefined, { live: { debounceMs: 10 } });
    ends.push(query.subscribe(() => undefined));
    await vi.waitFor(() => expect(query.getSnapshot()).toMatchObject({ status: 'current', data: [] }), { timeout: 20_000 });
    for (let n = 1; n <= 20; n++) twin.mutate.sell(sale('ada', n));
    await vi.waitFor(() => expect(query.getSnapshot()).toMatchObject({ status: 'current', data: [{ country: 'de', cents: 210 }] }), {
      timeout: 20_000,
    });
    expect(query.getSnapshot()).toMatchObject({ isFetching: false, truncated: false, lagVersions: 0, error: undefined });
  });
});
