import { silentLogger } from '@alcove/core/runtime/logger';
import { createReplicaPools, type ReplicaPools } from '@alcove/server/node';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PgCluster } from './pg-cluster.ts';
import { type PgNode, until } from './pg-node.ts';
import { eventually } from '../../fake/eventually.ts';

const people = pgTable('people', { id: integer().primaryKey(), name: text().notNull() });

let cluster: PgCluster;
let one: PgNode;
let two: PgNode;
let pools: ReplicaPools;
const opened: ReplicaPools[] = [];

function open(primary: PgNode, standbys: readonly PgNode[], limits: Record<string, number> = {}): ReplicaPools {
  const made = createReplicaPools({
    primary: { url: primary.url, pool: 5, connectTimeoutMs: 1_000 },
    replicas: standbys.map(({ url, port }) => ({ url, id: `p${port}`, pool: 5, connectTimeoutMs: 1_000, statementTimeoutMs: 5_000 })),
    strategy: 'round-robin',
    limits: { checkIntervalMs: 1_000, failoverTimeoutMs: 600, breakerOpenMs: 1_000, rampMs: 1, ...limits },
    log: silentLogger,
  });
  opened.push(made);
  return made;
}

/** The port of whoever answered. */
const PORT = 'SELECT inet_server_port() AS port';
const portOf = async (pool: ReturnType<ReplicaPools['forRead']>): Promise<number> =>
  Number((await pool.query<{ port: number }>(PORT)).rows[0]?.port);
/** Standbys take reads once they have been looked at. */
const untilRead = (from: ReplicaPools, count: number): Promise<void> =>
  until(`${count} standbys to be asked`, async () => {
    const ports = new Set<number>();
    for (let at = 0; at < 8; at += 1) ports.add(await portOf(from.forRead()));
    ports.delete(cluster.primary.port);
    return ports.size === count;
  });

beforeAll(async () => {
  cluster = await PgCluster.start({ standbys: 2 });
  [one, two] = cluster.standbys as [PgNode, PgNode]; // two were asked for
  await cluster.primary.query('CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)');
  await cluster.primary.query('CREATE SEQUENCE numbers');
  await cluster.primary.query(
    "CREATE FUNCTION add_person(int, text) RETURNS int LANGUAGE sql AS 'INSERT INTO people VALUES ($1, $2) RETURNING id'",
  );
  await cluster.level();
  pools = open(cluster.primary, [one, two]);
  await untilRead(pools, 2);
});

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await cluster?.close();
});

