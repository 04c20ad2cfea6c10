import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AlcoveFollower, createFollower, type FollowerOptions } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { SwitchingProxy } from './switching-proxy.ts';
import { ledger, stops, trip } from './trip-room.ts';

const token = 'a-follower-token-of-this-test';

let host: HostFixture;
let directory: string;
const followers: { close(): Promise<void> }[] = [];
const proxies: SwitchingProxy[] = [];
beforeEach(() => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-follower-'));
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()));
  for (const proxy of proxies.splice(0)) proxy.close();
  await host.end();
  rmSync(directory, { recursive: true, force: true });
});

const follow = async (from: string, options: Partial<FollowerOptions<readonly [typeof trip]>> = {}) => {
  const follower = await createFollower({ rooms: [trip], dataDir: directory, from, token, log: host.log, ...options });
  followers.push(follower);
  return follower;
};
const cities = async (follower: AlcoveFollower<readonly [typeof trip]>, id = 'japan'): Promise<string[]> => {
  const { rows } = await follower
    .room(trip, id)
    .sql((db) => db.select({ city: stops.city }).from(stops).orderBy(stops.city), { at: 'any' });
  return rows.map(({ city }) => city);
};
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });

/** A way to the primary that can be cut. */
async function proxyTo(url: string): Promise<SwitchingProxy> {
  const proxy = await SwitchingProxy.before(url);
  proxies.push(proxy);
  return proxy;
}

