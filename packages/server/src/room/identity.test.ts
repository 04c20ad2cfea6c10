import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, resultsIn } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import type { RoomAccess } from '../access/access.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

const stop = (id: string): object => ({ id, city: `city ${id}` });
const as = (sub: string): RoomAccess => ({ claims: { sub } });
const DAY = 24 * 3600 * 1000;

describe('clients and groups of a room', () => {
  let database: Database;
  let runtime: FakeRuntime;
  let driven: DrivenRoom;

  const open = (options?: RoomOptions): DrivenRoom =>
    new DrivenRoom({ room: tripRoom, database, runtime, ...(options === undefined ? {} : { options }) });
  const clientIds = (): unknown[] =>
    database
      .prepare('SELECT client_id FROM alcove_clients ORDER BY 1')
      .all()
      .map(([id]) => id);
  const endedWith = (connectionId: string): string | undefined => driven.ports.disconnected.get(connectionId)?.code;

  beforeEach(() => {
    database = openDatabase(':memory:');
    runtime = new FakeRuntime();
    driven = open();
  });
  afterEach(() => database.close());

  describe('binding', () => {
    it('[RM-17] a group belongs to one subject, connected or not, restarted or not', () => {
      driven.join('ann', { groupId: 'g' }, as('ann'));
      driven.join('bob', { groupId: 'g' }, as('bob'));
      expect(endedWith('bob')).toBe('forbidden');
      driven.push('ann', 1, 'addStop', stop('s1'));
      driven.room.leave('ann');
      driven.join('bob2', { groupId: 'g' }, as('bob'));
      expect(endedWith('bob2')).toBe('forbidden');
      driven = open();
      driven.join('bob3', { groupId: 'g' });
      expect(endedWith('bob3')).toBe('forbidden');
      expect(driven.join('ann3', { groupId: 'g' }, as('ann'))[0]).toMatchObject({ type: 'welcome' });
    });

    it('[RM-17] a client belongs to one group: nobody else comes in as it, pushes for it, or ends it', () => {
      driven.join('ann', { clientId: 'c1', groupId: 'g' }, as('ann'));
      driven.push('ann', 1, 'addStop', stop('s1'), 'c1');
      driven.join('ann2', { clientId: 'c1', groupId: 'other' }, as('ann'));
      expect(endedWith('ann2')).toBe('forbidden');
      expect(endedWith('ann')).toBeUndefined();
      driven.join('bob', {}, as('bob'));
      const refused = driven.push('bob', 2, 'addStop', stop('s2'), 'c1');
      expect(refused.filter(({ type }) => type === 'refused')).toMatchObject([
        { clientId: 'c1', mutationId: 2, expected: 1, code: 'forbidden' },
      ]);
      driven.say('bob', { type: 'bye', clientIds: ['c1'] });
      driven.flush();
      expect(clientIds()).toEqual(['c1']);
      expect(database.prepare('SELECT id FROM stops').all()).toEqual([['s1']]);
    });

    it('[RM-18] a session pushes for the clients of its group, and their results go to the whole group', () => {
      driven.join('dead', { clientId: 'old', groupId: 'g' }, as('ann'));
      driven.push('dead', 1, 'addStop', stop('s1'), 'old');
      driven.room.leave('dead');
      const clients = [{ clientId: 'old', lastMutationId: 3, confirmed: 0, welcomed: 0 }];
      const [welcome] = driven.join('tab', { clientId: 'new', groupId: 'g', clients }, as('ann'));
      expect(welcome).toMatchObject({
        clients: [
          { clientId: 'old', lastMutationId: 1, state: 'known' },
          { clientId: 'new', state: 'new' },
        ],
      });
      expect(resultsIn(driven.push('tab', 2, 'addStop', stop('s2'), 'old'))).toMatchObject([
        { clientId: 'old', mutationId: 2, status: 'applied' },
      ]);
    });

    it('[RM-18] takes over clients that never came to push themselves', () => {
      const clients = [{ clientId: 'offline', lastMutationId: 1, confirmed: 0, welcomed: null }];
      expect(driven.join('tab', { groupId: 'g', clients })[0]).toMatchObject({
        clients: [{ clientId: 'offline', state: 'new' }, { clientId: 'c-tab' }],
      });
      expect(resultsIn(driven.push('tab', 1, 'addStop', stop('s1'), 'offline'))).toMatchObject([{ status: 'applied' }]);
    });

    it('[RM-27] ids that begin with $ are the room’s own', () => {
      driven.join('a');
      driven.room.receive('a', JSON.stringify({ type: 'push', mutations: [{ clientId: '$server:x', mutationId: 1, name: 'nothing' }] }));
      expect(endedWith('a')).toBe('bad_message');
    });
  });

  describe('connections', () => {
    it('[RM-22] the newer connection of a client takes over; the older one’s late end and frames harm nobody', () => {
      const [first] = driven.join('old', { clientId: 'c1' });
      const [second] = driven.join('new', { clientId: 'c1' });
      expect(endedWith('old')).toBe('session_replaced');
      expect(driven.takeOf('old', 'error')).toMatchObject([{ code: 'session_replaced' }]);
      expect((second as { sessionId: string }).sessionId).toBe((first as { sessionId: string }).sessionId);
      driven.room.leave('old');
      driven.queue('old', 1, 'addStop', stop('s1'), 'c1');
      driven.flush();
      expect(driven.room.stats).toMatchObject({ sessions: 1, version: 0 });
      expect(resultsIn(driven.push('new', 1, 'addStop', stop('s1'), 'c1'))).toMatchObject([{ status: 'applied' }]);
    });

    it('[RM-22] what the older connection had pushed before still counts', () => {
      driven.join('old', { clientId: 'c1' });
      driven.queue('old', 1, 'addStop', stop('s1'), 'c1');
      driven.join('new', { clientId: 'c1' });
      driven.flush();
      expect(resultsIn(driven.take('new'))).toMatchObject([{ mutationId: 1, status: 'applied' }]);
    });

    it('[RM-22] a refusal of what the older connection had pushed leaves no push of the newer one without an answer', () => {
      driven.join('old', { clientId: 'c1' });
      driven.queue('old', 2, 'addStop', stop('s2'), 'c1');
      driven.join('new', { clientId: 'c1' });
      driven.queue('new', 1, 'addStop', stop('s1'), 'c1');
      driven.queue('new', 2, 'addStop', stop('s2'), 'c1');
      driven.flush();
      expect(resultsIn(driven.take('new'))).toMatchObject([
        { mutationId: 1, status: 'applied' },
        { mutationId: 2, status: 'applied' },
      ]);
    });

    it('[AC-5] a sessionId is the room’s word: the same for a client’s connections, another in another room, none that tells the clientId', () => {
      const session = (room: DrivenRoom, connectionId: string, clientId: string): string =>
        (room.join(connectionId, { clientId })[0] as { sessionId: string }).sessionId;
      const here = session(driven, 'a', 'c1');
      expect(session(driven, 'b', 'c2')).not.toBe(here);
      expect(here).not.toContain('c1');
      driven.room.leave('a');
      expect(session(driven, 'a', 'c1')).toBe(here);
      const other = new DrivenRoom({ room: tripRoom, database: openDatabase(':memory:'), runtime });
      expect(session(other, 'a', 'c1')).not.toBe(here);
    });

    it('[AC-6] a session ends when its token runs out, unless a fresh one of the same user came', () => {
      driven.join('a', {}, { claims: { sub: 'ann' }, expiresInMs: 10_000 });
      driven.join('b', {}, { claims: { sub: 'bob' }, expiresInMs: 10_000 });
      driven.join('c', {}, { claims: { sub: 'cleo' }, expiresInMs: 10_000 });
      driven.say('a', { type: 'auth', token: 'fresh' });
      expect(driven.ports.renewals).toEqual([{ connectionId: 'a', token: 'fresh' }]);
      driven.room.renewAccess('a', { claims: { sub: 'ann', role: 'editor' } });
      expect(driven.take('a')).toMatchObject([{ type: 'user', user: { sub: 'ann', role: 'editor' } }]);
      driven.room.renewAccess('c', { claims: { sub: 'bob' } });
      expect(endedWith('c')).toBe('forbidden');
      driven.advance(10_001);
      expect([endedWith('a'), endedWith('b')]).toEqual([undefined, 'unauthenticated']);
    });

    it('[AC-6] what was pushed and has not run when the rights are gone does not run; it can be sent again', () => {
      driven.join('a', { clientId: 'c1' }, as('ann'));
      driven.queue('a', 1, 'addStop', stop('s1'), 'c1');
      driven.room.disconnect('a', new AlcoveError('forbidden', 'taken off the trip'));
      driven.flush();
      expect(driven.takeOf('a', 'error')).toMatchObject([{ code: 'forbidden' }]);
      expect(driven.room.stats).toMatchObject({ version: 0, queuedMutations: 0, queuedBytes: 0 });
      driven.join('a2', { clientId: 'c1' }, as('ann'));
      expect(resultsIn(driven.push('a2', 1, 'addStop', stop('s1'), 'c1'))).toMatchObject([{ status: 'applied' }]);
    });

    it('[RM-30] a silent session is ended, one that pings is not', () => {
      driven.join('a');
      driven.join('b');
      for (let step = 0; step < 6; step++) {
        driven.advance(10_000);
        expect(driven.say('a', { type: 'ping', at: step }).filter(({ type }) => type === 'pong')).toEqual([
          { type: 'pong', at: step, version: 0 },
        ]);
      }
      expect([endedWith('a'), endedWith('b')]).toEqual([undefined, 'idle_timeout']);
    });

    it('[HO-30] a session whose message is still arriving is alive, and told so', () => {
      driven.join('a');
      driven.take('a');
      for (let step = 0; step < 6; step++) {
        driven.advance(10_000);
        driven.room.arriving('a');
      }
      expect(driven.take('a').filter(({ type }) => type === 'pong')).toHaveLength(6);
      expect(endedWith('a')).toBeUndefined();
      driven.room.arriving('nobody');
    });

    it('[RM-30] a room takes a bounded number of sessions', () => {
      driven = open({ limits: { sessionsMax: 1 } });
      driven.join('a');
      driven.join('b');
      expect(endedWith('b')).toBe('overloaded');
      driven.room.leave('a');
      expect(driven.join('c')[0]).toMatchObject({ type: 'welcome' });
    });
  });

  describe('memory', () => {
    const bounds = { housekeepingIntervalMs: 60_000 };
    /** Keeps whoever is in awake. */
    const pass = (ms: number, awake: readonly string[] = []): void => {
      for (let left = ms; left > 0; left -= 30_000) {
        for (const connectionId of awake) driven.say(connectionId, { type: 'ping' });
        driven.advance(Math.min(left, 30_000));
      }
    };
    const welcomedAt = (clientId: string, version: number | null): unknown => {
      const clients = [{ clientId, lastMutationId: 5, confirmed: 1, welcomed: version }];
      driven.ports.disconnected.delete(`q-${clientId}`);
      const [welcome] = driven.join(`q-${clientId}`, { clientId, clients });
      const state = (welcome as { clients: { state: string }[] }).clients[0]?.state;
      driven.room.leave(`q-${clientId}`);
      return state;
    };

    it('[RM-15] a client is remembered for 30 days of silence, then client_unknown; one that was never here is new', () => {
      driven = open({ limits: bounds });
      for (const name of ['a', 'b']) {
        driven.join(name);
        driven.push(name, 1, 'nothing');
      }
      driven.room.leave('a');
      pass(60_000, ['b']);
      runtime.jumpWallTime(29 * DAY);
      pass(60_000, ['b']);
      expect(clientIds()).toEqual(['c-a', 'c-b']);
      runtime.jumpWallTime(2 * DAY);
      pass(60_000, ['b']);
      expect(clientIds()).toEqual(['c-b']);
      expect(welcomedAt('c-a', 0)).toBe('unknown');
      expect(welcomedAt('c-z', 1)).toBe('new');
      expect(welcomedAt('c-y', null)).toBe('new');
      driven.join('a', { clients: [{ clientId: 'c-a', lastMutationId: 2, confirmed: 1, welcomed: 0 }] });
      expect(driven.push('a', 2, 'addStop', stop('s')).filter(({ type }) => type === 'refused')).toMatchObject([
        { code: 'client_unknown' },
      ]);
      expect(driven.push('a', 1, 'addStop', stop('s')).filter(({ type }) => type === 'refused')).toMatchObject([
        { code: 'client_unknown' },
      ]);
      expect(database.prepare('SELECT count(*) FROM stops').get()).toEqual([0]);
    });

    it('[RM-15] past the bound in rows the longest silent go first, and never one that is connected', () => {
      driven = open({ limits: { ...bounds, clientsMax: 2 } });
      for (const name of ['a', 'b', 'c', 'd']) {
        driven.join(name);
        driven.push(name, 1, 'nothing');
        driven.advance(1_000);
      }
      for (const name of ['b', 'c', 'd']) driven.room.leave(name);
      pass(60_000, ['a']);
      expect(clientIds()).toHaveLength(2);
      expect(clientIds()).toContain('c-a');
    });

    it('[RM-15] an adopted client is as connected as the session that speaks for it, and one whose mutations wait is not forgotten', () => {
      driven = open({ limits: { ...bounds, clientsMax: 1 } });
      driven.join('dead', { clientId: 'a-old', groupId: 'g' });
      driven.push('dead', 1, 'addStop', stop('s1'), 'a-old');
      driven.room.leave('dead');
      driven.advance(1_000);
      driven.join('heir', {
        clientId: 'c-heir',
        groupId: 'g',
        clients: [{ clientId: 'a-old', lastMutationId: 1, confirmed: 0, welcomed: 0 }],
      });
      driven.push('heir', 1, 'nothing', null, 'c-heir');
      pass(120_000, ['heir']);
      expect(clientIds()).toEqual(['a-old', 'c-heir']);
      driven.queue('heir', 1, 'addStop', stop('s1'), 'a-old');
      driven.room.leave('heir');
      runtime.advance(120_000);
      driven.room.tick();
      driven.flush();
      expect(database.prepare('SELECT count(*) FROM stops').get()).toEqual([1]);
      expect(database.prepare("SELECT count(*) FROM alcove_log WHERE acks LIKE '%a-old%'").get()).toEqual([1]);
    });

    it('[RM-15] a push for a client that hello did not name counts as forgotten once anybody was', () => {
      driven = open({ limits: { ...bounds, clientsMax: 1 } });
      driven.join('a', { groupId: 'g' });
      expect(resultsIn(driven.push('a', 1, 'nothing', null, 'unnamed'))).toMatchObject([{ status: 'applied' }]);
      driven.join('b');
      driven.push('b', 1, 'nothing');
      driven.room.leave('b');
      pass(60_000, ['a']);
      expect(clientIds()).toEqual(['unnamed']);
      expect(driven.push('a', 1, 'nothing', null, 'another').filter(({ type }) => type === 'refused')).toMatchObject([
        { code: 'client_unknown' },
      ]);
    });

    it('[RM-16] bye frees the clients it names, once what they pushed has run, and takes the session out', () => {
      driven.join('a', { clientId: 'c1', groupId: 'g' });
      driven.join('watch', { groupId: 'g' });
      driven.push('a', 1, 'unheardOf', null, 'c1');
      driven.queue('a', 2, 'addStop', stop('s2'), 'c1');
      driven.say('a', { type: 'bye', clientIds: ['c1'] });
      expect(driven.room.stats.sessions).toBe(1);
      driven.flush();
      expect(database.prepare('SELECT id FROM stops').all()).toEqual([['s2']]);
      expect(clientIds()).toEqual([]);
      expect(database.prepare('SELECT count(*) FROM alcove_rejections').get()).toEqual([0]);
      expect(welcomedAt('c1', 0)).toBe('new');
    });

    it('[RM-16] a bye that names nobody leaves the client remembered, so that its outbox can be adopted', () => {
      driven.join('a', { clientId: 'c1' });
      driven.push('a', 1, 'nothing', null, 'c1');
      driven.say('a', { type: 'bye', clientIds: [] });
      driven.flush();
      expect(clientIds()).toEqual(['c1']);
      expect(driven.room.stats.sessions).toBe(0);
    });

    it('[RM-13] keeps the log within its bounds while the room runs, and waits with it for who reads along', () => {
      driven = open({
        limits: {
          ...bounds,
          housekeepingIntervalMs: 1_000,
          changeLogVersionsMax: 3,
          snapshotChunkRowsMax: 1,
          subscriberBacklogBytesMax: 1_000,
          subscriberBacklogMsMax: 100_000,
        },
      });
      driven.join('a');
      for (let mutationId = 1; mutationId <= 10; mutationId++) driven.push('a', mutationId, 'addStop', stop(`s${mutationId}`));
      driven.advance(1_000);
      expect(driven.room.stats.floor).toBe(7);
      driven.join('r', { snapshots: ['rows'] });
      driven.room.tick();
      driven.ports.buffered.set('r', 900);
      for (let mutationId = 11; mutationId <= 20; mutationId++) driven.push('a', mutationId, 'addStop', stop(`s${mutationId}`));
      driven.advance(5_000);
      expect(driven.room.stats.floor).toBe(10);
      driven.ports.buffered.set('r', 0);
      driven.advance(5_000);
      expect(driven.room.stats.floor).toBe(17);
      expect(driven.takeOf('r', 'commit').at(-1)).toMatchObject({ to: 20 });
    });
  });
});