describe('[RD-90] pools over an app’s own tables', () => {
  test('read from standbys and write to the primary, through Drizzle as through pg', async () => {
    const db = drizzle(pools.forWrite());
    await db.insert(people).values({ id: 1, name: 'Ada' });
    const at = await pools.bookmark();
    const reader = drizzle(pools.forRead({ at }));
    expect(await reader.select().from(people).where(eq(people.id, 1))).toEqual([{ id: 1, name: 'Ada' }]);
    expect((await reader.execute<{ port: number }>(sql.raw(PORT))).rows[0]?.port).not.toBe(cluster.primary.port);
    expect(await portOf(pools.forWrite())).toBe(cluster.primary.port);
    const { rows } = await pools.forRead({ at }).query({ text: 'SELECT id, name FROM people WHERE id = $1', values: [1] });
    expect(rows).toEqual([{ id: 1, name: 'Ada' }]);
    expect((await pools.forRead({ at }).query({ text: 'SELECT id FROM people', rowMode: 'array' })).rows).toEqual([[1]]);
    expect(await portOf(pools.forRead({ preferPrimary: true }))).toBe(cluster.primary.port);
  });

  test('take writes that come by the way of reads to the primary, also those that only a standby can tell', async () => {
    const pool = pools.forRead();
    await drizzle(pool).insert(people).values({ id: 2, name: 'Bo' });
    expect((await pool.query("SELECT nextval('numbers') AS n")).rows).toEqual([{ n: '1' }]);
    expect((await pool.query("SELECT add_person(3, 'Cy') AS id")).rows).toEqual([{ id: 3 }]);
    expect((await pool.query('SELECT txid_current() > 0 AS given')).rows).toEqual([{ given: true }]);
    await pool.query('SELECT id FROM people WHERE id = 1 FOR UPDATE');
    const found = await pools.forRead({ at: await pools.bookmark() }).query('SELECT count(*)::int AS n FROM people');
    expect(found.rows).toEqual([{ n: 3 }]);
  });

  test('run transactions on the primary, and roll back what throws', async () => {
    const port = await pools.transaction(async (client) => {
      await client.query("INSERT INTO people VALUES (4, 'Di')");
      return Number((await client.query<{ port: number }>(PORT)).rows[0]?.port);
    });
    expect(port).toBe(cluster.primary.port);
    const undone = pools.transaction(async (client) => {
      await drizzle(client).insert(people).values({ id: 5, name: 'Ed' });
      throw new Error('no');
    });
    await expect(undone).rejects.toThrow('no');
    await drizzle(pools.forRead()).transaction(async (tx) => {
      await tx.insert(people).values({ id: 6, name: 'Flo' });
      expect(await tx.select({ id: people.id }).from(people).orderBy(people.id)).toEqual([1, 2, 3, 4, 6].map((id) => ({ id })));
    });
    for (const text of ['BEGIN', 'begin; select 1', 'COMMIT', "SET search_path = ''"])
      await expect(pools.forRead().query(text)).rejects.toMatchObject({ code: 'sql_refused' });
  });

  test('fail with what PostgreSQL said, wherever the statement ran', async () => {
    await expect(pools.forWrite().query("INSERT INTO people VALUES (1, 'again')")).rejects.toMatchObject({ code: '23505' });
    await expect(pools.forRead().query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
    await expect(pools.forRead({ timeoutMs: 200 }).query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: 'query_timeout' });
    const end = new AbortController();
    const ended = pools.forRead({ signal: end.signal }).query('SELECT pg_sleep(10)');
    end.abort();
    await expect(ended).rejects.toMatchObject({ code: 'closed' });
    // Long before they would have ended by themselves.
    await vi.waitFor(async () => {
      for (const node of [one, two])
        expect(await node.query("SELECT query FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")).toEqual([]);
    }, 1_000 + 2_000);
  });
});

describe('[RD-90] connections that somebody keeps, or leaves as nobody expects', () => {
  test('are not handed on in a transaction, and hold up no close', async () => {
    await expect(pools.forWrite().query('CREATE TABLE IF NOT EXISTS odd (a int); BEGIN')).rejects.toMatchObject({ code: 'sql_refused' });
    await expect(pools.forRead().query("SELECT set_config('search_path', '', false)")).rejects.toMatchObject({ code: 'sql_refused' });
    await eventually(async () =>
      expect(await cluster.primary.query("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in%'")).toEqual([]),
    );
    const own = open(cluster.primary, []);
    const tenants = async () => {
      const asked = Array.from({ length: 5 }, () => own.forWrite().query("SELECT current_setting('app.tenant', true) AS tenant"));
      return (await Promise.all(asked)).map(({ rows: [row] }: { rows: { tenant: string | null }[] }) => row?.tenant ?? '');
    };
    await tenants();
    await own.forWrite().query("DO $$ BEGIN PERFORM set_config('app.tenant', 'somebody', false); END $$");
    expect(await tenants()).toEqual(['', '', '', '', '']);
    // As many as there are: reads, looks and bookmarks have others.
    const [client, ...others] = await Promise.all(Array.from({ length: 5 }, () => own.forWrite().connect()));
    if (client === undefined) return;
    expect(await own.bookmark()).toMatch(/^pg1/);
    expect(await portOf(own.forRead())).toBe(cluster.primary.port);
    for (const each of others) each.release();
    const running = client.query('SELECT pg_sleep(60)');
    await Promise.all([own.close(), expect(running).rejects.toThrow()]);
    client.release();
  });
});

