import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import type { AccessAction } from '../access/access.ts';
import { openDatabase } from '../host/node/open-database.ts';

const addStop = (mutationId: number): ClientMessageInput => ({
  type: 'push',
  mutations: [{ clientId: 'c-b', mutationId, name: 'addStop', args: { id: `s${mutationId}`, city: 'Kyoto' } }],
});

describe('rights in a room', () => {
  let database: Database;
  let driven: DrivenRoom;
  let asked: AccessAction[];
  let allowed: (action: AccessAction) => boolean;

  beforeEach(() => {
    database = openDatabase(':memory:');
    driven = new DrivenRoom({ room: tripRoom, database, runtime: new FakeRuntime() });
    asked = [];
    allowed = () => false;
    driven.join('a');
    const allows = (action: AccessAction): boolean => {
      asked.push(action);
      return allowed(action);
    };
    driven.join('b', {}, { claims: { sub: 'bob' }, allows });
    settle();
  });
  afterEach(() => database.close());

  const settle = (): void => {
    driven.advance(50);
    for (const connectionId of ['a', 'b']) driven.take(connectionId);
  };
  const stops = (): unknown => database.prepare('SELECT count(*) FROM stops').get()?.[0];

  it.each([
    [{ type: 'presence', state: { name: 'Bob' } }, { kind: 'presence' }, {}],
    [{ type: 'cursor', state: { x: 1, y: 2 } }, { kind: 'cursor' }, {}],
    [
      { type: 'ephemeral', name: 'typing', key: 'note 1', state: true },
      { kind: 'ephemeral', name: 'typing', key: 'note 1' },
      { name: 'typing', key: 'note 1' },
    ],
    [
      { type: 'flush', name: 'budget', key: 'k' },
      { kind: 'value', name: 'budget', key: 'k' },
      { name: 'budget', key: 'k' },
    ],
  ] as [ClientMessageInput, AccessAction, object][])(
    '[AC-10] are asked for %o, which is answered with forbidden and seen by nobody',
    (message, action, named) => {
      const answers = driven.say('b', message);
      driven.advance(50);
      expect(asked).toEqual([action]);
      expect(answers).toEqual([expect.objectContaining({ type: 'error', code: 'forbidden', re: message.type, ...named })]);
      expect(driven.take('a')).toEqual([]);
      expect(driven.say('b', { type: 'ping' })).toEqual([expect.objectContaining({ type: 'pong' })]);
    },
  );

  it('[AC-10] are asked each time: what was set while they were there stays until it expires, and may be taken back without', () => {
    allowed = () => true;
    driven.say('b', { type: 'presence', state: { name: 'Bob' } });
    driven.advance(50);
    expect(driven.takeOf('a', 'presence')).toHaveLength(1);
    allowed = () => false;
    expect(driven.say('b', { type: 'presence', state: { name: 'Bobby' } })).toEqual([expect.objectContaining({ code: 'forbidden' })]);
    driven.advance(50);
    expect(driven.take('a')).toEqual([]);
    driven.say('b', { type: 'presence', state: null });
    driven.advance(50);
    expect(driven.takeOf('a', 'presence').flatMap(({ entries }) => entries.map(({ state }) => state))).toEqual([null]);
  });

  it('[AC-13] that end while mutations wait: those do not run, and the presence is gone at once', () => {
    allowed = () => true;
    driven.say('b', { type: 'presence', state: { name: 'Bob' } });
    driven.advance(50);
    driven.take('a');
    driven.room.receive('b', JSON.stringify(addStop(1)));
    driven.room.disconnect('b', new AlcoveError('forbidden', 'out'));
    driven.room.flush();
    driven.advance(50);
    expect(stops()).toBe(0);
    expect(driven.takeOf('a', 'presence').flatMap(({ entries }) => entries.map(({ state }) => state))).toEqual([null]);
  });

  it('[AC-6] end with the token to the millisecond, whenever sessions are looked at', () => {
    driven.room.renewAccess('b', { claims: { sub: 'bob' }, expiresInMs: 20_000 });
    const isThere = (): boolean => driven.room.connected().some(({ user }) => user === 'bob');
    driven.advance(19_999);
    expect(isThere()).toBe(true);
    driven.advance(1);
    expect(isThere()).toBe(false);
  });

  it('[AC-6][AC-13] end with the token, also where the tick that says so is late: nothing that waits or comes is done', () => {
    driven.room.renewAccess('b', { claims: { sub: 'bob' }, expiresInMs: 100 });
    driven.room.receive('b', JSON.stringify(addStop(1)));
    driven.runtime.advance(100);
    driven.room.flush();
    expect(stops()).toBe(0);
    expect(driven.takeOf('b', 'error')).toEqual([expect.objectContaining({ code: 'unauthenticated' })]);
    driven.join('c', {}, { claims: { sub: 'carol' }, expiresInMs: 100 });
    driven.runtime.advance(100);
    expect(driven.say('c', { type: 'presence', state: { name: 'Carol' } })).toEqual([expect.objectContaining({ code: 'unauthenticated' })]);
    expect(driven.takeOf('a', 'presence')).toEqual([]);
  });

  it('[AC-13] are those of the moment a mutation runs, not of the moment it was pushed', () => {
    allowed = () => true;
    driven.room.receive('b', JSON.stringify(addStop(1)));
    allowed = ({ kind }) => kind !== 'mutate';
    driven.room.flush();
    driven.room.durable(driven.room.stats.version);
    expect(stops()).toBe(0);
    expect(driven.takeOf('b', 'results')).toEqual([
      { type: 'results', results: [expect.objectContaining({ status: 'rejected', code: 'forbidden' })] },
    ]);
  });

  it('[AC-6] that ran out while a mutation waited, whose connection was lost before, run nothing of it', () => {
    driven.join('c', {}, { claims: { sub: 'carol' }, expiresInMs: 100 });
    for (const mutationId of [1, 2]) driven.queue('c', mutationId, 'addStop', { id: `s${mutationId}`, city: 'Kyoto' });
    driven.room.leave('c', 'lost');
    driven.runtime.advance(101);
    driven.flush();
    expect(stops()).toBe(0);
    // She comes again, and sends them again.
    driven.join('c', {}, { claims: { sub: 'carol' } });
    for (const mutationId of [1, 2]) driven.push('c', mutationId, 'addStop', { id: `s${mutationId}`, city: 'Kyoto' });
    expect(stops()).toBe(2);
  });
});
