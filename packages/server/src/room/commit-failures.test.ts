import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { effects, tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

const stop = (id: string): object => ({ id, city: `city ${id}` });

describe('commits that fail', () => {
  let database: Database;
  let driven: DrivenRoom;

  const open = (options?: RoomOptions, over: Partial<ConstructorParameters<typeof DrivenRoom>[0]> = {}): DrivenRoom =>
    new DrivenRoom({ room: tripRoom, database, ...(options === undefined ? {} : { options }), ...over });
  const cities = (): unknown[] =>
    database
      .prepare('SELECT id FROM stops ORDER BY id')
      .all()
      .map(([id]) => id);

  beforeEach(() => {
    effects.length = 0;
    database = openDatabase(':memory:');
    driven = open();
    driven.join('a');
    driven.join('b');
  });
  afterEach(() => database.close());

  describe('a transaction that does not stand', () => {
    beforeEach(() => {
      database.exec(`CREATE TABLE extra (id text PRIMARY KEY, parent text REFERENCES stops (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER extra_no BEFORE INSERT ON extra WHEN NEW.id = 'ROLLBACK' BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END;`);
    });

    it.each([
      ['a mutation that rolls everything back', "insert into extra values ('ROLLBACK', null)", /not this one/],
      ['a deferred foreign key that fails with COMMIT', "insert into extra values ('x', 'nobody')", /FOREIGN KEY/],
    ])('[RM-9] runs each mutation again by itself and rejects only the guilty one: %s', (_, sql, message) => {
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.queue('b', 1, 'raw', { sql });
      driven.queue('a', 2, 'noted', { what: 'after' });
      driven.queue('b', 2, 'addStop', stop('s2'));
      driven.flush();
      expect(cities()).toEqual(['s1', 's2']);
      expect(resultsIn(driven.take('a')).map(({ status }) => status)).toEqual(['applied', 'applied']);
      expect(resultsIn(driven.take('b'))).toMatchObject([
        { mutationId: 1, status: 'rejected', code: 'constraint_failed', message: expect.stringMatching(message) },
        { mutationId: 2, status: 'applied' },
      ]);
      expect(effects).toEqual(['after']);
      expect(driven.room.stats.version).toBe(4);
      expect(resultsIn(driven.push('b', 1, 'raw', { sql }))).toMatchObject([{ status: 'rejected', code: 'constraint_failed' }]);
      database.exec('DROP TABLE extra');
      expect(() => open()).not.toThrow();
    });

    it('[RM-37] one by one they take no longer in one go than a transaction may; the rest goes on in order, after the others’ turn', () => {
      const commit = database.transaction.bind(database);
      database.transaction = (run) => {
        const outermost = !database.inTransaction;
        const result = commit(run);
        if (outermost) driven.runtime.advance(30);
        return result;
      };
      for (let mutationId = 1; mutationId <= 8; mutationId++) driven.queue('a', mutationId, 'addStop', stop(`s${mutationId}`));
      for (const id of [1, 2, 3]) driven.queue('b', id, 'raw', { sql: `insert into extra values ('x${id}', 'nobody')` });
      driven.say('b', { type: 'value', name: 'budget', value: 7, offer: 1 });
      driven.say('b', { type: 'bye', clientIds: ['c-b'] });
      driven.flush();
      expect(cities()).toEqual(['s1', 's2']);
      expect(driven.room.stats.queuedMutations).toBe(7);
      let turns = 1;
      for (; driven.ports.flushRequests > 0; turns++) driven.flush();
      expect(turns).toBeGreaterThan(2);
      expect(cities()).toHaveLength(8);
      expect(resultsIn(driven.take('a')).map(({ mutationId, status }) => [mutationId, status])).toEqual(
        [1, 2, 3, 4, 5, 6, 7, 8].map((mutationId) => [mutationId, 'applied']),
      );
      expect(database.prepare('SELECT client_id FROM alcove_clients').all()).toEqual([['c-a']]);
      expect(database.prepare('SELECT value FROM alcove_values').all()).toEqual([['7']]);
    });
  });

  describe('a disk that fails', () => {
    const pages = (): number => Number(database.prepare('PRAGMA page_count').get()?.[0]);
    const fill = (): void => void database.prepare(`PRAGMA max_page_count = ${pages()}`).all();
    const free = (): void => void database.prepare('PRAGMA max_page_count = 1000000').all();

    it('[RM-10] refuses with room_full where it is full, stores nothing of it, goes on reading and takes it later', async () => {
      driven.push('a', 1, 'addStop', stop('s1'));
      driven.take('b');
      fill();
      driven.queue('a', 2, 'addMany', { from: 0, count: 500, body: 'x'.repeat(100) });
      driven.queue('a', 3, 'addStop', stop('s3'));
      driven.flush();
      expect(driven.takeOf('a', 'refused')).toMatchObject([{ mutationId: 2, expected: 2, code: 'room_full', retryAfterMs: 1000 }]);
      expect(driven.room.stats.version).toBe(1);
      expect(database.prepare('SELECT count(*) FROM alcove_rejections').get()).toEqual([0]);
      expect(driven.join('c')[0]).toMatchObject({ type: 'welcome', version: 1 });
      expect(await driven.room.query((db) => db.select().from(tripRoom.schema.stops))).toHaveLength(1);
      expect(driven.ports.failures).toEqual([]);
      free();
      expect(resultsIn(driven.push('a', 2, 'addMany', { from: 0, count: 500, body: 'x'.repeat(100) }))).toMatchObject([
        { status: 'applied', version: 2 },
      ]);
    });

    it('[RM-10] refuses a server call the same way, and keeps values to be written', async () => {
      fill();
      const call = driven.room.mutate({ name: 'addMany', args: { from: 0, count: 500, body: 'x'.repeat(100) }, user: null });
      driven.flush();
      await expect(call).rejects.toMatchObject({ code: 'room_full', retryable: true });
      driven.say('a', { type: 'value', name: 'slow', value: 'y'.repeat(9_000), offer: 1 });
      driven.advance(6_000);
      expect(driven.room.stats).toMatchObject({ unwrittenValues: 1, version: 0 });
      free();
      driven.advance(2_000);
      expect(driven.room.stats).toMatchObject({ unwrittenValues: 0, version: 1 });
    });

    it.each(['room_failed', 'file_damaged'] as const)(
      '[RM-11] closes for good after %s, and acknowledges nothing from memory',
      async (code) => {
        driven.push('a', 1, 'addStop', stop('s1'));
        driven.take('b');
        const call = driven.room.mutate({ name: 'nothing', args: null, user: null });
        driven.queue('a', 2, 'addStop', stop('s2'));
        const transaction = database.transaction.bind(database);
        database.transaction = <T>(fn: () => T): T => {
          const result = transaction(fn);
          if (!database.inTransaction) throw new AlcoveError(code, 'disk I/O error at COMMIT');
          return result;
        };
        driven.flush();
        expect(typesOf(driven.take('b'))).toEqual(['error']);
        expect(driven.ports.disconnected.get('b')).toMatchObject({ code: 'room_failed' });
        expect(resultsIn(driven.take('a'))).toEqual([]);
        expect(driven.ports.failures).toMatchObject([{ code }]);
        await expect(call).rejects.toMatchObject({ code: 'unknown_outcome' });
        driven.queue('a', 3, 'addStop', stop('s3'));
        driven.flush();
        await expect(driven.room.mutate({ name: 'nothing', args: null, user: null })).rejects.toMatchObject({ code: 'room_failed' });
        expect(driven.ports.failures).toHaveLength(1);
        expect(driven.ports.head?.version).toBe(1);
      },
    );

    it('[RM-11] refuses all at once, retryably, while another process holds the file', () => {
      const transaction = database.transaction.bind(database);
      let tries = 0;
      database.transaction = () => {
        tries += 1;
        throw new AlcoveError('overloaded', 'database is locked');
      };
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.queue('b', 1, 'addStop', stop('s2'));
      driven.flush();
      expect(tries).toBe(1);
      expect(driven.takeOf('a', 'refused')).toMatchObject([{ code: 'overloaded', expected: 1 }]);
      expect(driven.takeOf('b', 'refused')).toMatchObject([{ code: 'overloaded', expected: 1 }]);
      database.transaction = transaction;
      expect(resultsIn(driven.push('a', 1, 'addStop', stop('s1')))).toMatchObject([{ status: 'applied' }]);
    });
  });
});