describe('a follower of a server', () => {
  it('[FO-1][FO-2][FO-6] copies rooms that are there, hears of those that are made, and answers reads that name a version with nothing older', async () => {
    const primary = await host.server({ followers: { token } });
    const room = primary.room(trip, 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Nara' });
    for (let index = 0; index < 50; index += 1) await room.mutate.note({ secret: `stays there ${'and there '.repeat(20)}` });
    const follower = await follow(primary.url, { follow: ['trip/japan', 'trip/peru'] });
    await until(async () => expect(await cities(follower)).toEqual(['Nara']));
    for (let index = 0; index < 20; index += 1) {
      await room.mutate.addStop({ id: `s${index}`, city: `Stop ${index}` });
      const { bookmark } = await room.sql(sql`SELECT 1`);
      const seen = await follower.room(trip, 'japan').sql(sql<{ n: number }>`SELECT count(*) AS n FROM ${stops}`, { at: bookmark });
      expect(seen.rows).toEqual([{ n: index + 2 }]);
    }
    // What stays in the room stays there, with every byte.
    const files = readdirSync(join(directory, 'rooms', 'trip')).map((file) => readFileSync(join(directory, 'rooms', 'trip', file)));
    expect([files.some((bytes) => bytes.includes('Nara')), files.some((bytes) => bytes.includes('stays there'))]).toEqual([true, false]);
    await expect(follower.room(trip, 'japan').sql(sql`SELECT * FROM ${ledger}`)).rejects.toMatchObject({ code: 'sql_failed' });
    expect(follower.status().find(({ id }) => id === 'japan')).toMatchObject({ phase: 'following', lag: { versions: 0 } });
    expect(follower.status().find(({ id }) => id === 'peru')).toMatchObject({ head: null, error: { code: 'room_unknown' } });
  });

  it('[FO-7] goes on from its disk after a stop, reads while the primary is away, and catches up after it', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    const proxy = await proxyTo(primary.url);
    const first = await follow(proxy.url);
    await until(async () => expect(await cities(first)).toEqual(['Nara']));
    await first.close();
    await primary.room(trip, 'japan').mutate.addStop({ id: 'b', city: 'Osaka' });
    proxy.cut();
    const second = await follow(proxy.url);
    expect(await cities(second)).toEqual(['Nara']);
    proxy.mend();
    await until(async () => expect(await cities(second)).toEqual(['Nara', 'Osaka']));
    proxy.cut();
    await primary.room(trip, 'japan').mutate.addStop({ id: 'c', city: 'Kyoto' });
    await until(() => expect(second.status()[0]?.phase).not.toBe('following'));
    expect(await cities(second)).toEqual(['Nara', 'Osaka']);
    proxy.mend();
    await until(async () => expect(await cities(second)).toEqual(['Kyoto', 'Nara', 'Osaka']));
    expect(host.log.entries.filter(({ message }) => message.includes('copied anew'))).toEqual([]);
  });

  it('[FO-3] takes a fresh copy of a room whose history is another', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    const follower = await follow(primary.url);
    await until(async () => expect(await cities(follower)).toEqual(['Nara']));
    const before = follower.status()[0]?.head?.historyId;
    await primary.rooms.delete('trip', 'japan');
    await primary.room(trip, 'japan').mutate.addStop({ id: 'z', city: 'Lima' });
    await until(async () => expect(await cities(follower)).toEqual(['Lima']));
    expect(follower.status()[0]?.head?.historyId).not.toBe(before);
  });

  it('[FO-22] answers nothing of a room that was deleted, whether its primary is there or not, until that has it again', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    const proxy = await proxyTo(primary.url);
    const follower = await follow(proxy.url, { port: 0 });
    await until(async () => expect(await cities(follower)).toEqual(['Nara']));
    const address = follower.url.replace(/^ws/, 'http');
    const asked = { method: 'POST', headers: { authorization: `Bearer ${token}` } };
    const statuses = async (): Promise<readonly number[]> => [
      (await fetch(`${address}/sql`, { ...asked, body: JSON.stringify({ room: 'trip/japan', sql: 'SELECT * FROM stops', at: 'any' }) }))
        .status,
      (await fetch(`${address}/digest`, { ...asked, body: JSON.stringify({ room: { name: 'trip', id: 'japan' } }) })).status,
    ];
    expect(await statuses()).toEqual([200, 200]);
    await primary.rooms.delete('trip', 'japan');
    await until(() => expect(follower.status()[0]?.error?.code).toBe('room_unknown'));
    await expect(cities(follower)).rejects.toMatchObject({ code: 'replica_unavailable' });
    expect(await statuses()).toEqual([404, 404]);
    proxy.cut();
    await until(() => expect(follower.status()[0]?.error?.code).toBe('connection_lost'));
    expect(await statuses()).toEqual([404, 404]);
    proxy.mend();
    await primary.room(trip, 'japan').mutate.addStop({ id: 'z', city: 'Lima' });
    await until(async () => expect(await cities(follower)).toEqual(['Lima']));
  });

  it('[FO-22][FO-25] keeps the file of a room that was deleted for its retention, unread also after a restart, then removes it', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    await primary.room(trip, 'peru').mutate.addStop({ id: 'b', city: 'Lima' });
    const proxy = await proxyTo(primary.url);
    const limits = { sweepIntervalMs: 20 };
    const filesOf = (id: string) => readdirSync(join(directory, 'rooms', 'trip')).filter((file) => file.startsWith(`${id}.`));
    const first = await follow(proxy.url, { limits });
    await until(async () => expect([await cities(first), await cities(first, 'peru')]).toEqual([['Nara'], ['Lima']]));
    await primary.rooms.delete('trip', 'japan');
    await until(() => expect(filesOf('japan')).toEqual(expect.arrayContaining(['japan.gone', 'japan.sqlite'])));
    await first.close();
    proxy.cut();
    const second = await follow(proxy.url, { limits });
    expect(await cities(second, 'peru')).toEqual(['Lima']);
    await expect(cities(second)).rejects.toMatchObject({ code: 'replica_unavailable' });
    expect(filesOf('japan')).toContain('japan.sqlite');
    await second.close();
    proxy.mend();
    const third = await follow(proxy.url, { limits, retentionMs: 0 });
    await until(() => expect(filesOf('japan')).toEqual([]));
    expect(await cities(third, 'peru')).toEqual(['Lima']);
    // Made anew it is followed anew.
    await primary.room(trip, 'japan').mutate.addStop({ id: 'z', city: 'Kobe' });
    await until(async () => expect(await cities(third)).toEqual(['Kobe']));
    expect(filesOf('japan')).not.toContain('japan.gone');
    await expect(follow(proxy.url, { retentionMs: -1 })).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('retentionMs'),
    });
  });

  it('[FO-4] is nobody without the token: no copy, no list, no log, no reads', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    const web = primary.url.replace(/^ws/, 'http');
    for (const query of ['?copy=trip/japan', '?rooms=trip']) {
      expect((await fetch(`${web}${query}`)).status).toBe(401);
      expect((await fetch(`${web}${query}`, { headers: { authorization: 'Bearer another-token-than-it' } })).status).toBe(401);
    }
    for (const address of ['trip/none', 'plane/japan', 'trip/../japan', '../../etc/passwd', ''])
      expect((await fetch(`${web}?copy=${encodeURIComponent(address)}`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(
        404,
      );
    const closed = await host.server({ dataDir: join(host.dataDir, 'other') });
    expect(
      (await fetch(`${closed.url.replace(/^ws/, 'http')}?copy=trip/japan`, { headers: { authorization: `Bearer ${token}` } })).status,
    ).toBe(426);
    const follower = await follow(primary.url, { port: 0 });
    await until(async () => expect(await cities(follower)).toEqual(['Nara']));
    const address = follower.url.replace(/^ws/, 'http');
    expect((await fetch(`${address}/read`, { method: 'POST', body: '{}' })).status).toBe(401);
    expect((await fetch(`${address}/lag`)).status).toBe(401);
    expect((await fetch(`${address}/ready`)).status).toBe(200);
  });

  it('[HO-42] makes who guesses its token wait, on the primary and on the follower, and lets in who has it', async () => {
    const limits = { wrongTokensPerMinuteMax: 2 };
    const primary = await host.server({ followers: { token }, limits });
    const follower = await follow(primary.url, { port: 0, limits });
    for (const address of [`${primary.url}?rooms=trip`, `${follower.url}/lag`]) {
      const ask = (brought: string) => fetch(address.replace(/^ws/, 'http'), { headers: { authorization: `Bearer ${brought}` } });
      for (const status of [401, 401, 429]) expect((await ask('a-guess-of-it')).status).toBe(status);
      expect((await ask('a-guess-of-it')).headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect((await ask(token)).status).toBe(200);
    }
    expect(primary.metrics().limitsMet).toEqual({ wrongTokensPerMinuteMax: 2 });
    expect(host.log.entries.filter(({ message }) => message.includes('than the follower token'))).toHaveLength(2);
  });

  it('[FO-9] that the primary does not let follow says so, loudly and once, and is not ready', async () => {
    const primary = await host.server({ followers: { token } });
    await primary.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Nara' });
    const first = await follow(primary.url, { port: 0 });
    await until(async () => expect(await cities(first)).toEqual(['Nara']));
    const readyOf = async ({ url }: { readonly url: string }) => (await fetch(`${url.replace(/^ws/, 'http')}/ready`)).status;
    await until(async () => expect(await readyOf(first)).toBe(200));
    await first.close();
    const wrong = await follow(primary.url, { port: 0, token: 'another-token-than-the-one' });
    await until(() => expect(wrong.status()[0]).toMatchObject({ phase: 'waiting', error: { code: 'forbidden' } }));
    expect(await readyOf(wrong)).toBe(503);
    expect(wrong.status()[0]?.lag?.ms).toBeGreaterThan(0);
    const told = host.log.entries.filter(({ level, message }) => level === 'error' && message.startsWith('the primary does not'));
    expect(told.map(({ fields }) => fields?.['reason'])).toEqual([
      'its `followers.token` is another one than ours',
      'the whole log is for servers that bring the follower token',
    ]);
  });

  it('[FO-8] is refused options that make no sense', async () => {
    for (const options of [
      { from: 'http://elsewhere' },
      { token: 'short' },
      { follow: ['plane/*'] },
      { follow: ['trip'] },
      { follow: ['trip/../x'] },
      { follow: 'trip/*' },
      { follow: [] },
      { from: 'wss://[' },
      { rooms: [trip, trip] },
      { readers: -1 },
      { readers: '2' },
      { image: 'no' },
      { host: 7 },
      { limits: 5 },
      { port: -1 },
      { every: 1 },
    ])
      await expect(follow('ws://127.0.0.1:1/sync', options as object), Object.entries(options).join()).rejects.toMatchObject({
        code: 'option_invalid',
      });
  });
});
