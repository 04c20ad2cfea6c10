import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, resultsIn } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { ClientRows } from './client-rows.ts';
import type { RoomLimits } from './room-options.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('what a room remembers, and for how long', () => {
  let database: Database;
  let runtime: FakeRuntime;
  let driven: DrivenRoom;

  const open = (limits: Partial<RoomLimits>): void => {
    driven = new DrivenRoom({ room: tripRoom, database, runtime, options: { limits: { housekeepingIntervalMs: MINUTE, ...limits } } });
  };
  const ids = (): unknown[] =>
    database
      .prepare('SELECT client_id FROM alcove_clients ORDER BY 1')
      .all()
      .map(([id]) => id);
  /** Time passes; whoever is named stays awake. */
  const pass = (ms: number, awake: readonly string[] = []): void => {
    runtime.jumpWallTime(Math.max(0, ms - MINUTE));
    for (let step = 0; step < 2; step++) {
      for (const connectionId of awake) driven.say(connectionId, { type: 'ping' });
      driven.advance(MINUTE / 2);
    }
  };
  const visit = (name: string, groupId = `g-${name}`): void => {
    driven.join(name, { groupId });
    driven.push(name, 1, 'nothing');
  };
  const call = async (id: string, idempotencyKey: string): Promise<{ version: number }> => {
    const called = driven.room.mutate({ name: 'addStop', args: { id, city: 'x' }, user: null, idempotencyKey });
    driven.flush();
    return called;
  };

  beforeEach(() => {
    database = openDatabase(':memory:');
    runtime = new FakeRuntime();
  });
  afterEach(() => database.close());

  describe('clients', () => {
    it('[RM-35] the bound in rows is kept though the longest silent are all spoken for', () => {
      open({ clientsMax: 2 });
      visit('gone');
      driven.room.leave('gone');
      const put =
        database.prepare(`INSERT INTO alcove_clients (client_id, group_id, subject, last_mutation_id, last_version, first_version, seen_ms)
        VALUES (?, 'g', '', 1, 1, 1, ?)`);
      for (let tab = 0; tab < 5; tab++) {
        const named = Array.from({ length: 250 }, (_, index) => `old-${tab}-${index}`);
        for (const clientId of named) put.run([clientId, runtime.nowMs() - HOUR]);
        const clients = named.map((clientId) => ({ clientId, lastMutationId: 1, confirmed: 0, welcomed: 0 }));
        driven.join(`tab-${tab}`, { groupId: 'g', clients });
      }
      pass(MINUTE, ['tab-0', 'tab-1', 'tab-2', 'tab-3', 'tab-4']);
      expect(ids()).toHaveLength(1250);
      expect(ids()).not.toContain('c-gone');
    });

    it('[RM-35] a session that leaves dates its clients to the moment', () => {
      open({ clientsMax: 1 });
      visit('long');
      visit('short');
      runtime.jumpWallTime(HOUR);
      driven.room.leave('short');
      runtime.jumpWallTime(HOUR);
      driven.room.leave('long');
      pass(MINUTE);
      expect(ids()).toEqual(['c-long']);
    });

    it('[RM-35] so does a room that drains, for who is in it and who left it just before', () => {
      open({ clientRetentionMs: 30 * DAY });
      visit('here');
      visit('left');
      runtime.jumpWallTime(20 * HOUR);
      driven.room.leave('left');
      driven.room.drain();
      const seen = database.prepare('SELECT client_id, seen_ms FROM alcove_clients ORDER BY 1').all();
      expect(seen).toEqual([
        ['c-here', runtime.nowMs()],
        ['c-left', runtime.nowMs()],
      ]);
    });

    it('[RM-35] a client of the group that the session pushed for without naming it in hello is spoken for too', () => {
      open({ clientsMax: 1 });
      driven.join('a', { groupId: 'g' });
      driven.push('a', 1, 'nothing', null, 'adopted');
      driven.push('a', 1, 'nothing');
      visit('b');
      driven.room.leave('b');
      pass(40 * DAY, ['a']);
      expect(ids()).toEqual(['adopted', 'c-a']);
      expect(resultsIn(driven.push('a', 2, 'nothing', null, 'adopted'))).toMatchObject([{ status: 'applied' }]);
    });

    it('[RM-35] of those that a hello names and nobody ever pushed for, nothing is kept in mind when it leaves', () => {
      open({});
      visit('a', 'g');
      const names = (visit: number): string[] => Array.from({ length: 256 }, (_, index) => `never-${visit}-${index}`);
      for (let again = 0; again < 20; again++) {
        const clients = names(again).map((clientId) => ({ clientId, lastMutationId: 0, confirmed: 0, welcomed: null }));
        driven.join(`x-${again}`, { clientId: 'c-a', groupId: 'g', clients });
        driven.room.leave(`x-${again}`);
      }
      const touch = vi.spyOn(ClientRows.prototype, 'touch');
      pass(MINUTE);
      expect(touch.mock.calls.map(([{ clientId }]) => clientId)).toEqual(['c-a']);
      touch.mockRestore();
    });

    it('[RM-35] naming another group’s client keeps nothing', () => {
      open({});
      visit('a');
      driven.room.leave('a');
      driven.join('thief', { groupId: 'other', clients: [{ clientId: 'c-a', lastMutationId: 1, confirmed: 0, welcomed: 0 }] });
      pass(32 * DAY, ['thief']);
      expect(ids()).toEqual([]);
    });

    it('[RM-35] one whose total waits to be written is not forgotten, so that it counts once', () => {
      open({ clientsMax: 1 });
      visit('a');
      visit('b');
      driven.say('a', { type: 'value', name: 'likes', value: 2, offer: 1 });
      driven.advance(1_000);
      driven.say('a', { type: 'value', name: 'likes', value: 5, offer: 2 });
      driven.room.leave('a');
      driven.ports.flushRequests = 0; // the host is slow to flush
      runtime.advance(2 * MINUTE);
      driven.room.tick();
      expect(ids()).toContain('c-a');
      driven.flush();
      expect(database.prepare('SELECT value FROM alcove_values').all()).toEqual([['5']]);
    });
  });

  describe('idempotency keys', () => {
    it('[RM-36] have a bound of their own: no browser is forgotten for them, and nobody is taken for forgotten', async () => {
      open({ clientsMax: 2, idempotencyKeysMax: 3 });
      visit('offline');
      driven.room.leave('offline');
      runtime.jumpWallTime(HOUR);
      for (let index = 0; index < 10; index++) {
        await call(`s${index}`, `job ${index}`);
        runtime.jumpWallTime(1_000);
      }
      pass(MINUTE);
      expect(ids()).toEqual(['$key:job 7', '$key:job 8', '$key:job 9', 'c-offline']);
      const clients = [{ clientId: 'viewer', lastMutationId: 1, confirmed: 0, welcomed: 0 }];
      expect(driven.join('v', { clientId: 'viewer', clients })[0]).toMatchObject({ clients: [{ clientId: 'viewer', state: 'new' }] });
      expect(await call('other', 'job 9')).toEqual({ version: 11 });
      expect(await call('again', 'job 0')).toEqual({ version: 12 });
    });

    it('[RM-36] browsers do not push them out either', async () => {
      open({ clientsMax: 1, idempotencyKeysMax: 5 });
      await call('s', 'job');
      for (const name of ['a', 'b', 'c']) {
        runtime.jumpWallTime(1_000);
        visit(name);
        driven.room.leave(name);
      }
      pass(MINUTE);
      expect(ids()).toEqual(['$key:job', 'c-c']);
    });

    it('[RM-36] are remembered for 30 days after the last call under them', async () => {
      open({ clientRetentionMs: 1_000 });
      await call('s1', 'kept');
      await call('s2', 'let go');
      pass(20 * DAY);
      expect(await call('other', 'kept')).toEqual({ version: 1 });
      pass(20 * DAY);
      expect(ids()).toEqual(['$key:kept']);
      expect(await call('other', 'kept')).toEqual({ version: 1 });
      expect(await call('s3', 'let go')).toEqual({ version: 3 });
    });

    it('[RM-36] are not forgotten while a call under them waits', async () => {
      open({ idempotencyKeysMax: 1 });
      await call('s1', 'first');
      runtime.jumpWallTime(1_000);
      await call('s2', 'second');
      const again = driven.room.mutate({ name: 'addStop', args: { id: 's9', city: 'x' }, user: null, idempotencyKey: 'first' });
      runtime.advance(2 * MINUTE);
      driven.room.tick();
      driven.flush();
      expect(await again).toEqual({ version: 1 });
    });
  });
});
