import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createTcpServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AlcoveFollower, createFollower, type FollowerOptions } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { ledger, stops, trip } from './trip-room.ts';

const token = 'a-follower-token-of-this-test';

let host: HostFixture;
let directory: string;
const followers: { close(): Promise<void> }[] = [];
const proxies: { server: Server; sockets: Set<Socket> }[] = [];
beforeEach(() => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-follower-'));
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()));
  for (const { server, sockets } of proxies.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
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
async function proxyTo(url: string): Promise<{ readonly url: string; cut(): void; mend(): void }> {
  const { hostname, port, pathname } = new URL(url);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createTcpServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
    return undefined;
  });
  proxies.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `ws://127.0.0.1:${own}${pathname}`,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      isCut = false;
    },
  };
}

describe('a follower of a server', () => {
  it('[FO-1][FO-2][FO-6] copies rooms that are there, hears of those that are made, and answers reads that name a version with nothing older', async () => {
    const primary = await host.server({ followers: { token } });
    const room = primary.room(trip, 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Nara' });
    await room.mutate.note({ secret: 'stays' });
    const follower = await follow(primary.url, { follow: ['trip/japan', 'trip/peru'] });
    await until(async () => expect(await cities(follower)).toEqual(['Nara']));
    for (let index = 0; index < 20; index += 1) {
      await room.mutate.addStop({ id: `s${index}`, city: `Stop ${index}` });
      const { bookmark } = await room.sql(sql`SELECT 1`);
      const seen = await follower.room(trip, 'japan').sql(sql<{ n: number }>`SELECT count(*) AS n FROM ${stops}`, { at: bookmark });
      expect(seen.rows).toEqual([{ n: index + 2 }]);
    }
    // What stays in the room stays there.
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
      { port: -1 },
      { every: 1 },
    ])
      await expect(follow('ws://127.0.0.1:1/sync', options as object), JSON.stringify(options)).rejects.toMatchObject({
        code: 'option_invalid',
      });
  });
});
