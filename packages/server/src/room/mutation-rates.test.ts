import type { PushedMutation } from '@alcove/core/protocol/client-message';
import { afterEach, describe, expect, it } from 'vitest';
import { DrivenRoom, resultsIn } from '../../../../test/fake/driven-room.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import type { Database } from '@alcove/core/sqlite/database';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomLimits } from './room-options.ts';

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

const open = (limits: Partial<RoomLimits>): DrivenRoom => {
  const database = openDatabase(':memory:');
  databases.push(database);
  return new DrivenRoom({ room: tripRoom, database, options: { limits } });
};
const as = (sub: string) => ({ claims: { sub } });
const mutations = (connectionId: string, from: number, count: number): PushedMutation[] =>
  Array.from({ length: count }, (_, index) => ({ clientId: `c-${connectionId}`, mutationId: from + index, name: 'nothing' }));
const push = (driven: DrivenRoom, connectionId: string, from: number, count: number): void =>
  driven.room.receive(connectionId, JSON.stringify({ type: 'push', mutations: mutations(connectionId, from, count) }));

describe('how fast mutations may come', () => {
  it('[RM-41] a session past its rate is refused what is too much, told when it fits, and loses nothing by waiting', () => {
    const driven = open({ sessionMutationsPerSecondMax: 10, sessionMutationsBurst: 20 });
    driven.join('a');
    push(driven, 'a', 1, 50);
    expect(driven.takeOf('a', 'refused')).toMatchObject([{ mutationId: 21, expected: 21, code: 'rate_limited', retryAfterMs: 500 }]);
    driven.flush();
    expect(resultsIn(driven.take('a'))).toHaveLength(20);
    let next = 21;
    for (let turn = 0; next <= 50 && turn < 20; turn += 1) {
      driven.advance(500);
      push(driven, 'a', next, 51 - next);
      driven.flush();
      const results = resultsIn(driven.take('a'));
      expect(results.map(({ mutationId }) => mutationId)).toEqual([0, 1, 2, 3, 4].map((n) => next + n));
      next += results.length;
    }
    expect(next).toBe(51);
    expect(driven.ports.holds).toEqual([]);
    expect(driven.room.stats.limitsMet).toMatchObject({ sessionMutationsPerSecondMax: 6 });
  });

  it('[RM-41] a user has one budget over all sessions, and another user, in the same room, theirs', () => {
    const driven = open({ userMutationsPerSecondMax: 10, userMutationsBurst: 20 });
    for (const id of ['a1', 'a2', 'a3']) driven.join(id, {}, as('ann'));
    driven.join('b', {}, as('bob'));
    push(driven, 'a1', 1, 15);
    push(driven, 'a2', 1, 15);
    push(driven, 'a3', 1, 15);
    push(driven, 'b', 1, 15);
    expect(driven.takeOf('a1', 'refused')).toEqual([]);
    expect(driven.takeOf('a2', 'refused')).toMatchObject([{ mutationId: 6, code: 'rate_limited' }]);
    expect(driven.takeOf('a3', 'refused')).toMatchObject([{ mutationId: 1, code: 'rate_limited' }]);
    expect(driven.takeOf('b', 'refused')).toEqual([]);
    expect(driven.room.stats.limitsMet).toEqual({ userMutationsPerSecondMax: 2 });
  });

  it('[RM-41] those who are nobody in particular are told apart by client group', () => {
    const driven = open({ userMutationsPerSecondMax: 10, userMutationsBurst: 20 });
    driven.join('a');
    driven.join('b');
    push(driven, 'a', 1, 20);
    push(driven, 'b', 1, 20);
    driven.flush();
    expect([resultsIn(driven.take('a')).length, resultsIn(driven.take('b')).length]).toEqual([20, 20]);
  });

  it('[RM-41] a room past its rate refuses whoever comes', () => {
    const driven = open({ roomMutationsPerSecondMax: 10, roomMutationsBurst: 20 });
    driven.join('a');
    driven.join('b');
    push(driven, 'a', 1, 19);
    push(driven, 'b', 1, 2);
    expect(driven.takeOf('b', 'refused')).toMatchObject([{ mutationId: 2, code: 'rate_limited', retryAfterMs: 500 }]);
    expect(driven.room.stats.limitsMet).toEqual({ roomMutationsPerSecondMax: 1 });
  });

  it('[RM-42] who goes on pushing in spite of refusals is not read for a while, and nobody else', () => {
    const driven = open({ sessionMutationsPerSecondMax: 10, sessionMutationsBurst: 20 });
    driven.join('a');
    driven.join('b');
    for (let at = 0; at < 30; at += 1) push(driven, 'a', 1 + at * 100, 100);
    push(driven, 'b', 1, 20);
    expect(new Set(driven.ports.holds.map(({ connectionId }) => connectionId))).toEqual(new Set(['a']));
    expect(Math.max(...driven.ports.holds.map(({ ms }) => ms))).toBeGreaterThan(10_000);
    driven.flush();
    expect(resultsIn(driven.take('b'))).toHaveLength(20);
  });

  it('[RM-21] what waits of one user is bounded over all of their sessions, in mutations and bytes', () => {
    const driven = open({ userQueuedMutationsMax: 3, userQueuedBytesMax: 20_000 });
    for (const id of ['a1', 'a2']) driven.join(id, {}, as('ann'));
    driven.join('b', {}, as('bob'));
    push(driven, 'a1', 1, 2);
    push(driven, 'a2', 1, 2);
    expect(driven.takeOf('a2', 'refused')).toMatchObject([{ mutationId: 2, code: 'rate_limited', retryAfterMs: 1000 }]);
    driven.flush();
    driven.queue('a1', 3, 'nothing', 'x'.repeat(30_000)); // one alone always fits
    driven.queue('a2', 2, 'nothing', 'x'.repeat(30_000));
    driven.queue('b', 1, 'nothing', 'x'.repeat(15_000));
    expect(driven.takeOf('a1', 'refused')).toEqual([]);
    expect(driven.takeOf('a2', 'refused')).toMatchObject([{ mutationId: 2, code: 'rate_limited' }]);
    expect(driven.takeOf('b', 'refused')).toEqual([]);
    expect(driven.room.stats.limitsMet).toEqual({ userQueuedMutationsMax: 1, userQueuedBytesMax: 1 });
  });

  it('[RM-39] a mutation waits for one commit of another’s backlog at most', () => {
    const driven = open({ sessionQueuedMutationsMax: 10_000, userQueuedMutationsMax: 10_000 });
    driven.join('a', {}, as('ann'));
    driven.join('b', {}, as('bob'));
    for (let at = 0; at < 50; at += 1) push(driven, 'a', 1 + at * 100, 100);
    driven.flush();
    push(driven, 'b', 1, 1);
    driven.flush();
    expect(resultsIn(driven.take('b'))).toMatchObject([{ mutationId: 1, status: 'applied', version: 2 }]);
    while (driven.ports.flushRequests > 0) driven.flush();
    const ids = resultsIn(driven.take('a')).map(({ mutationId }) => mutationId);
    expect(ids).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });
});
