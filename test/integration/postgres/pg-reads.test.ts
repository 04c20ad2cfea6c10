import { type Client, createClient } from '@alcove/client/node';
import { mutator } from '@alcove/core/schema/define-mutator';
import { query } from '@alcove/core/schema/define-query';
import { defineRoom } from '@alcove/core/schema/define-room';
import { type AlcoveServer, createServer } from '@alcove/server/node';
import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import type { RouterSnapshot } from '../../../packages/server/src/read/router-snapshot.ts';
import { CollectingLogger } from '../../fake/collecting-logger.ts';
import { PgCluster } from './pg-cluster.ts';
import type { PgNode } from './pg-node.ts';
import { bareUrl } from './pg-world.ts';

const sales = sqliteTable('sales', {
  id: text().primaryKey(),
  country: text().notNull(),
  cents: integer().notNull(),
  atMs: integer('at_ms').notNull(),
});
const notes = sqliteTable('notes', { id: text().primaryKey(), body: text().notNull() });
const shop = defineRoom({
  name: 'shop',
  schema: { sales, notes },
  rules: {
    sales: { visibleTo: (row, claims) => (claims['all'] === true ? true : eq(row.country, String(claims['country']))) },
    notes: { visibleTo: (row, claims) => (claims['all'] === true ? true : sql`${row.body} LIKE ${'a%'}`) },
  },
  mutators: {
    sell: mutator(v.object({ id: v.string(), country: v.string(), cents: v.number(), atMs: v.number() }), (tx, row) => {
      tx.insert(sales).values(row).run();
    }),
  },
  queries: {
    perDay: query(
      v.object({ from: v.number() }),
      (_, { from }) => sql<{ day: string; cents: number; running: number }>`
        select to_char(to_timestamp(at_ms / 1000.0), 'YYYY-MM-DD') as day, sum(cents) as cents, sum(sum(cents)) over (order by min(at_ms)) as running
        from ${sales} where ${sales.atMs} >= ${from} group by 1 order by 1`,
      { dialect: 'postgres' },
    ),
    noted: query(() => sql<{ n: number }>`select count(*) as n from ${notes}`, { dialect: 'postgres' }),
    count: query((db) => db.select({ n: sql<number>`count(*)` }).from(sales)),
  },
});

type ShopServer = AlcoveServer<readonly [typeof shop]>;
const DAY = 86_400_000;
const adminToken = 'an-admin-token-of-this-test';
const followerToken = 'a-follower-token-of-this-test';
const directory = mkdtempSync(join(tmpdir(), 'alcove-pg-shop-'));
const log = new CollectingLogger();
const clients: Client[] = [];
let cluster: PgCluster;
let one: PgNode;
let two: PgNode;
let server: ShopServer;

function tab(claims: Record<string, unknown>) {
  const client = createClient({ url: server.url, rooms: [shop], auth: () => JSON.stringify(claims) });
  clients.push(client);
  return client.room(shop, 'berlin');
}

beforeAll(async () => {
  cluster = await PgCluster.start({ standbys: 2 });
  [one, two] = cluster.standbys as [PgNode, PgNode]; // two were asked for
  server = await createServer({
    rooms: [shop],
    dataDir: directory,
    port: 0,
    signals: false,
    log,
    admin: { token: adminToken },
    followers: { token: followerToken },
    authenticate: (token) => JSON.parse(token ?? 'null') as Record<string, unknown>,
    mirror: { url: cluster.primary.url, batchMs: 10 },
    replicas: {
      replicas: [one, two].map((node) => ({
        url: bareUrl(node),
        id: `pg-${node.port}`,
        pool: 4,
        connectTimeoutMs: 1_000,
        statementTimeoutMs: 4_000,
      })),
      strategy: 'round-robin',
      limits: { checkIntervalMs: 1_000, failoverTimeoutMs: 1_000, breakerOpenMs: 1_000, rampMs: 1 },
    },
  });
  for (const [at, country] of ['de', 'de', 'fr'].entries())
    await server.room(shop, 'berlin').mutate.sell({ id: `s${at}`, country, cents: 100 * (at + 1), atMs: at * DAY });
});

