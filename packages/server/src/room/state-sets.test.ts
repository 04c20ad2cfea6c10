import type { ServerMessage } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { afterEach, describe, expect, it } from 'vitest';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomLimits } from './room-options.ts';

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

const open = (limits: Partial<RoomLimits>): DrivenRoom => {
  const database = openDatabase(':memory:');
  databases.push(database);
  const driven = new DrivenRoom({ room: tripRoom, database, options: { limits } });
  for (const id of ['a', 'b']) driven.join(id);
  driven.advance(100);
  for (const id of ['a', 'b']) driven.take(id);
  return driven;
};
const cursorsSeen = (driven: DrivenRoom, by: string): unknown[] =>
  driven.takeOf(by, 'cursors').flatMap(({ entries }) => entries.map(({ state }) => state));
const point = (x: number) => ({ type: 'cursor', state: { x, y: 0 } }) as const;

describe('how fast states and values may come', () => {
  it('[EP-26] a flood of cursors ends with the last one, without a single error', () => {
    const driven = open({ sessionStatesPerSecondMax: 10, sessionStatesBurst: 10 });
    for (let x = 1; x <= 1_000; x += 1) expect(driven.say('a', point(x))).toEqual([]);
    driven.advance(50);
    expect(cursorsSeen(driven, 'b')).toEqual([{ x: 10, y: 0 }]);
    driven.advance(200);
    expect(cursorsSeen(driven, 'b')).toEqual([{ x: 1_000, y: 0 }]);
    expect(driven.room.stats.limitsMet).toEqual({ sessionStatesPerSecondMax: 990 });
  });

  it('[EP-26] a flood of offers takes the last one, is written once, and answers what was taken', () => {
    const driven = open({ sessionStatesPerSecondMax: 10, sessionStatesBurst: 10 });
    const answers: ServerMessage[] = [];
    for (let offer = 1; offer <= 100; offer += 1) answers.push(...driven.say('a', { type: 'value', name: 'budget', value: offer, offer }));
    driven.advance(5_000);
    answers.push(...driven.take('a'));
    const answered = answers.flatMap((answer) => (answer.type === 'valueTaken' ? [answer.offer] : []));
    expect(answered).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100]);
    expect(databases[0]?.prepare('SELECT value FROM alcove_values').all()).toEqual([['100']]);
  });

  it('[EP-26] what is put off counts when its session flushes, leaves or the room drains', () => {
    const written = (): unknown => databases.at(-1)?.prepare('SELECT key, value FROM alcove_values ORDER BY key').all();
    const flood = (driven: DrivenRoom): void => {
      for (let offer = 1; offer <= 5; offer += 1) driven.say('a', { type: 'value', name: 'budget', value: offer, offer });
    };
    const flushed = open({ sessionStatesPerSecondMax: 1, sessionStatesBurst: 1 });
    flood(flushed);
    flushed.say('a', { type: 'flush', name: 'budget' });
    flushed.flush();
    expect(written()).toEqual([['', '5']]);
    const left = open({ sessionStatesPerSecondMax: 1, sessionStatesBurst: 1 });
    flood(left);
    left.room.leave('a', 'clean');
    left.flush();
    expect(written()).toEqual([['', '5']]);
    const drained = open({ sessionStatesPerSecondMax: 1, sessionStatesBurst: 1 });
    flood(drained);
    drained.room.drain();
    expect(written()).toEqual([['', '5']]);
  });

  it('[EP-26] a cursor that was put off does not come back after its session has left', () => {
    const driven = open({ sessionStatesPerSecondMax: 1, sessionStatesBurst: 1 });
    for (const x of [1, 2, 3]) driven.say('a', point(x));
    driven.room.leave('a', 'clean');
    driven.advance(5_000);
    expect(driven.room.stats.states).toBe(0);
  });

  it('[EP-26] a user has one budget over all sessions; more different ones than may wait are refused, retryable, and the sender is slowed down', () => {
    const driven = open({ userStatesPerSecondMax: 5, userStatesBurst: 5, sessionEphemeralKeysMax: 1 });
    driven.join('c', {}, { claims: { sub: 'cat' } });
    driven.join('d', {}, { claims: { sub: 'cat' } });
    for (let x = 1; x <= 5; x += 1) driven.say('c', point(x));
    driven.say('d', point(9));
    expect(driven.room.stats.limitsMet).toEqual({ userStatesPerSecondMax: 1 });
    const errors = Array.from({ length: 100 }, (_, key) =>
      driven.say('d', { type: 'value', name: 'budget', key: `k${key}`, value: 1, offer: 1 + key }),
    ).flat();
    expect(errors).toHaveLength(100 - 64);
    expect(errors[0]).toMatchObject({
      type: 'error',
      code: 'rate_limited',
      re: 'value',
      name: 'budget',
      key: 'k64',
      offer: 65,
      retryAfterMs: 1000,
    });
    expect(driven.ports.holds.length).toBe(36);
    expect(driven.ports.disconnected.size).toBe(0);
  });
});

describe('sessions of a user', () => {
  it('[RM-43] are bounded in a room; others come in, and so does the same client again', () => {
    const driven = open({ userSessionsMax: 2 });
    const ann = { claims: { sub: 'ann' } };
    for (const id of ['1', '2']) expect(driven.join(id, {}, ann)[0]).toMatchObject({ type: 'welcome' });
    expect(driven.join('3', {}, ann)).toMatchObject([{ type: 'error', code: 'rate_limited', retryAfterMs: 1000 }]);
    expect(driven.join('4', {}, { claims: { sub: 'bob' } })[0]).toMatchObject({ type: 'welcome' });
    expect(driven.join('2b', { clientId: 'c-2' }, ann)[0]).toMatchObject({ type: 'welcome' });
    driven.room.leave('1', 'clean');
    expect(driven.join('5', {}, ann)[0]).toMatchObject({ type: 'welcome' });
    expect(driven.room.stats.limitsMet).toEqual({ userSessionsMax: 1 });
  });
});
