import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spawnSource } from './child-server.ts';
import { PlainClient } from './plain-client.ts';
import { RelayWorld, stops, trip, until } from './relay-world.ts';
import { SwitchingProxy } from './switching-proxy.ts';
import { ThrottledProxy } from './throttled-proxy.ts';

let world: RelayWorld;
beforeEach(() => {
  world = new RelayWorld();
});
afterEach(() => world.end());

const roomAt = (url: string) => world.client(url).room(trip, 'japan');
type Room = ReturnType<typeof roomAt>;

async function proxyBefore(url: string): Promise<SwitchingProxy> {
  const proxy = await SwitchingProxy.before(url);
  world.onEnd(() => proxy.close());
  return proxy;
}

/** Pushes without a pause until it is told to stop; gives how many were called, once all are confirmed. */
function bumping(room: Room): () => Promise<number> {
  let isOver = false;
  const all: Promise<unknown>[] = [];
  const run = (async () => {
    while (!isOver) {
      all.push(room.mutate.bump({ id: 'n' }).confirmed);
      await Promise.race([new Promise((resolve) => setImmediate(resolve)), Promise.all(all.slice(-200, -150))]);
      if (all.length % 20 === 0) await Promise.all(all.slice(0, -100));
    }
  })();
  return async () => {
    isOver = true;
    await run;
    await Promise.all(all);
    return all.length;
  };
}

const countIn = (room: Room) => room.read((db) => db.select().from(stops));
const connected = (room: Room) => until(() => expect(room.status.getSnapshot().connection).toBe('connected'));