describe('[RD-91] a bookmark of a database', () => {
  test('holds commits that do not wait for the disk', async () => {
    await pools.transaction(async (client) => {
      await client.query('SET LOCAL synchronous_commit = off');
      await client.query("INSERT INTO people VALUES (30, 'soon')");
    });
    const before = await cluster.primary.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    const at = await pools.bookmark();
    const [row] = await cluster.primary.query<{ holds: boolean; there: boolean }>(
      'SELECT $1::pg_lsn >= $2::pg_lsn AS holds, pg_current_wal_flush_lsn() >= $1::pg_lsn AS there',
      [at.split('.')[3], before[0]?.lsn],
    );
    expect(row).toEqual({ holds: true, there: true });
    expect((await pools.forRead({ at }).query('SELECT name FROM people WHERE id = 30')).rows).toEqual([{ name: 'soon' }]);
  });

  test('keeps a read from standbys that have not applied what was written, each by itself', async () => {
    await one.setApplyDelay(600_000);
    await drizzle(pools.forWrite()).insert(people).values({ id: 10, name: 'late' });
    const at = await pools.bookmark();
    const db = drizzle(pools.forRead({ at: () => at, waitMs: 5_000 }));
    for (let round = 0; round < 6; round += 1) {
      expect(await db.select({ name: people.name }).from(people).where(eq(people.id, 10))).toEqual([{ name: 'late' }]);
      expect((await db.execute<{ port: number }>(sql.raw(PORT))).rows[0]?.port).toBe(two.port);
    }
    await two.setApplyDelay(600_000);
    await drizzle(pools.forWrite()).insert(people).values({ id: 11, name: 'later' });
    const later = pools.forRead({ at: await pools.bookmark(), waitMs: 50 });
    expect((await later.query('SELECT name FROM people WHERE id = 11')).rows).toEqual([{ name: 'later' }]);
    expect(await portOf(later)).toBe(cluster.primary.port);
    await Promise.all([one.setApplyDelay(0), two.setApplyDelay(0)]);
    await cluster.level();
    expect(await portOf(pools.forRead({ at }))).not.toBe(cluster.primary.port);
  });

  test('of something else is refused', async () => {
    await expect(pools.forRead({ at: 'pg1.1.1.0/10' }).query('SELECT 1')).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(pools.forRead({ at: 'nonsense' }).query('SELECT 1')).rejects.toMatchObject({ code: 'query_invalid' });
  });
});

describe('[RD-92] pools go on', () => {
  test('while a standby is away or says nothing, and it takes its share when it is back', async () => {
    await one.kill();
    const ports = new Set<number>();
    for (let at = 0; at < 20; at += 1) ports.add(await portOf(pools.forRead()));
    expect([...ports]).toEqual([two.port]);
    two.pause();
    const began = performance.now();
    expect(await portOf(pools.forRead({ timeoutMs: 400 }))).toBe(cluster.primary.port);
    expect(performance.now() - began).toBeLessThan(4_000);
    two.resume();
    await one.start();
    await untilRead(pools, 2);
    expect(pools.snapshot.counts.fallbacks).toBeGreaterThan(0);
  });

  test('with the standby that was promoted: bookmarks of the timeline before are the new primary’s to answer', async () => {
    const before = await pools.bookmark();
    await cluster.level();
    await cluster.primary.kill();
    expect([one.port, two.port]).toContain(await portOf(pools.forRead({ at: before })));
    await one.promote();
    await two.follow(one);
    const after = open(one, [two]);
    await one.query("INSERT INTO people VALUES (20, 'after')");
    const at = await after.bookmark();
    expect(at.split('.')[2]).toBe('2');
    expect((await after.forRead({ at, waitMs: 10_000 }).query('SELECT name FROM people WHERE id = 20')).rows).toEqual([{ name: 'after' }]);
    for (let round = 0; round < 3; round += 1) expect(await portOf(after.forRead({ at: before }))).toBe(one.port);
    // The primary of before, which somebody started again: it lacks what the bookmark says.
    await cluster.primary.start();
    const stayed = open(cluster.primary, []);
    await expect(stayed.forRead({ at, waitMs: 100 }).query('SELECT 1')).rejects.toMatchObject({ code: 'replica_unavailable' });
    // One that writes by itself is no standby, whoever takes it for one.
    await two.promote();
    await after.forWrite().query("INSERT INTO people VALUES (21, 'on')");
    await eventually(async () => expect(await portOf(after.forRead())).toBe(one.port));
  });
});

describe('[RD-99] pools without a primary', () => {
  test('say what was said of it and what to look at, and nothing about rooms', async () => {
    const pools = createReplicaPools({
      primary: { url: 'postgres://nobody@localhost:1/none', connectTimeoutMs: 1_000 },
      log: silentLogger,
    });
    opened.push(pools);
    for (let round = 0; round < 2; round += 1)
      await expect(pools.forRead().query('SELECT 1')).rejects.toMatchObject({
        code: 'replica_unavailable',
        message: expect.stringMatching(/^no replica can be asked: primary \(\w+: primary does not answer: .*ECONNREFUSED/),
        hint: expect.stringMatching(/`databases`/),
      });
  });
});
