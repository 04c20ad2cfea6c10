import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AlcoveFollower, createFollower } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SEES_ALL } from '../../packages/server/src/access/reader-class.ts';
import { RemoteReplica } from '../../packages/server/src/host/node/remote-replica.ts';
import { type ReadSight, readSight } from '../../packages/server/src/read/read-sight.ts';
import { RoomUnavailable } from '../../packages/server/src/read/room-unavailable.ts';
import type { RouterSnapshot } from '../../packages/server/src/read/router-snapshot.ts';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

const token = 'a-follower-token-of-this-test';
const adminToken = 'an-admin-token-of-this-test';

let host: HostFixture;
let directory: string;
const followers: { close(): Promise<void> }[] = [];
beforeEach(() => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-replicas-'));
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()));
  await host.end();
  rmSync(directory, { recursive: true, force: true });
});

const follow = async (from: string, name: string, port = 0): Promise<AlcoveFollower<readonly [typeof trip]>> => {
  const dataDir = join(directory, name);
  const follower = await createFollower({
    rooms: [trip],
    dataDir,
    from,
    token,
    port,
    host: '127.0.0.1',
    follow: ['trip/japan'],
    log: host.log,
    readers: 1,
  });
  followers.push(follower);
  return follower;
};
const isLevel = (follower: AlcoveFollower<readonly [typeof trip]>) =>
  vi.waitFor(() => expect(follower.status()[0]).toMatchObject({ phase: 'following', lag: { ms: 0 } }), { timeout: 20_000 });
const count = sql<{ n: number }>`SELECT count(*) AS n FROM ${stops}`;

const ordersOf =
  (url: string) =>
  async (body: object): Promise<{ readonly status: number; readonly answer: RouterSnapshot }> => {
    const response = await fetch(`${url.replace(/^ws/, 'http')}/replicas`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}` },
      body: JSON.stringify(body),
    });
    return { status: response.status, answer: (await response.json()) as RouterSnapshot };
  };

const expectFigures = async (url: string): Promise<void> => {
  const response = await fetch(`${url.replace(/^ws/, 'http')}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  const metrics = await response.text();
  expect(metrics).toMatch(/^alcove_reads_total\{replica="readers"\} \d+$/m);
  expect(metrics).toMatch(/^alcove_replica_up\{replica="two"\} 1$/m);
};
/** A busy machine takes its time. */
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 100 });

