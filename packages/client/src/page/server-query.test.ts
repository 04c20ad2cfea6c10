import { AlcoveError } from '@alcove/core/error';
import type { Row } from '@alcove/core/sqlite/database';
import { sql } from 'drizzle-orm';
import { customType, sqliteTable } from 'drizzle-orm/sqlite-core';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ScriptedEngine } from '../../../../test/fake/scripted-engine.ts';
import { serverRows } from '../../../../test/fake/server-answers.ts';
import { stops, tripRoom } from '../../../../test/fake/trip-room.ts';
import { Client } from '../client.ts';
import type { ServerQuery } from './server-query.ts';

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function open() {
  const engine = new ScriptedEngine();
  const runtime = new FakeRuntime();
  const client = new Client({ url: 'ws://localhost:1/sync' }, { runtime, host: engine });
  clients.push(client);
  const room = client.room(tripRoom, 'japan');
  engine.live();
  const pass = (ms: number) => runtime.time.advanceAsync(ms);
  /** The newest question is answered. */
  const answer = async (version: number, ...cities: string[]) => {
    const rows = cities.map((city, index): Row => [`${index}`, city]);
    engine.reads.at(-1)?.resolve(serverRows(['id', 'city'], rows, version));
    await pass(0);
  };
  const refuse = async (error: AlcoveError) => {
    engine.reads.at(-1)?.reject(error);
    await pass(0);
  };
  /** The room goes on. */
  const moves = async (version: number) => {
    engine.live({ version, headVersion: version });
    await pass(0);
  };
  return { engine, runtime, client, room, pass, answer, refuse, moves, asked: () => engine.reads.length };
}

const cities = (room: ReturnType<typeof open>['room'], options: Parameters<typeof room.serverQuery>[1] = {}) =>
  room.serverQuery((db) => db.select({ id: stops.id, city: stops.city }).from(stops), options);

/** What a listener is shown, and how often. */
function listen<Row>(query: ServerQuery<Row>) {
  let told = 0;
  const stop = query.subscribe(() => {
    told += 1;
  });
  return { stop, told: () => told, now: () => query.getSnapshot() };
}

