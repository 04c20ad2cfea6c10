import type { AlcoveServer } from '@alcove/server/node';
import { count, eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

describe('a server', () => {
  it('[HO-6][HO-27] takes a push from one client to the other, and both to the server’s own code', async () => {
    const server = await host.server();
    const one = await host.join(server.url, 'japan');
    const two = await host.join(server.url, 'japan');
    const result = await one.result(one.push('addStop', { id: 'a', city: 'Kyoto' }));
    expect(result).toMatchObject({ status: 'applied', version: 1 });
    expect(await two.heard('commit')).toMatchObject({ to: 1 });
    const { version } = await server.room(trip, 'japan').mutate.addStop({ id: 'b', city: 'Nara' });
    expect(version).toBe(2);
    await two.heard('commit', (message) => message['to'] === 2);
    const rows = await server.room(trip, 'japan').query((db) => db.select().from(stops).orderBy(stops.id));
    expect(rows).toEqual([
      { id: 'a', city: 'Kyoto', position: null },
      { id: 'b', city: 'Nara', position: null },
    ]);
  });

  it('[HO-27] server calls are rejected with their code, take effect once under a key, and name their user', async () => {
    const server = await host.server();
    const room = server.room('trip', 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Kyoto' });
    await expect(room.mutate.addStop({ id: 'a', city: 'again' })).rejects.toMatchObject({ code: 'constraint_failed' });
    // @ts-expect-error: the id is a string
    await expect(room.mutate.addStop({ id: 7, city: 'no text' })).rejects.toMatchObject({ code: 'arguments_invalid' });
    const options = { user: { sub: 'job' }, idempotencyKey: 'delivery-1' };
    const first = await room.mutate.whoAmI(undefined, options);
    expect(await room.mutate.whoAmI(undefined, options)).toEqual(first);
    expect(await room.query((db) => db.select({ n: count() }).from(stops).where(eq(stops.city, 'job')))).toEqual([{ n: 1 }]);
    expect(await room.query(sql<{ city: string }>`select city from stops where id = ${'a'}`)).toEqual([{ city: 'Kyoto' }]);
    await expect(room.query(sql`delete from stops`)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(room.query(sql`select * from nothing`)).rejects.toMatchObject({ code: 'sql_failed' });
    expect(() => server.room('plane', 'x')).toThrow(expect.objectContaining({ code: 'room_unknown' }));
    expect(() => server.room(trip, '../x')).toThrow(expect.objectContaining({ code: 'room_id_invalid' }));
    await expect(server.rooms.list('plane')).rejects.toMatchObject({ code: 'room_unknown' });
  });

  it('[HO-27] knows types from the definition', () => {
    const typed = (server: AlcoveServer<readonly [typeof trip]>): void => {
      const room = server.room(trip, 'japan');
      expectTypeOf(room.mutate.addStop).parameter(0).toEqualTypeOf<{ id: string; city: string }>();
      expectTypeOf(room.mutate.whoAmI).parameter(0).toEqualTypeOf<undefined>();
      expectTypeOf(room.query((db) => db.select({ city: stops.city }).from(stops))).resolves.toEqualTypeOf<{ city: string }[]>();
      // @ts-expect-error: there is no such mutator
      void room.mutate.fly;
    };
    expect(typed).toBeTypeOf('function');
  });

  it('past the idle bound rooms make place for others, and where none is idle the newcomer is told so', async () => {
    const server = await host.server({ limits: { openRoomsMax: 2 } });
    const one = await host.join(server.url, 'one');
    await server.room(trip, 'two').mutate.addStop({ id: 'a', city: 'Kyoto' });
    const three = await host.join(server.url, 'three');
    const four = host.client(server.url);
    await four.opened();
    four.hello('four');
    expect(await four.heard('error')).toMatchObject({ code: 'overloaded', retryAfterMs: expect.any(Number) });
    expect((await four.end()).code).toBe(1013);
    for (const client of [one, three]) await client.result(client.push('addStop', { id: 'b', city: 'Nara' }));
  });

  it('a reader that takes nothing is sent away, and nobody else notices', async () => {
    const limits = {
      subscriberBacklogBytesMax: 100_000,
      subscriberBacklogBytesHard: 400_000,
      subscriberBacklogMsMax: 500,
      drainPollMs: 20,
      // It reads the close frame when the rest of the test is over, however long this machine takes for that.
      closeTimeoutMs: 60_000,
    };
    const server = await host.server({ limits });
    const slow = await host.join(server.url, 'japan');
    const fast = await host.join(server.url, 'japan');
    slow.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    const city = 'x'.repeat(1000);
    for (let round = 0; round < 30; round += 1) await fast.result(fast.push('addMany', { prefix: `${city}${round}-`, count: 500 }));
    await expect.poll(async () => (await server.rooms.open('trip', 'japan')).sessions, { timeout: 20_000 }).toBe(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000);
    slow.socket.resume();
    expect((await slow.end()).code).toBe(4413);
  });

  it('two servers of one process do not know each other', async () => {
    const one = await host.server({ dataDir: `${host.dataDir}/one` });
    const two = await host.server({ dataDir: `${host.dataDir}/two` });
    await one.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    expect(await two.rooms.list('trip')).toEqual([]);
    expect(await two.room(trip, 'japan').query((db) => db.select().from(stops))).toEqual([]);
  });
});
