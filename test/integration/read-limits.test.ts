import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFollower } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
let directory: string;
const followers: { close(): Promise<void> }[] = [];
beforeEach(() => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-read-limits-'));
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()));
  await host.end();
  rmSync(directory, { recursive: true, force: true });
});

const ENDLESS = sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n`;
const LONG = 'x'.repeat(1_000);
const GROWING = sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(DISTINCT i || ${LONG}) AS n FROM n`;

/** Reads that each meet one limit; the rest are within all. */
const READS = [
  [sql`SELECT city FROM ${stops}`, 'readRowsMax', null],
  [sql`SELECT ${LONG} AS t FROM ${stops} LIMIT 3`, 'readBytesMax', null],
  [sql`SELECT ${LONG} || ${LONG} AS t`, 'readBytesMax', 'result_too_large'],
  [sql`SELECT length(${LONG} || ${LONG} || ${LONG} || ${LONG} || id) AS n FROM ${stops}`, 'readValueBytesMax', 'result_too_large'],
  [ENDLESS, 'readTimeoutMs', 'query_timeout'],
] as const;

const limits = { readRowsMax: 5, readBytesMax: 1_500, readValueBytesMax: 4_000, readTimeoutMs: 2_000 };

describe('limits that reads on the server meet', () => {
  it('[RD-84] are counted by name, once each, whoever answers', async () => {
    const token = 'a-follower-token-of-this-test';
    const server = await host.server({ followers: { token }, limits, admin: { token: 'an-admin-token-of-this-test' } });
    const room = server.room(trip, 'japan');
    await room.mutate.addMany({ prefix: 's', count: 10 });
    const follower = await createFollower({
      rooms: [trip],
      dataDir: directory,
      from: server.url,
      token,
      port: 0,
      host: '127.0.0.1',
      limits,
      log: host.log,
    });
    followers.push(follower);
    await vi.waitFor(() => expect(follower.status()[0]).toMatchObject({ lag: { ms: 0 } }), { timeout: 20_000 });
    const before = server.metrics().limitsMet;
    expect(before).toEqual({});
    const expected: Record<string, number> = {};
    const readAll = async (replica: string): Promise<void> => {
      for (const [query, limit, code] of READS) {
        const read = room.sql(query);
        if (code === null) expect(await read).toMatchObject({ truncated: true, replica });
        else await expect(read).rejects.toMatchObject({ code });
        expected[limit] = (expected[limit] ?? 0) + 1;
        expect(server.metrics().limitsMet, limit).toEqual(expected);
      }
      await room.sql(sql`SELECT 1 AS one`);
      expect(server.metrics().limitsMet).toEqual(expected);
    };
    await readAll('readers');
    await fetch(`${server.url.replace('ws', 'http')}/replicas`, {
      method: 'POST',
      headers: { authorization: 'Bearer an-admin-token-of-this-test' },
      body: JSON.stringify({ do: 'add', replica: { id: 'f', url: follower.url }, followerToken: token }),
    });
    await vi.waitFor(async () => expect((await room.sql(sql`SELECT 1 AS one`)).replica).toBe('f'), { timeout: 20_000 });
    await readAll('f');
  });

  it('[RD-84] of memory, of places and of waiting for them', async () => {
    const server = await host.server({
      readers: 1,
      limits: { readTimeoutMs: 3_000, readHeapBytesMax: 17_000_000 },
      replicas: { limits: { queueMax: 1, queueWaitMs: 50 } },
    });
    const room = server.room(trip, 'japan');
    await room.sql(sql`SELECT 1 AS one`);
    await expect(room.sql(GROWING)).rejects.toMatchObject({ code: expect.stringMatching(/result_too_large/) });
    expect(server.metrics().limitsMet).toEqual({ readHeapBytesMax: 1 });
    const reads = await Promise.allSettled([room.sql(ENDLESS), room.sql(ENDLESS), room.sql(ENDLESS), room.sql(ENDLESS)]);
    const codes = reads.map((read) => (read.status === 'rejected' ? (read.reason as { code: string }).code : 'answered'));
    expect(new Set(codes)).toEqual(new Set(['query_timeout', 'overloaded']));
    const met = server.metrics().limitsMet;
    const sentAway = codes.filter((code) => code === 'overloaded').length;
    expect((met['queueMax'] ?? 0) + (met['queueWaitMs'] ?? 0)).toBe(sentAway);
    expect(met['readTimeoutMs']).toBe(codes.length - sentAway);
  });
});