describe('a server query', () => {
  it('[WK-55] of one SQL text gives each builder rows with its own names', async () => {
    const { room, answer } = open();
    const [one, two] = [
      listen(cities(room)),
      listen(room.serverQuery((db) => db.select({ stop: stops.id, name: stops.city }).from(stops))),
    ];
    await answer(1, 'Kyoto');
    expect([one.now().data, two.now().data]).toEqual([undefined, [{ stop: '0', name: 'Kyoto' }]]);
  });

  it('[RD-56] is pending until it is answered, and says who answered, from which version, when', async () => {
    const { room, runtime, answer, asked } = open();
    expect(cities(room).getSnapshot()).toMatchObject({ status: 'pending', data: undefined, isFetching: false, replica: null });
    const one = listen(cities(room));
    await Promise.resolve();
    expect(asked()).toBe(1);
    expect(one.now()).toMatchObject({ status: 'pending', isFetching: true });
    await answer(1, 'Kyoto');
    expect(one.now()).toMatchObject({
      status: 'current',
      data: [{ id: '0', city: 'Kyoto' }],
      error: undefined,
      isFetching: false,
      truncated: false,
      replica: 'reader-1',
      lagVersions: 0,
      lagMs: 0,
      tookMs: 2,
      fetchedAtMs: runtime.nowMs(),
    });
  });

  it('[RD-56] is one for all that ask the same, whatever they want besides', async () => {
    const { room, answer, asked, pass } = open();
    const [one, two, three] = [listen(cities(room)), listen(cities(room)), listen(cities(room, { refreshMs: 60_000 }))];
    await pass(0);
    expect(asked()).toBe(1);
    await answer(1, 'Kyoto');
    expect(two.now()).toBe(one.now());
    expect(three.now()).toBe(one.now());
    expect(cities(room)).toBe(cities(room));
    listen(cities(room, { at: 'any' }));
    await pass(0);
    expect(asked()).toBe(2);
  });

  it('[RD-56] keeps rows, and their objects where they are the same, while it is asked again', async () => {
    const { room, answer } = open();
    const one = listen(cities(room));
    await answer(1, 'Kyoto', 'Osaka');
    const { data, refresh } = one.now();
    const refreshed = refresh();
    expect(one.now()).toMatchObject({ isFetching: true, status: 'current' });
    expect(one.now().data).toBe(data);
    await answer(1, 'Kyoto', 'Osaka');
    await refreshed;
    expect(one.now().data).toBe(data);
    void refresh();
    await answer(2, 'Kyoto', 'Nara');
    expect(one.now().data).toEqual([
      { id: '0', city: 'Kyoto' },
      { id: '1', city: 'Nara' },
    ]);
    expect(one.now().data?.[0]).toBe(data?.[0]);
    expect(one.now().refresh).toBe(refresh);
  });

  it('[RD-57] is `cached` once the room has gone on, and is not asked for that', async () => {
    const { room, answer, moves, asked, pass, engine } = open();
    const one = listen(cities(room));
    await answer(1, 'Kyoto');
    const told = one.told();
    await moves(2);
    await moves(3);
    await pass(60_000);
    expect(one.now()).toMatchObject({ status: 'cached', data: [{ city: 'Kyoto' }] });
    expect(one.told()).toBe(told + 1);
    expect(asked()).toBe(1);
    // Whoever comes makes it new.
    listen(cities(room));
    await pass(0);
    expect(asked()).toBe(2);
    await answer(3, 'Nara');
    expect(one.now()).toMatchObject({ status: 'current', data: [{ city: 'Nara' }] });
    engine.live({ connection: 'waiting' });
    expect(one.now().status).toBe('cached');
  });

  it('[RD-57] live, is asked after each move of the room, once in each debounce time however often it moves', async () => {
    const { room, answer, moves, asked, pass } = open();
    const one = listen(cities(room, { live: { debounceMs: 200 } }));
    await answer(1, 'Kyoto');
    await moves(2);
    await pass(199);
    expect(asked()).toBe(1);
    await pass(1);
    expect(asked()).toBe(2);
    // While it is asked nothing more is.
    for (let version = 3; version < 20; version++) {
      await moves(version);
      await pass(50);
    }
    expect(asked()).toBe(2);
    await answer(10, 'Nara');
    await pass(200);
    expect(asked()).toBe(3);
    await answer(25, 'Nara');
    await moves(24);
    await pass(60_000);
    expect(asked()).toBe(3);
    for (let version = 26; version < 126; version++) {
      await moves(version);
      await pass(20);
      if (one.now().isFetching) await answer(version, 'Nara');
    }
    expect(asked() - 3).toBeGreaterThanOrEqual(9);
    expect(asked() - 3).toBeLessThanOrEqual(11);
  });

  it('[RD-57] live, asks a replica that stays behind less and less often', async () => {
    const { room, answer, moves, asked, pass } = open();
    const one = listen(cities(room, { live: true, at: 'any' }));
    await answer(1, 'Kyoto');
    await moves(2);
    for (let ms = 0; ms < 300_000; ms += 100) {
      await pass(100);
      if (one.now().isFetching) await answer(1, 'Kyoto');
    }
    // 500 ms, then 1, 2, 4, 8, 16 s and every 30 s.
    expect(asked()).toBeGreaterThan(10);
    expect(asked()).toBeLessThan(20);
    expect(one.now().status).toBe('cached');
    const before = asked();
    await moves(3);
    await pass(600);
    expect(asked()).toBe(before + 1);
  });

  it('[RD-57] on an interval, is asked so long after each answer, by the shortest that is wanted', async () => {
    const { room, answer, asked, pass } = open();
    const slow = listen(cities(room, { refreshMs: 10_000 }));
    await answer(1, 'Kyoto');
    await pass(9_000);
    expect(asked()).toBe(1);
    const quick = listen(cities(room, { refreshMs: 1_000 }));
    await pass(0);
    expect(asked()).toBe(2);
    await pass(5_000);
    expect(asked()).toBe(2);
    await answer(1, 'Kyoto');
    await pass(1_000);
    expect(asked()).toBe(3);
    await answer(1, 'Kyoto');
    quick.stop();
    await pass(9_000);
    expect(asked()).toBe(3);
    await pass(1_000);
    expect(asked()).toBe(4);
    await answer(1, 'Kyoto');
    slow.stop();
    await pass(60_000);
    expect(asked()).toBe(4);
  });

  it('[RD-57] is not asked by itself while nobody looks at the page, and at once when somebody does again', async () => {
    const { room, client, answer, moves, asked, pass } = open();
    listen(cities(room, { refreshMs: 1_000, live: true }));
    await answer(1, 'Kyoto');
    client.hint('hidden');
    await moves(2);
    await pass(60_000);
    expect(asked()).toBe(1);
    client.hint('visible');
    await pass(1);
    expect(asked()).toBe(2);
  });

  it('[RD-58] on demand, is asked once more where it is being asked already', async () => {
    const { room, answer, asked, pass } = open();
    const one = listen(cities(room));
    const [first, second] = [one.now().refresh(), one.now().refresh()];
    await pass(0);
    expect(asked()).toBe(1);
    await answer(1, 'Kyoto');
    expect(one.now()).toMatchObject({ data: [{ city: 'Kyoto' }], isFetching: true });
    expect(asked()).toBe(2);
    await answer(1, 'Nara');
    await Promise.all([first, second]);
    expect(one.now()).toMatchObject({ data: [{ city: 'Nara' }], isFetching: false });
    expect(asked()).toBe(2);
  });

  it('[RD-58] that is not enabled is asked on demand only', async () => {
    const { room, answer, moves, asked, pass } = open();
    const one = listen(cities(room, { enabled: false, refreshMs: 100, live: true }));
    await moves(2);
    await pass(10_000);
    expect(asked()).toBe(0);
    expect(one.now()).toMatchObject({ status: 'pending', isFetching: false });
    void one.now().refresh();
    await answer(2, 'Kyoto');
    expect(one.now()).toMatchObject({ status: 'current', data: [{ city: 'Kyoto' }] });
    await moves(3);
    await pass(10_000);
    expect(asked()).toBe(1);
  });

  it('[RD-58] that failed keeps its rows, and where the connection was lost is asked when it is back', async () => {
    const { room, engine, answer, refuse, asked, pass } = open();
    const one = listen(cities(room));
    await answer(1, 'Kyoto');
    void one.now().refresh();
    await refuse(new AlcoveError('sql_failed', 'no'));
    expect(one.now()).toMatchObject({ status: 'error', error: { code: 'sql_failed' }, data: [{ city: 'Kyoto' }], isFetching: false });
    await pass(60_000);
    expect(asked()).toBe(2);
    engine.live({ connection: 'waiting' });
    void one.now().refresh();
    await refuse(new AlcoveError('connection_lost', 'away'));
    await pass(60_000);
    expect(asked()).toBe(3);
    engine.live();
    await pass(1);
    expect(asked()).toBe(4);
    await answer(1, 'Nara');
    expect(one.now()).toMatchObject({ status: 'current', error: undefined, data: [{ city: 'Nara' }] });
  });

  it('[RD-58] live, one that may be answered later is tried again by itself', async () => {
    const { room, refuse, answer, asked, pass } = open();
    const one = listen(cities(room, { live: true }));
    await refuse(new AlcoveError('replica_unavailable', 'none is up'));
    await pass(999);
    expect(asked()).toBe(1);
    await pass(1);
    expect(asked()).toBe(2);
    await answer(1, 'Kyoto');
    expect(one.now().status).toBe('current');
  });

  it('[RD-58] whose rows cannot be mapped has an error', async () => {
    const { room, engine, pass } = open();
    const broken = customType<{ data: string }>({
      dataType: () => 'text',
      fromDriver: () => {
        throw new TypeError('of the app');
      },
    });
    const odd = sqliteTable('odd', { id: broken().primaryKey() });
    const one = listen(room.serverQuery((db) => db.select().from(odd)));
    await pass(0);
    engine.reads[0]?.resolve(serverRows(['id'], [['x']]));
    await pass(0);
    expect(one.now()).toMatchObject({ status: 'error', isFetching: false, error: { message: expect.stringContaining('of the app') } });
  });

  it('[RD-59] listened to again within seconds, it is as it was; then nobody waits for it any more', async () => {
    const { room, engine, answer, asked, pass } = open();
    const query = cities(room);
    listen(query).stop();
    await pass(100);
    const again = listen(query);
    await pass(0);
    expect(asked()).toBe(1);
    await answer(1, 'Kyoto');
    again.stop();
    const third = listen(query);
    await pass(0);
    expect(asked()).toBe(1);
    expect(third.now().data).toEqual([{ id: '0', city: 'Kyoto' }]);
    void query.refresh();
    await pass(0);
    third.stop();
    await pass(4_999);
    expect(engine.ordered('endServerRead')).toEqual([]);
    await pass(1);
    expect(engine.ordered('endServerRead')).toEqual([{ type: 'endServerRead', call: engine.reads[1]?.call }]);
    expect(query.getSnapshot().isFetching).toBe(false);
  });

  it('[RD-59] an answer that comes when it was given up for another one is dropped', async () => {
    const { room, engine, asked, pass } = open();
    const query = cities(room);
    listen(query).stop();
    await pass(5_000);
    const again = listen(query);
    await pass(0);
    expect(asked()).toBe(2);
    engine.reads[1]?.resolve(serverRows(['id', 'city'], [['1', 'new']], 1));
    await pass(0);
    engine.reads[0]?.resolve(serverRows(['id', 'city'], [['1', 'old']], 1));
    await pass(0);
    expect(again.now().data).toEqual([{ id: '1', city: 'new' }]);
  });

  it('[RD-59] of a room that closes has an error, and asks no more', async () => {
    const { room, asked, pass } = open();
    const one = listen(cities(room, { refreshMs: 100 }));
    room.close();
    await pass(10_000);
    expect(one.now()).toMatchObject({ isFetching: false });
    expect(asked()).toBe(1);
    await one.now().refresh();
    expect(one.now()).toMatchObject({ status: 'error', error: { code: 'closed' } });
  });

  it('[RD-52] options that nobody reads are refused, and so are impossible ones', () => {
    const { room } = open();
    const wrong: [options: object, code: string][] = [
      [{ refresh: 100 }, 'option_invalid'],
      [{ refreshMs: 99 }, 'option_invalid'],
      [{ live: { debounce: 1 } }, 'option_invalid'],
      [{ live: { debounceMs: -1 } }, 'option_invalid'],
      [{ live: 'yes' }, 'option_invalid'],
      [{ enabled: 1 }, 'option_invalid'],
      [{ signal: new AbortController().signal }, 'option_invalid'],
      [{ at: 'yesterday' }, 'query_invalid'],
    ];
    for (const [options, code] of wrong) expect(() => room.serverQuery(sql`select 1`, options)).toThrow(expect.objectContaining({ code }));
    expect(() => Reflect.apply(room.serverQuery, undefined, ['nothing'])).toThrow(expect.objectContaining({ code: 'query_unknown' }));
    expectTypeOf(room.serverQuery(sql<{ n: number }>`select 1 as n`)).toEqualTypeOf<ServerQuery<{ n: number }>>();
  });
});
