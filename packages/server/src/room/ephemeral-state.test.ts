import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

describe('presence, cursors and ephemeral keys', () => {
  let database: Database;
  let runtime: FakeRuntime;
  let driven: DrivenRoom;
  const open = (limits: RoomOptions['limits'] & object = {}): DrivenRoom =>
    new DrivenRoom({ room: tripRoom, database, runtime, options: { limits } });
  const ids: Record<string, string> = {};
  const join = (connectionId: string, over: object = {}): void => {
    const [welcome] = driven.join(connectionId, over, { claims: { sub: `user-${connectionId}` } });
    ids[connectionId] = (welcome as ServerMessageOf<'welcome'>).sessionId;
  };
  const settle = (): void => {
    driven.advance(50);
    for (const connectionId of Object.keys(ids)) driven.take(connectionId);
  };
  const cursorsSeen = (connectionId: string): unknown[] =>
    driven.takeOf(connectionId, 'cursors').map(({ reset, entries }) => ({ reset, entries: entries.map(({ state }) => state) }));

  beforeEach(() => {
    database = openDatabase(':memory:');
    runtime = new FakeRuntime();
    driven = open();
    for (const connectionId of ['a', 'b']) join(connectionId);
    settle();
  });
  afterEach(() => database.close());

  it('[EP-1] are told to everybody, the own session too, with session and user from the connection and never from the payload', () => {
    driven.say('a', { type: 'presence', state: { name: 'Ann', sessionId: 'forged', userId: 'forged' } });
    driven.say('a', { type: 'ephemeral', name: 'typing', key: 'note 1', state: true });
    driven.advance(50);
    const entry = { sessionId: ids['a'], userId: 'user-a' };
    for (const reader of ['a', 'b']) {
      expect(driven.take(reader)).toEqual([
        { type: 'presence', reset: false, entries: [{ ...entry, state: { name: 'Ann' } }] },
        { type: 'ephemeral', reset: false, entries: [{ ...entry, name: 'typing', key: 'note 1', state: true }] },
      ]);
    }
  });

  it('[EP-2] come at most once a tick, the last value of each', () => {
    for (let x = 0; x < 100; x++) {
      driven.say('a', { type: 'cursor', state: { x, y: 0 } });
      if (x % 10 === 9) driven.advance(10);
    }
    driven.advance(50);
    const seen = cursorsSeen('b') as { entries: { x: number }[] }[];
    expect(seen.length).toBeLessThanOrEqual(3);
    expect(seen.at(-1)).toEqual({ reset: false, entries: [{ x: 99, y: 0 }] });
  });

  it('[EP-2] come at once where the last tick is long ago', () => {
    driven.advance(1_000);
    driven.say('a', { type: 'cursor', state: { x: 1, y: 1 } });
    driven.advance(0);
    expect(cursorsSeen('b')).toEqual([{ reset: false, entries: [{ x: 1, y: 1 }] }]);
  });

  it('[EP-3] a newcomer is told all there is, as a reset', () => {
    driven.say('a', { type: 'cursor', state: { x: 1, y: 1 } });
    settle();
    join('c');
    driven.advance(50);
    expect(driven.take('c')).toMatchObject([
      { type: 'presence', reset: true, entries: [] },
      { type: 'cursors', reset: true, entries: [{ sessionId: ids['a'] }] },
      { type: 'ephemeral', reset: true, entries: [] },
      { type: 'values', reset: true, entries: [] },
    ]);
    expect(driven.take('b')).toEqual([]);
  });

  it('[EP-4] a slow reader gets none while its socket is full, and then the last state of what it missed', () => {
    driven.ports.buffered.set('b', 300_000);
    for (let x = 0; x < 5; x++) {
      driven.say('a', { type: 'cursor', state: { x, y: 0 } });
      driven.advance(60);
    }
    driven.say('a', { type: 'presence', state: { name: 'Ann' } });
    driven.advance(60);
    driven.say('a', { type: 'presence', state: null });
    driven.advance(60);
    expect(driven.take('b')).toEqual([]);
    expect(driven.takeOf('a', 'cursors')).toHaveLength(5);
    driven.ports.buffered.set('b', 0);
    driven.advance(60);
    expect(driven.take('b')).toMatchObject([
      { type: 'presence', reset: false, entries: [{ sessionId: ids['a'], state: null }] },
      { type: 'cursors', reset: false, entries: [{ state: { x: 4, y: 0 } }] },
    ]);
  });

  it('[EP-3][EP-4] many of them are told in several messages, as the socket takes them', () => {
    const name = 'x'.repeat(3_000);
    for (let index = 0; index < 200; index++) {
      join(`many-${index}`);
      driven.say(`many-${index}`, { type: 'presence', state: { name: `${index}${name}` } });
    }
    driven.advance(50);
    join('late');
    driven.ports.buffered.set('late', 300_000);
    driven.advance(500);
    expect(driven.takeOf('late', 'presence')).toEqual([]);
    driven.ports.buffered.set('late', 0);
    driven.advance(50);
    const told = driven.takeOf('late', 'presence');
    expect(told.map(({ reset }) => reset)).toEqual([true, ...told.slice(1).map(() => false)]);
    expect(new Set(told.flatMap(({ entries }) => entries.map(({ sessionId }) => sessionId))).size).toBe(200);
    expect(Math.max(...told.map((message) => JSON.stringify(message).length))).toBeLessThan(150_000);
  });

  it('[EP-4] are dropped before commits are: a reader too slow for states still gets commits', () => {
    driven.ports.buffered.set('b', 300_000);
    driven.say('a', { type: 'cursor', state: { x: 1, y: 0 } });
    driven.push('a', 1, 'addStop', { id: 's1', city: 'x' });
    driven.advance(100);
    expect(driven.take('b').map(({ type }) => type)).toEqual(['commit']);
    expect(driven.ports.sent.get('a')?.filter(({ lane }) => lane === 'ephemeral').length).toBeGreaterThan(0);
  });

  it('[EP-5] expire by monotonic time: presence 60 s after the session’s last word, cursors and keys 30 s after their own', () => {
    driven.say('a', { type: 'presence', state: { name: 'Ann' } });
    driven.say('a', { type: 'cursor', state: { x: 1, y: 1 } });
    driven.say('a', { type: 'ephemeral', name: 'typing', state: true });
    settle();
    runtime.jumpWallTime(-365 * 24 * 3_600_000);
    const keepAwake = (ms: number): void => {
      for (let left = ms; left > 0; left -= 10_000) {
        driven.advance(10_000);
        driven.say('b', { type: 'ping' });
      }
    };
    driven.advance(20_000);
    driven.say('b', { type: 'ping' });
    driven.say('a', { type: 'ping' });
    keepAwake(10_000);
    driven.advance(50);
    expect(driven.take('b').filter(({ type }) => type !== 'pong')).toMatchObject([
      { type: 'cursors', entries: [{ state: null }] },
      { type: 'ephemeral', entries: [{ state: null }] },
    ]);
    driven.room.leave('a', 'lost');
    keepAwake(40_000);
    expect(driven.takeOf('b', 'presence')).toEqual([]);
    keepAwake(10_000);
    driven.advance(100);
    expect(driven.takeOf('b', 'presence')).toMatchObject([{ entries: [{ sessionId: ids['a'], state: null }] }]);
    expect(driven.room.stats.states).toBe(0);
  });

  it('[EP-6] vanish at once on a clean leave or bye, wait for the session to come back when its connection was lost, and do not double then', () => {
    driven.say('a', { type: 'presence', state: { name: 'Ann' } });
    settle();
    driven.room.leave('a', 'lost');
    driven.advance(50);
    expect(driven.take('b')).toEqual([]);
    join('a2', { clientId: 'c-a' });
    expect(ids['a2']).toBe(ids['a']);
    driven.say('a2', { type: 'presence', state: { name: 'Ann again' } });
    driven.advance(50);
    expect(driven.takeOf('b', 'presence')).toMatchObject([{ entries: [{ sessionId: ids['a'], state: { name: 'Ann again' } }] }]);
    expect(driven.room.stats.states).toBe(1);
    driven.room.leave('a2', 'clean');
    driven.advance(50);
    expect(driven.takeOf('b', 'presence')).toMatchObject([{ entries: [{ state: null }] }]);
    join('c');
    driven.say('c', { type: 'presence', state: { name: 'Cleo' } });
    settle();
    driven.say('c', { type: 'bye' });
    driven.advance(50);
    expect(driven.takeOf('b', 'presence')).toMatchObject([{ entries: [{ sessionId: ids['c'], state: null }] }]);
  });

  it.each<[string, object, string]>([
    ['presence of another shape', { type: 'presence', state: { name: 7 } }, 'state_invalid'],
    ['a cursor that is no number', { type: 'cursor', state: { x: null, y: 1 } }, 'state_invalid'],
    ['a key nobody defined', { type: 'ephemeral', name: 'constructor', state: true }, 'value_unknown'],
    ['too much', { type: 'presence', state: { name: 'x'.repeat(5_000) } }, 'state_too_large'],
  ])('[EP-7] refuse %s and keep what was set before', (_, message, code) => {
    driven.say('a', { type: 'presence', state: { name: 'Ann' } });
    settle();
    expect(driven.say('a', message as never)).toMatchObject([{ type: 'error', code, re: (message as { type: string }).type }]);
    driven.advance(100);
    expect(driven.take('b')).toEqual([]);
    expect(driven.room.stats.states).toBe(1);
  });

  it('[EP-8] are bounded by session and by room: the least recently set goes, and everybody is told', () => {
    driven = open({ sessionEphemeralKeysMax: 2, stateEntriesMax: 3 });
    for (const connectionId of ['a', 'b']) join(connectionId);
    settle();
    for (const key of ['1', '2', '3']) driven.say('a', { type: 'ephemeral', name: 'typing', key, state: true });
    driven.advance(60);
    expect(driven.takeOf('b', 'ephemeral')[0]?.entries.map(({ key, state }) => [key, state])).toEqual([
      ['2', true],
      ['3', true],
      ['1', null],
    ]);
    for (const key of ['4', '5']) driven.say('b', { type: 'ephemeral', name: 'typing', key, state: true });
    driven.advance(60);
    expect(driven.room.stats.states).toBe(3);
    expect(driven.takeOf('b', 'ephemeral')[0]?.entries.find(({ state }) => state === null)).toMatchObject({ key: '2' });
  });
});