/** Moves happen while both push, and each only once the one before it has been seen to work. */
async function pushThrough(rooms: readonly Room[], moves: readonly (() => void | Promise<void>)[]): Promise<number> {
  const stops = rooms.map(bumping);
  for (const move of moves) {
    await move();
    const versions = rooms.map((room) => room.status.getSnapshot().version ?? 0);
    for (const [at, room] of rooms.entries())
      await until(() => expect(room.status.getSnapshot().version ?? 0).toBeGreaterThan((versions[at] ?? 0) + 3));
  }
  const counts = await Promise.all(stops.map((stop) => stop()));
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('tabs whose way is cut', () => {
  it('[FO-15] go from a follower to the primary, to another follower and back in the middle of pushes: nothing is lost, nothing is done twice', {
    timeout: 60_000,
  }, async () => {
    const primary = await world.primary();
    const followers = [await world.follower(primary.url), await world.follower(primary.url)];
    const balancer = await proxyBefore(followers[0]?.url ?? '');
    const rooms = [world.client(balancer.url).room(trip, 'japan'), world.client(primary.url).room(trip, 'japan')];
    await rooms[1]?.mutate.add({ id: 'n', city: 'Nara' }).confirmed;
    for (const room of rooms) await connected(room);
    const urls = [primary.url, ...followers.map(({ url }) => url), followers[0]?.url, primary.url, followers[1]?.url];
    const called = await pushThrough(
      rooms,
      urls.map((url) => () => balancer.switchTo(url ?? '')),
    );
    for (const room of rooms) await until(async () => expect((await countIn(room))[0]?.count).toBe(called));
    const [row] = await primary.room(trip, 'japan').query((db) => db.select().from(stops));
    expect(row?.count).toBe(called);
  });

  it('[FO-15] whose follower loses its primary, are told so, come again by themselves and go on where they were', {
    timeout: 60_000,
  }, async () => {
    const primary = await world.primary();
    const proxy = await proxyBefore(primary.url);
    const follower = await world.follower(proxy.url);
    const rooms = [0, 1].map(() => world.client(follower.url).room(trip, 'japan'));
    await rooms[0]?.mutate.add({ id: 'n', city: 'Nara' }).confirmed;
    for (const room of rooms) await connected(room);
    const plain = await PlainClient.join(follower.url, 'japan');
    const cut = () => {
      proxy.cut();
      proxy.mend();
    };
    const called = await pushThrough(rooms, [cut, cut, cut]);
    for (const room of rooms) await until(async () => expect((await countIn(room))[0]?.count).toBe(called));
    expect(await plain.end()).toEqual({ code: 1013, reason: 'primary_lost' });
    expect(await plain.heard('error')).toMatchObject({ code: 'primary_lost', retryAfterMs: expect.any(Number) });
    // While there is no primary whoever comes waits, and is then told to come again.
    expect(world.log.entries.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('[FO-7] is not taken for dead while a large commit is on its way over a slow link', async () => {
    const primary = await world.primary({ limits: { heartbeatIntervalMs: 200 } });
    await primary.rooms.create('trip', 'japan');
    const proxy = await ThrottledProxy.open(primary.url, 250_000);
    world.onEnd(() => proxy.close());
    const follower = await world.follower(proxy.url);
    await until(() => expect(follower.status()[0]?.phase).toBe('following'));
    const { connections } = proxy;
    await primary.room(trip, 'japan').mutate.add({ id: 'large', city: randomBytes(500_000).toString('base64') });
    await until(() => expect(follower.status()[0]?.head?.version).toBe(1));
    expect(proxy.connections).toBe(connections);
  });

  it('[FO-15] whose follower’s way hangs, are told so too, and find another', async () => {
    const primary = await world.primary({ limits: { heartbeatIntervalMs: 100, idleTimeoutMs: 60_000 } });
    const proxy = await proxyBefore(primary.url);
    const follower = await world.follower(proxy.url);
    const room = roomAt(follower.url);
    await room.mutate.add({ id: 'n', city: 'Nara' }).confirmed;
    const plain = await PlainClient.join(follower.url, 'japan');
    proxy.pause();
    const bumped = room.mutate.bump({ id: 'n' });
    await bumped.local;
    expect(await plain.end()).toEqual({ code: 1013, reason: 'primary_lost' });
    await bumped.confirmed;
    expect((await countIn(room))[0]?.count).toBe(1);
  });

  it('[FO-21] get into each room, there and at the primary, where more are followed than may be open', async () => {
    const primary = await world.primary({ limits: { openRoomsMax: 2 } });
    for (const id of ['a', 'b', 'c']) await primary.rooms.create('trip', id);
    const follower = await world.follower(primary.url);
    const shut = () => follower.status().filter(({ error }) => error?.code === 'overloaded');
    await until(() => expect(shut()).toHaveLength(1));
    for (const url of [primary.url, follower.url]) {
      await until(() => expect(shut()).toHaveLength(1));
      const id = shut()[0]?.id ?? '';
      const tab = new PlainClient(url);
      await tab.opened();
      tab.hello(id);
      await tab.heard('welcome');
      tab.push('add', { id: url, city: 'Nara' });
      await tab.result(1);
      tab.cut();
    }
  });

  it('[FO-15] are sent away by a follower that stops, and by one that takes a fresh copy', async () => {
    const primary = await world.primary();
    await primary.room(trip, 'japan').mutate.add({ id: 'n', city: 'Nara' });
    const follower = await world.follower(primary.url);
    await until(() => expect(follower.status()[0]?.phase).toBe('following'));
    const first = await PlainClient.join(follower.url, 'japan');
    expect(follower.status()[0]?.sessions).toBe(1);
    const answer = await fetch(`${follower.url.replace(/^ws/, 'http')}/resync`, {
      method: 'POST',
      headers: { authorization: 'Bearer a-follower-token-of-this-test' },
      body: JSON.stringify({ room: { name: 'trip', id: 'japan' } }),
    });
    expect(answer.ok).toBe(true);
    expect(await first.end()).toEqual({ code: 1013, reason: 'primary_lost' });
    const second = await PlainClient.join(follower.url, 'japan');
    expect(JSON.stringify(second.messages)).toContain('Nara');
    const closing = follower.close();
    expect(await second.end()).toEqual({ code: 1012, reason: 'draining' });
    await closing;
  });
});

describe('tabs of servers that are killed', () => {
  const file = fileURLToPath(new URL('./relay-process.ts', import.meta.url));

  async function start(...args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly url: string }> {
    const child = spawnSource(file, args);
    world.onEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    let out = '';
    for await (const bytes of child.stdout ?? []) {
      out += String(bytes);
      if (out.includes('\n')) break;
    }
    return { child, url: out.trim() };
  }

  async function kill({ child }: { readonly child: ChildProcess }): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it('[FO-15] follower or primary, in the middle of pushes: once both are back all is there, once', { timeout: 120_000 }, async () => {
    const [ofPrimary, ofFollower] = [world.directory(), world.directory()];
    let primary = await start(ofPrimary, '0');
    const port = (url: string) => new URL(url).port;
    let follower = await start(ofFollower, '0', primary.url);
    const rooms = [0, 1].map(() => world.client(follower.url).room(trip, 'japan'));
    await rooms[0]?.mutate.add({ id: 'n', city: 'Nara' }).confirmed;
    for (const room of rooms) await connected(room);
    const called = await pushThrough(rooms, [
      async () => {
        await kill(follower);
        follower = await start(ofFollower, port(follower.url), primary.url);
      },
      async () => {
        await kill(primary);
        primary = await start(ofPrimary, port(primary.url));
      },
    ]);
    const fresh = world.client(primary.url).room(trip, 'japan');
    for (const room of [...rooms, fresh]) await until(async () => expect((await countIn(room))[0]?.count).toBe(called));
  });
});