describe('a server with replicas', () => {
  it('[RD-11] reads from them, never anything older than was asked for, and from itself where they are gone', async () => {
    const server = await host.server({
      followers: { token },
      admin: { token: adminToken },
      replicas: { limits: { checkIntervalMs: 200 } },
    });
    const room = server.room(trip, 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Nara' });
    const one = await follow(server.url, 'one');
    const two = await follow(server.url, 'two');
    await Promise.all([isLevel(one), isLevel(two)]);

    const order = ordersOf(server.url);
    for (const [id, { url }] of Object.entries({ one, two }))
      expect((await order({ do: 'add', replica: { id, url }, followerToken: token })).status).toBe(200);
    await order({ do: 'check' });
    await eventually(async () => {
      const { answer } = await order({ do: 'check' });
      expect(answer.replicas.map(({ id, isUp }) => [id, isUp])).toEqual([
        ['readers', true],
        ['one', true],
        ['two', true],
      ]);
    });

    const seen = new Set<string>();
    for (let index = 0; index < 30; index += 1) {
      await room.mutate.addStop({ id: `s${index}`, city: `Stop ${index}` });
      const { rows, replica } = await room.sql(count);
      expect(rows).toEqual([{ n: index + 2 }]);
      seen.add(replica);
    }
    expect([...seen].filter((id) => id === 'one' || id === 'two').length).toBeGreaterThan(0);

    // One is gone: reads go on, and nobody sees a failure.
    await one.close();
    for (let index = 0; index < 10; index += 1) expect((await room.sql(count)).rows).toEqual([{ n: 31 }]);
    const { url: freed } = two;
    await two.close();
    for (let index = 0; index < 10; index += 1) expect(await room.sql(count)).toMatchObject({ rows: [{ n: 31 }], replica: 'readers' });

    // And back.
    await isLevel(await follow(server.url, 'three', Number(new URL(freed).port)));
    await eventually(async () => expect((await order({ do: 'check', id: 'two' })).answer.replicas.at(-1)).toMatchObject({ isUp: true }));

    expect((await order({ do: 'disable', id: 'two' })).answer.replicas.at(-1)).toMatchObject({ id: 'two', enabled: false });
    expect((await room.sql(count)).replica).toBe('readers');
    expect((await order({ do: 'remove', id: 'one' })).answer.replicas.map(({ id }) => id)).toEqual(['readers', 'two']);
    for (const wrong of [
      { do: 'fly' },
      { do: 'remove', id: 'one' },
      { do: 'add', replica: { url: 'http://x' }, followerToken: token },
      { do: 'weigh', id: 'two', weight: -1 },
      { do: 'add', replica: { id: 'again', url: `${freed}/` }, followerToken: token },
    ])
      expect((await order(wrong)).status, JSON.stringify(wrong)).toBe(400);
    await expectFigures(server.url);
  });

  it('[RD-88][RD-89] reads what stays in the room from itself, and is answered by no follower of another release', async () => {
    const server = await host.server({ followers: { token }, admin: { token: adminToken } });
    const room = server.room(trip, 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Nara' });
    await room.mutate.note({ secret: 'stays' });
    const follower = await follow(server.url, 'one');
    await isLevel(follower);
    const order = ordersOf(server.url);
    await order({ do: 'add', replica: { id: 'one', url: follower.url }, followerToken: token });
    await eventually(async () => expect((await order({ do: 'check' })).answer.replicas.at(-1)).toMatchObject({ isUp: true }));
    expect(await room.sql(count)).toMatchObject({ rows: [{ n: 1 }], replica: 'one' });
    for (const text of ['SELECT secret FROM ledger', 'SELECT "secret" FROM "LEDGER"', "SELECT secret FROM 'ledger'"])
      expect(await room.sql(sql.raw(text)), text).toMatchObject({ rows: [{ secret: 'stays' }], replica: 'readers' });

    const remote = new RemoteReplica({ id: 'one', url: follower.url, token });
    const read = (sight: ReadSight) =>
      remote.read(
        {
          room: { name: 'trip', id: 'japan' },
          sql: 'SELECT count(*) FROM stops',
          params: [],
          sight,
          atLeast: null,
          bounds: { timeoutMs: 5_000, rowsMax: 10, bytesMax: 1_000 },
        },
        new AbortController().signal,
      );
    const sight = readSight(trip.model, SEES_ALL);
    expect((await read(sight)).cells).toBe('[[1]]');
    await expect(read({ ...sight, key: `${SEES_ALL.id}.of-another-release` })).rejects.toBeInstanceOf(RoomUnavailable);
    await remote.close();
  });

  it('[RD-13] tells nobody its follower token who has the admin token alone, and keeps its own readers', async () => {
    const server = await host.server({ followers: { token }, admin: { token: adminToken } });
    const order = ordersOf(server.url);
    const url = 'ws://127.0.0.1:9/sync';
    expect((await order({ do: 'add', replica: { url } })).status).toBe(400);
    expect((await order({ do: 'add', replica: { url }, followerToken: adminToken })).status).toBe(403);
    expect((await order({ do: 'remove', id: 'readers' })).status).toBe(400);
    expect((await order({ do: 'check' })).answer.replicas.map(({ id }) => id)).toEqual(['readers']);
  });

  it('[RD-13] lets nobody add one, of its mirror neither, where it has no follower token', async () => {
    const server = await host.server({ admin: { token: adminToken }, mirror: { url: 'postgres://127.0.0.1:9/app' } });
    const order = ordersOf(server.url);
    for (const url of ['postgres://127.0.0.1:9/app', 'ws://127.0.0.1:9/sync'])
      for (const followerToken of [adminToken, '', 'null'])
        expect((await order({ do: 'add', replica: { url }, followerToken })).status, url).toBe(403);
  });

  it('[RD-12] knows the addresses of those it has, whatever was tried in vain', async () => {
    const one = { id: 'one', url: 'ws://127.0.0.1:9/one' };
    const server = await host.server({ followers: { token }, admin: { token: adminToken }, replicas: [one] });
    const add = async (id: string, path: string) =>
      (await ordersOf(server.url)({ do: 'add', replica: { id, url: `ws://127.0.0.1:9/${path}` }, followerToken: token })).status;
    expect(await add('one', 'other')).toBe(400);
    expect(await add('two', 'one')).toBe(400);
    expect(await add('two', 'other')).toBe(200);
  });

  it('[RD-12] that cannot be is refused at the start, and leaves nothing locked', async () => {
    const wrong: readonly [object, RegExp][] = [
      [{ replicas: [{ url: 'ws://127.0.0.1:1/sync' }] }, /no follower token/],
      [{ followers: { token }, replicas: [{ url: 'postgres://127.0.0.1/alcove' }] }, /PostgreSQL/],
      [{ replicas: [{ url: 'ftp://x' }] }, /url/],
      [{ replicas: { strategy: 'luck' } }, /strategy/],
    ];
    for (const [options, message] of wrong) {
      const failed = host.server(options);
      await expect(failed).rejects.toMatchObject({ code: 'option_invalid' });
      await expect(failed).rejects.toThrow(message);
    }
    await host.server();
  });
});
