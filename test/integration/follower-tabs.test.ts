import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlainClient } from './plain-client.ts';
import { RelayWorld, stops, trip, until } from './relay-world.ts';

let world: RelayWorld;
beforeEach(() => {
  world = new RelayWorld();
});
afterEach(() => world.end());

/** Tabs on two followers, and one on the primary. */
async function three(id = 'japan') {
  const primary = await world.primary();
  await primary.rooms.create('trip', id);
  const followers = [await world.follower(primary.url), await world.follower(primary.url)];
  const urls = [...followers.map(({ url }) => url), primary.url];
  const rooms = urls.map((url) => world.client(url).room(trip, id));
  const [a, b, c] = rooms;
  if (a === undefined || b === undefined || c === undefined) throw new TypeError('three clients were made');
  return { primary, followers, rooms, a, b, c };
}

const rowsOf = (room: Awaited<ReturnType<typeof three>>['a']) => {
  const query = room.query((db) => db.select().from(stops).orderBy(stops.id));
  world.onEnd(query.subscribe(() => undefined));
  return query;
};

describe('tabs on followers', () => {
  it('[FO-10] see each other’s mutations: at once where they were called, then confirmed once, then everywhere', async () => {
    const { primary, rooms, a, b, c } = await three();
    const seen = rooms.map(rowsOf);
    await Promise.all(seen.map((query) => query.promise));
    const added = [a, b, c].map((room, at) => room.mutate.add({ id: `s${at}`, city: `city ${at}` }));
    await Promise.all(added.map((mutation) => mutation.local));
    await Promise.all(added.map((mutation) => mutation.confirmed));
    const all = [0, 1, 2].map((at) => ({ id: `s${at}`, city: `city ${at}`, count: 0 }));
    for (const query of seen) await until(() => expect(query.getSnapshot()).toMatchObject({ data: all, status: 'current' }));
    await Promise.all([a, b, c].flatMap((room) => Array.from({ length: 20 }, () => room.mutate.bump({ id: 's0' }).confirmed)));
    for (const query of seen) await until(() => expect(query.getSnapshot().data?.[0]).toMatchObject({ count: 60 }));
    expect(await primary.room(trip, 'japan').query((db) => db.select().from(stops))).toHaveLength(3);
    const refused = a.mutate.add({ id: 'x', city: 'Atlantis' });
    await expect(refused.confirmed).rejects.toMatchObject({ code: 'forbidden' });
    await until(() => expect(seen[0]?.getSnapshot().data).toHaveLength(3));
  });

  it('[FO-11] see each other: presence, cursors, states, values, and that somebody left', async () => {
    const { rooms, a, b, c } = await three();
    await until(() => rooms.forEach((room) => expect(room.status.getSnapshot().connection).toBe('connected')));
    for (const [at, room] of rooms.entries()) room.presence.set({ name: `tab ${at}` });
    const names = (room: typeof a) =>
      room.presence.others
        .getSnapshot()
        .map(({ state }) => state.name)
        .sort();
    for (const [at, room] of rooms.entries()) {
      world.onEnd(room.presence.others.subscribe(() => undefined));
      const others = [0, 1, 2].filter((one) => one !== at).map((one) => `tab ${one}`);
      await until(() => expect(names(room)).toEqual(others));
    }
    a.cursors.set({ x: 1, y: 2 });
    b.ephemeral('typing').set(true);
    world.onEnd(c.cursors.others.subscribe(() => undefined));
    world.onEnd(b.cursors.others.subscribe(() => undefined));
    world.onEnd(a.ephemeral('typing').others.subscribe(() => undefined));
    for (const room of [b, c])
      await until(() => expect(room.cursors.others.getSnapshot().map(({ state }) => state)).toEqual([{ x: 1, y: 2 }]));
    await until(() =>
      expect(
        a
          .ephemeral('typing')
          .others.getSnapshot()
          .map(({ state }) => state),
      ).toEqual([true]),
    );
    a.value('budget').set(70);
    for (const room of rooms) world.onEnd(room.value('budget').subscribe(() => undefined));
    for (const room of [b, c]) await until(() => expect(room.value('budget').getSnapshot().value).toBe(70));
    for (const room of rooms) room.value('likes').add(2);
    for (const room of rooms) world.onEnd(room.value('likes').subscribe(() => undefined));
    for (const room of rooms) await until(() => expect(room.value('likes').getSnapshot().value).toBe(6));
    a.close();
    await until(() => expect(names(b)).toEqual(['tab 2']));
    await until(() => expect(names(c)).toEqual(['tab 1']));
    await until(() => expect(b.cursors.others.getSnapshot()).toEqual([]));
  });

  it('[HO-48] are sessions of the primary, told from those of its own; followers are links', async () => {
    const { primary, followers, rooms, a } = await three();
    await until(() => rooms.forEach((room) => expect(room.status.getSnapshot().connection).toBe('connected')));
    // A socket of each follower, and that of the tab there.
    expect(primary.metrics()).toMatchObject({ connections: 3, openRooms: 1, sessions: 3, sessionsRelayed: 2, followerLinks: 2 });
    expect(await primary.rooms.open('trip', 'japan')).toMatchObject({ sessions: 3, sessionsRelayed: 2, followers: 2 });
    expect(await primary.sessions.list({ room: 'trip' })).toHaveLength(3);
    a.close();
    await until(() => expect(primary.metrics()).toMatchObject({ connections: 3, sessions: 2, sessionsRelayed: 1, followerLinks: 2 }));
    await followers[1]?.close();
    await until(() => expect(primary.metrics()).toMatchObject({ connections: 2, sessions: 1, sessionsRelayed: 0, followerLinks: 1 }));
  });

  it('[FO-12] read on the server through their follower, under the primary’s rules of reading', async () => {
    const { a } = await three();
    await a.mutate.add({ id: 's', city: 'Nara' }).confirmed;
    const { rows } = await a.sql((db) => db.select().from(stops), { at: a.bookmark() });
    expect(rows).toEqual([{ id: 's', city: 'Nara', count: 0 }]);
    await expect(a.sql((db) => db.select().from(stops), { at: 'b1.999.other' as never })).rejects.toMatchObject({ code: 'query_invalid' });
  });

  it('[FO-13] make rooms where they may: the primary is asked as for a tab of its own', async () => {
    const primary = await world.primary();
    const follower = await world.follower(primary.url);
    const [first, second] = [0, 1].map(() => world.client(follower.url).room(trip, 'new-here'));
    await first?.mutate.add({ id: 's', city: 'Nara' }).confirmed;
    const seen = second === undefined ? null : rowsOf(second);
    await until(() => expect(seen?.getSnapshot().data).toHaveLength(1));
    expect(await primary.rooms.list('trip')).toEqual(['new-here']);
    const narrow = await world.primary({ createOnJoin: false });
    const beside = await world.follower(narrow.url);
    const lost = world.client(beside.url).room(trip, 'nowhere');
    await until(() => expect(lost.status.getSnapshot().error).toMatchObject({ code: 'room_unknown' }));
    expect(await narrow.rooms.list('trip')).toEqual([]);
  });

  it('[FO-10] get a large room as an image from their follower, and after a pause what they have missed', { timeout: 60_000 }, async () => {
    const primary = await world.primary();
    const writer = primary.room(trip, 'japan');
    await writer.mutate.fill({ prefix: 'a', count: 5_000 });
    const follower = await world.follower(primary.url);
    const plain = new PlainClient(follower.url);
    await plain.opened();
    plain.hello('japan', { snapshots: ['image', 'rows'] });
    const { image } = await plain.heard('welcome');
    const address = new URL(image?.path ?? '', follower.url.replace(/^ws/, 'http'));
    const answer = await fetch(address, { headers: { authorization: `Bearer ${image?.ticket}` } });
    expect([answer.status, answer.headers.get('x-alcove-image-rows')]).toEqual([200, '5000']);
    // Its ticket is the follower's own.
    const elsewhere = new URL(image?.path ?? '', primary.url.replace(/^ws/, 'http'));
    expect((await fetch(elsewhere, { headers: { authorization: `Bearer ${image?.ticket}` } })).status).toBe(401);
    plain.cut();
    const room = world.client(follower.url).room(trip, 'japan');
    const count = async () => (await room.read((db) => db.select().from(stops))).length;
    await until(async () => expect(await count()).toBe(5_000));
    room.disconnect();
    for (let at = 0; at < 100; at += 1) await writer.mutate.add({ id: `later-${at}`, city: 'Nara' });
    room.reconnect();
    await until(async () => expect(await count()).toBe(5_100));
    expect(follower.status()).toMatchObject([{ room: 'trip', id: 'japan', phase: 'following', sessions: 1 }]);
    expect(follower.metrics()).toEqual({ connections: 1, sessions: 1, limitsMet: {} });
  });

  it('have a follower that moves the write-ahead logs of its files into them, past its bound without readers', async () => {
    const primary = await world.primary();
    const dataDir = world.directory();
    const limits = { sweepIntervalMs: 20, walBytesMax: 1_000_000 };
    const follower = await world.follower(primary.url, { dataDir, limits });
    const room = world.client(follower.url).room(trip, 'japan');
    const log = join(dataDir, 'rooms', 'trip', 'japan.sqlite-wal');
    await room.mutate.add({ id: 'before', city: 'Nara' }).confirmed;
    await primary.room(trip, 'japan').mutate.fill({ prefix: 'x'.repeat(300), count: 6_000 });
    await until(() => expect(statSync(log).size).toBe(0));
    await room.mutate.add({ id: 'after', city: 'Nara' }).confirmed;
  });
});
