import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { effects, stops, tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';

describe('the server’s own calls', () => {
  let database: Database;
  let driven: DrivenRoom;
  const open = (): DrivenRoom => new DrivenRoom({ room: tripRoom, database });
  const flushed = async <T>(promise: Promise<T>): Promise<T> => {
    // Whoever awaits the promise looks at its rejection; it must not count as nobody's before.
    promise.catch(() => undefined);
    driven.flush();
    return promise;
  };
  const add = (id: string, idempotencyKey?: string): Promise<{ version: number }> =>
    driven.room.mutate({
      name: 'addStop',
      args: { id, city: 'x' },
      user: { sub: 'job' },
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
  const clients = (): unknown => database.prepare('SELECT count(*) FROM alcove_clients').get()?.[0];

  beforeEach(() => {
    effects.length = 0;
    database = openDatabase(':memory:');
    driven = open();
  });
  afterEach(() => database.close());

  it('[RM-19] run as $server, as the user they name, are told to readers, and leave no client behind', async () => {
    driven.join('a');
    expect(await flushed(add('s1'))).toEqual({ version: 1 });
    expect(driven.takeOf('a', 'commit')).toMatchObject([{ to: 1 }]);
    expect(database.prepare('SELECT id, by FROM stops').all()).toEqual([['s1', 'job']]);
    expect(clients()).toBe(0);
    const [acks] = database.prepare('SELECT acks FROM alcove_log').get() ?? [];
    expect(acks).toMatch(/^\[\["\$server:[^"]+",1\]\]$/);
  });

  it('[RM-19] with an idempotency key take effect once, across a restart, and give the first result again', async () => {
    expect(await flushed(add('s1', 'invoice 7'))).toEqual({ version: 1 });
    expect(await flushed(add('s2'))).toEqual({ version: 2 });
    expect(await flushed(add('other', 'invoice 7'))).toEqual({ version: 1 });
    await expect(flushed(add('s1', 'bad'))).rejects.toMatchObject({ code: 'constraint_failed' });
    driven = open();
    expect(await flushed(add('other', 'invoice 7'))).toEqual({ version: 1 });
    await expect(flushed(add('fine', 'bad'))).rejects.toMatchObject({ code: 'constraint_failed' });
    expect(database.prepare('SELECT id FROM stops ORDER BY id').all()).toEqual([['s1'], ['s2']]);
  });

  it('[RM-19] that fail leave nothing, and make no version without a key', async () => {
    await flushed(add('s1'));
    await expect(flushed(add('s1'))).rejects.toMatchObject({ code: 'constraint_failed' });
    await expect(flushed(driven.room.mutate({ name: 'no', args: null, user: null }))).rejects.toMatchObject({ code: 'mutator_unknown' });
    await expect(driven.room.mutate({ name: 'addStop', args: { id: Number.NaN }, user: null })).rejects.toMatchObject({
      code: 'arguments_invalid',
    });
    await expect(add('s2', '')).rejects.toMatchObject({ code: 'arguments_invalid' });
    expect(driven.room.stats.version).toBe(1);
  });

  it('[RM-19] write without a mutator, atomically', async () => {
    driven.join('a');
    const write = driven.room.transact((tx) => {
      tx.insert(stops).values({ id: 't1', city: 'x' }).run();
      tx.insert(stops).values({ id: 't2', city: 'y' }).run();
    });
    expect(await flushed(write)).toEqual({ version: 1 });
    expect(driven.takeOf('a', 'commit')).toMatchObject([
      {
        changes: [
          {
            table: 'stops',
            puts: [
              ['t1', 't2'],
              ['x', 'y'],
              [1, 1],
              [null, null],
            ],
          },
        ],
      },
    ]);
    const failing = driven.room.transact((tx) => {
      tx.insert(stops).values({ id: 't3', city: 'z' }).run();
      tx.insert(stops).values({ id: 't1', city: 'twice' }).run();
    });
    await expect(flushed(failing)).rejects.toMatchObject({ code: 'constraint_failed' });
    expect(database.prepare('SELECT count(*) FROM stops').get()).toEqual([2]);
  });

  it('[MU-20] refuse a write that was built and not run', async () => {
    const write = driven.room.transact((tx) => void tx.insert(stops).values({ id: 'lost', city: 'Oslo' }));
    await expect(flushed(write)).rejects.toMatchObject({ code: 'mutator_async', message: expect.stringContaining('table stops') });
  });

  it('[RM-19] read with a builder or sql, and only read', async () => {
    await flushed(add('s1'));
    expect(await driven.room.query((db) => db.select({ id: stops.id, nights: stops.nights }).from(stops))).toEqual([
      { id: 's1', nights: 1 },
    ]);
    expect(await driven.room.query(() => sql<{ n: number }>`select count(*) as n from stops`)).toEqual([{ n: 1 }]);
    await expect(driven.room.query(() => sql`delete from stops`)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(driven.room.query(() => sql`select nothing from stops`)).rejects.toMatchObject({ code: 'sql_failed' });
  });

  describe('the end of a room', () => {
    it('[RM-23][EP-11] drains: takes nothing new, writes what waits, tells it, then lets the sessions go with a spread retryAfterMs', async () => {
      driven.autoDurable = false;
      driven.join('a');
      driven.join('b');
      driven.queue('a', 1, 'addStop', { id: 's1', city: 'x' });
      const call = add('s2');
      driven.say('a', { type: 'value', name: 'slow', value: 'unwritten', offer: 1 });
      driven.room.drain();
      expect(driven.ports.disconnected.size).toBe(0);
      driven.queue('a', 2, 'addStop', { id: 's3', city: 'x' });
      driven.join('late');
      expect(driven.ports.disconnected.get('late')).toMatchObject({ code: 'draining' });
      await expect(add('s4')).rejects.toMatchObject({ code: 'draining' });
      driven.room.durable(driven.room.stats.version);
      expect(await call).toEqual({ version: 1 });
      expect(driven.take('a').map(({ type }) => type)).toEqual(['results', 'commit', 'error']);
      expect(driven.ports.disconnected.get('a')).toMatchObject({ code: 'draining', retryAfterMs: expect.any(Number) });
      expect(driven.ports.disconnected.get('a')?.retryAfterMs).not.toBe(driven.ports.disconnected.get('b')?.retryAfterMs);
      expect(driven.room.stats).toMatchObject({ sessions: 0, unwrittenValues: 0, queuedMutations: 0, isIdle: true });
      expect(database.prepare('SELECT value FROM alcove_values').all()).toEqual([['"unwritten"']]);
    });

    it('[RM-23] drains in several transactions where one does not hold everything', () => {
      driven = new DrivenRoom({ room: tripRoom, database, options: { limits: { commitMutationsMax: 2 } } });
      driven.join('a');
      for (let mutationId = 1; mutationId <= 5; mutationId++) driven.queue('a', mutationId, 'nothing');
      driven.room.drain();
      while (driven.ports.flushRequests > 0) driven.flush();
      expect(driven.room.stats).toMatchObject({ version: 3, sessions: 0 });
    });

    it('[RM-23] closes at once: what waits is refused, sessions end, later calls do nothing', async () => {
      driven.join('a');
      const call = add('s1');
      driven.room.close();
      driven.room.close();
      await expect(call).rejects.toMatchObject({ code: 'closed' });
      expect(driven.ports.disconnected.get('a')).toMatchObject({ code: 'closed' });
      driven.queue('a', 1, 'nothing');
      driven.flush();
      driven.room.tick();
      driven.join('b');
      expect(driven.ports.disconnected.get('b')).toMatchObject({ code: 'closed' });
      await expect(driven.room.query((db) => db.select().from(stops))).rejects.toMatchObject({ code: 'closed' });
      expect(driven.room.stats.version).toBe(0);
    });
  });
});