afterAll(async () => {
  for (const client of clients) client.close();
  await server?.close();
  await cluster?.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('[RD-85] queries of PostgreSQL', () => {
  test('are answered by standbys, with what the server has just written', async () => {
    const { rows } = await server.room(shop, 'berlin').sql.perDay({ from: 0 }, { waitMs: 10_000 });
    expectTypeOf(rows).toEqualTypeOf<readonly { day: string; cents: number; running: number }[]>();
    expect(rows).toEqual([
      { day: '1970-01-01', cents: 100, running: 100 },
      { day: '1970-01-02', cents: 200, running: 300 },
      { day: '1970-01-03', cents: 300, running: 600 },
    ]);
    const answered = new Set<string>();
    await vi.waitFor(async () => {
      answered.add((await server.room(shop, 'berlin').sql.perDay({ from: 0 }, { at: 'any' })).replica);
      expect([one, two].every(({ port }) => answered.has(`pg-${port}`))).toBe(true);
    }, 20_000);
    const raw = await server
      .room(shop, 'berlin')
      .sql(sql<{ country: string }>`select distinct country from ${sales} order by 1`, { dialect: 'postgres' });
    expect(raw.rows).toEqual([{ country: 'de' }, { country: 'fr' }]);
    expect((await server.room(shop, 'berlin').sql.count()).replica).toBe('readers');
  });

  test('show a user what the rules let them see, and go on from what they have just written', async () => {
    const room = tab({ sub: 'ada', country: 'de' });
    expect((await room.sql.perDay({ from: 0 })).rows.map(({ cents }) => cents)).toEqual([100, 200]);
    for (let round = 0; round < 5; round += 1) {
      room.mutate.sell({ id: `own${round}`, country: 'de', cents: 1, atMs: (10 + round) * DAY });
      expect((await room.sql.perDay({ from: 10 * DAY }, { waitMs: 10_000 })).rows).toHaveLength(round + 1);
    }
    const everything = tab({ sub: 'bo', all: true });
    expect((await everything.sql.perDay({ from: 0 }, { at: 'latest' })).rows).toHaveLength(8);
  });

  test('[RD-87] are refused over a table whose rules PostgreSQL cannot be told, to those whom they concern', async () => {
    await expect(tab({ sub: 'ada', country: 'de' }).sql.noted()).rejects.toMatchObject({ code: 'rule_failed' });
    expect(log.entries.some(({ fields }) => JSON.stringify(fields ?? {}).includes('LIKE'))).toBe(true);
    expect((await tab({ sub: 'bo', all: true }).sql.noted()).rows).toEqual([{ n: 0 }]);
  });

  test('are all that PostgreSQL is asked: SQL of users never gets there', async () => {
    const room = tab({ sub: 'ada', country: 'de' });
    expect((await room.sql(sql`select sqlite_version() is null as a`).catch((error: { code: string }) => error.code)) as unknown).toBe(
      'sql_refused',
    );
    const { replica } = await room.sql(sql`select count(*) as n from sales /* never there */`, { preferPrimary: false });
    expect(replica).toBe('readers');
    for (const node of [cluster.primary, one, two])
      expect(await node.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%never there%' AND pid <> pg_backend_pid()")).toEqual([]);
  });

  test('go on while standbys are killed, paused and lag, and never answer with less than was asked for', async () => {
    const room = server.room(shop, 'berlin');
    let total = (await room.sql.count()).rows[0]?.n ?? 0;
    const readOwn = async (): Promise<string> => {
      total += 1;
      await room.mutate.sell({ id: `f${total}`, country: 'xx', cents: 1, atMs: 0 });
      const answer = await room.sql(sql<{ n: number }>`select count(*) as n from ${sales}`, { dialect: 'postgres', waitMs: 5_000 });
      expect(answer.rows).toEqual([{ n: total }]);
      return answer.replica;
    };
    await one.kill();
    for (let round = 0; round < 10; round += 1) expect(await readOwn()).not.toBe(`pg-${one.port}`);
    await two.setApplyDelay(600_000);
    expect(await readOwn()).toBe('mirror');
    await two.setApplyDelay(0);
    two.pause();
    expect(await readOwn()).toBe('mirror');
    two.resume();
    await one.start();
    const back = new Set<string>();
    await vi.waitFor(async () => {
      back.add(await readOwn());
      expect(back.has(`pg-${one.port}`) && back.has(`pg-${two.port}`)).toBe(true);
    }, 15_000);
  });
});

describe('[RD-30] options of the mirror’s readers', () => {
  test('are refused without a mirror, and queries of PostgreSQL with them', async () => {
    const dataDir = join(directory, 'other');
    const plain = { rooms: [shop], dataDir, signals: false, log } as const;
    await expect(createServer({ ...plain, replicas: [{ url: one.url }] })).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('no mirror'),
    });
    await expect(createServer({ ...plain, databases: { primary: { url: 'ws://x' } } })).rejects.toMatchObject({ code: 'option_invalid' });
    const other = await createServer(plain);
    await expect(other.room(shop, 'x').sql.noted()).rejects.toMatchObject({ code: 'sql_unavailable' });
    expect(() => other.replicas.forRead()).toThrow('databases');
    await other.close();
  });
});

describe('while PostgreSQL is down', () => {
  const misspelt = sql`select cost from ${sales}`;
  const asked = (token: string): Promise<{ error: { code: string; message: string; hint: string } }> =>
    fetch(`${server.url.replace(/^ws/, 'http')}/sql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ room: 'shop/berlin', sql: 'select 1 as one', dialect: 'postgres', at: 'any' }),
    }).then((response) => response.json() as never); // our own server's word
  const mirrorNow = async () => {
    const response = await fetch(`${server.url.replace(/^ws/, 'http')}/replicas`, { headers: { authorization: `Bearer ${adminToken}` } });
    const { replicas } = (await response.json()) as RouterSnapshot;
    return replicas.find(({ id }) => id === 'mirror');
  };

  test('[RD-97] a misspelt column is an error of the statement, and of no replica', async () => {
    const before = await mirrorNow();
    const read = server.room(shop, 'berlin').sql(misspelt, { dialect: 'postgres', at: 'any', preferPrimary: true });
    await expect(read).rejects.toMatchObject({ code: 'sql_failed', message: expect.stringContaining('cost') });
    const after = await mirrorNow();
    expect(after?.errors).toEqual(before?.errors);
    expect(after?.statementErrors).toEqual({ ...before?.statementErrors, sql_failed: (before?.statementErrors.sql_failed ?? 0) + 1 });
  });

  test('[RD-96] the server’s own code and the admin token are told why, users and followers are not', async () => {
    await Promise.all([cluster.primary, one, two].map((node) => node.kill()));
    const room = server.room(shop, 'berlin');
    const why = /mirror \((?:tried|down|breaker-open): .*(?:ECONNREFUSED|terminated|shutting down|starting up)/;
    const user = tab({ sub: 'bo', all: true });
    for (let round = 0; round < 3; round += 1) {
      const told = await room.sql.perDay({ from: 0 }, { at: 'any' }).catch((error: unknown) => error);
      expect(told).toMatchObject({
        code: 'replica_unavailable',
        message: expect.stringMatching(why),
        hint: expect.stringContaining('run and can be reached'),
      });
      expect((await asked(adminToken)).error).toMatchObject({ code: 'replica_unavailable', message: expect.stringMatching(why) });
      const others = [
        (await asked(followerToken)).error,
        await user.sql.perDay({ from: 0 }, { at: 'any' }).catch((error: { code: string; message: string }) => error),
      ];
      for (const other of others)
        expect(other).toMatchObject({
          code: 'replica_unavailable',
          message: expect.stringMatching(/^no replica can be asked: [\w-]+ \([a-z-]+\)(?:, [\w-]+ \([a-z-]+\))*$/),
        });
    }
  });
});
