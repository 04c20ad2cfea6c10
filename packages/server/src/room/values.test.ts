import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

type Taken = ServerMessageOf<'valueTaken'>;

describe('debounced values', () => {
  let database: Database;
  let runtime: FakeRuntime;
  let driven: DrivenRoom;
  const open = (limits: RoomOptions['limits'] & object = {}): void => {
    driven = new DrivenRoom({ room: tripRoom, database, runtime, options: { limits } });
    for (const connectionId of ['a', 'b']) driven.join(connectionId, {}, { claims: { sub: `user-${connectionId}` } });
    driven.advance(50);
    for (const connectionId of ['a', 'b']) driven.take(connectionId);
  };
  /** The server process dies: what was only in memory is gone. */
  const crash = (): void => open();
  let offers = 0;
  const offer = (connectionId: string, name: string, value: unknown, over: object = {}): Taken => {
    const answers = driven.say(connectionId, { type: 'value', name, value: value as never, offer: ++offers, ...over });
    const taken = answers.find((message): message is Taken => message.type === 'valueTaken');
    if (taken === undefined) expect.fail(`not taken: ${JSON.stringify(answers)}`);
    return taken;
  };
  const rows = (): unknown[] => database.prepare('SELECT name, key, value FROM alcove_values ORDER BY 1, 2').all();
  const seqOf = (name: string): number => Number(database.prepare('SELECT seq FROM alcove_values WHERE name = ?').get([name])?.[0]);

  beforeEach(() => {
    offers = 0;
    database = openDatabase(':memory:');
    runtime = new FakeRuntime();
    open();
  });
  afterEach(() => database.close());

  it('[EP-9] are shown to everybody at once and become a commit to alcove_values', () => {
    const { seq } = offer('a', 'budget', 700, { key: 'food' });
    driven.advance(50);
    const entry = { name: 'budget', key: 'food', value: 700, seq, updatedBy: 'user-a' };
    expect(driven.take('b')).toMatchObject([{ type: 'values', reset: false, entries: [{ ...entry, written: false }] }]);
    expect(rows()).toEqual([]);
    driven.advance(1_000);
    expect(driven.take('b')).toMatchObject([
      { type: 'commit', to: 1, changes: [{ table: 'alcove_values', puts: [['budget'], ['food'], ['700'], [seq]] }] },
      { type: 'values', entries: [{ ...entry, written: true }] },
    ]);
    expect(driven.room.stats).toMatchObject({ unwrittenValues: 0, version: 1 });
  });

  it('[EP-10] are written at most once per interval under updates that never pause, and the last one stays', () => {
    for (let step = 0; step < 100; step++) {
      offer('a', 'budget', step);
      driven.advance(100);
    }
    expect(driven.room.stats.version).toBeGreaterThanOrEqual(9);
    expect(driven.room.stats.version).toBeLessThanOrEqual(10);
    driven.advance(1_000);
    expect(rows()).toEqual([['budget', '', '99']]);
  });

  it('[EP-10] are written at the latest one interval after the first unwritten change, by the interval of their name', () => {
    offer('a', 'budget', 1);
    offer('a', 'slow', 'x');
    driven.advance(999);
    expect(rows()).toEqual([]);
    driven.advance(1);
    expect(rows()).toEqual([['budget', '', '1']]);
    driven.advance(4_000);
    expect(rows()).toHaveLength(2);
    driven.advance(10_000);
    expect(driven.room.stats.version).toBe(2);
  });

  it('[EP-11] are written early on flush, on leave of who set them, and when too many bytes wait', () => {
    offer('a', 'slow', 'flushed');
    driven.say('b', { type: 'flush', name: 'slow' });
    driven.advance(0);
    expect(rows()).toEqual([['slow', '', '"flushed"']]);
    offer('a', 'slow', 'left');
    driven.room.leave('b', 'lost');
    driven.advance(0);
    expect(rows()).toEqual([['slow', '', '"flushed"']]);
    driven.room.leave('a', 'lost');
    driven.advance(0);
    expect(rows()).toEqual([['slow', '', '"left"']]);
    open({ unwrittenValueBytesMax: 1_000 });
    offer('a', 'slow', 'y'.repeat(2_000));
    driven.advance(0);
    expect(rows()).toEqual([['slow', '', JSON.stringify('y'.repeat(2_000))]]);
  });

  it('[EP-11] more of them than one commit holds are written in several', () => {
    const text = 'x'.repeat(95_000);
    const fill = (suffix: string): void => {
      for (let index = 0; index < 120; index++) offer('a', 'slow', text + suffix, { key: `k${index}` });
    };
    fill('1');
    driven.advance(1);
    expect(rows()).toHaveLength(120);
    fill('2');
    driven.advance(1);
    expect(driven.room.stats.unwrittenValues).toBe(0);
    expect(database.prepare(`SELECT count(*) FROM alcove_values WHERE value LIKE '%2"'`).get()).toEqual([120]);
    // Drained as well.
    fill('3');
    driven.room.drain();
    driven.advance(1);
    expect(driven.room.stats).toMatchObject({ unwrittenValues: 0, sessions: 0 });
  });

  it('[EP-11] a flush of what is written already changes nothing', () => {
    offer('a', 'budget', 1);
    driven.advance(1_000);
    driven.say('a', { type: 'flush', name: 'budget' });
    driven.say('a', { type: 'flush', name: 'no such value' });
    driven.advance(100);
    expect(driven.room.stats.version).toBe(1);
  });

  it('[EP-12] an offer that comes again is recognised by its seq, and never overwrites what was set later', () => {
    const first = offer('a', 'budget', 1);
    const second = offer('b', 'budget', 2);
    expect(second.seq).toBeGreaterThan(first.seq);
    expect(offer('a', 'budget', 1, { taken: first }).seq).toBe(first.seq);
    driven.advance(1_000);
    expect(offer('a', 'budget', 1, { taken: first }).seq).toBe(first.seq);
    driven.advance(2_000);
    expect(rows()).toEqual([['budget', '', '2']]);
    expect(driven.room.stats.version).toBe(1);
  });

  it('[EP-12] what a crash lost is taken anew from a setter that still knows it; what was written or set later is not', () => {
    const lost = offer('a', 'budget', 1);
    crash();
    expect(rows()).toEqual([]);
    const again = offer('a', 'budget', 1, { taken: lost });
    expect(again.seq).toBeGreaterThan(lost.seq);
    expect(again.boot).not.toBe(lost.boot);
    driven.advance(1_000);
    expect(rows()).toEqual([['budget', '', '1']]);
    const older = offer('a', 'budget', 3);
    crash();
    offer('b', 'budget', 4);
    expect(offer('a', 'budget', 3, { taken: older }).seq).toBe(older.seq);
    driven.advance(1_000);
    expect(rows()).toEqual([['budget', '', '4']]);
    expect(seqOf('budget')).toBeGreaterThan(older.seq);
  });

  it('[EP-12] seqs never repeat over restarts, whatever was written', () => {
    const seqs: number[] = [];
    for (let boot = 0; boot < 4; boot++) {
      for (let count = 0; count < 3; count++) seqs.push(offer('a', 'slow', `${boot}.${count}`).seq);
      if (boot % 2 === 0) driven.advance(5_000);
      crash();
    }
    expect([...seqs].sort((x, y) => x - y)).toEqual(seqs);
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(seqs.every(Number.isSafeInteger)).toBe(true);
  });

  describe('counters', () => {
    it('[EP-13] add up what several clients add at once', () => {
      offer('a', 'likes', 3);
      offer('b', 'likes', 2);
      offer('a', 'likes', 5);
      driven.advance(50);
      expect(driven.takeOf('b', 'values').at(-1)).toMatchObject({ entries: [{ value: 7 }] });
      driven.advance(1_000);
      expect(rows()).toEqual([['likes', '', '7']]);
      offer('b', 'likes', 1);
      driven.advance(1_000);
      expect(rows()).toEqual([['likes', '', '6']]);
    });

    it('[EP-14] count a total that is offered again once: unwritten, written, and after a crash at any point', () => {
      offer('a', 'likes', 3);
      offer('a', 'likes', 3);
      driven.advance(1_000);
      offer('a', 'likes', 3);
      driven.advance(1_000);
      expect(rows()).toEqual([['likes', '', '3']]);
      offer('a', 'likes', 10);
      crash();
      offer('a', 'likes', 10);
      offer('b', 'likes', 1);
      driven.advance(1_000);
      crash();
      offer('a', 'likes', 10);
      driven.advance(1_000);
      expect(rows()).toEqual([['likes', '', '11']]);
      expect(driven.room.stats.version).toBe(2);
    });

    it('[EP-14] ignore a total that is older than the one known, in memory and in the room’s file', () => {
      offer('a', 'likes', 5, { offer: 9 });
      offer('a', 'likes', 2, { offer: 8 });
      driven.advance(1_000);
      crash();
      offer('a', 'likes', 1, { offer: 3 });
      driven.advance(1_000);
      expect(rows()).toEqual([['likes', '', '5']]);
    });

    it('[EP-14] keep a client’s part for as long as the client is remembered, and bye ends both', () => {
      offer('a', 'likes', 4);
      driven.advance(1_000);
      expect(database.prepare('SELECT client_id, last_mutation_id FROM alcove_clients').all()).toEqual([['c-a', 0]]);
      offer('a', 'likes', 6);
      driven.say('a', { type: 'bye', clientIds: ['c-a'] });
      driven.advance(0);
      expect(rows()).toEqual([['likes', '', '6']]);
      expect(database.prepare('SELECT (SELECT count(*) FROM alcove_clients) + (SELECT count(*) FROM alcove_counters)').get()).toEqual([0]);
    });

    it('[EP-14] refuse a client that was forgotten, whose total would count twice', () => {
      offer('a', 'likes', 4);
      driven.advance(1_000);
      driven.room.leave('a');
      runtime.jumpWallTime(40 * 24 * 3_600_000);
      for (let step = 0; step < 3; step++) {
        driven.say('b', { type: 'ping' });
        driven.advance(30_000);
      }
      driven.join('a2', { clientId: 'c-a', clients: [{ clientId: 'c-a', lastMutationId: 0, confirmed: 0, welcomed: 0 }] });
      expect(driven.say('a2', { type: 'value', name: 'slow', value: 'x', offer: 49 })).toMatchObject([{ type: 'valueTaken' }]);
      const [answer] = driven.say('a2', { type: 'value', name: 'likes', value: 4, offer: 50 });
      expect(answer).toMatchObject({ type: 'error', code: 'client_unknown' });
      expect(answer).not.toHaveProperty('offer');
      driven.advance(2_000);
      expect(rows()).toContainEqual(['likes', '', '4']);
    });

    it.each([
      ['text', 'x'],
      ['nothing', null],
      ['more than a number holds', 1e300],
    ])('[EP-15] refuse %s', (_, value) => {
      expect(driven.say('a', { type: 'value', name: 'likes', value, offer: 1 })).toMatchObject([{ type: 'error', code: 'value_invalid' }]);
    });
  });

  it.each<[string, object, string]>([
    ['a value nobody defined', { name: 'constructor', value: 1 }, 'value_unknown'],
    ['a value of another type', { name: 'budget', value: 'much' }, 'value_invalid'],
    ['too large a value', { name: 'slow', value: 'x'.repeat(100_001) }, 'value_too_large'],
  ])('[EP-15] refuse %s, naming the offer', (_, message, code) => {
    const answer = driven.say('a', { type: 'value', key: 'k', offer: 7, ...message } as never);
    expect(answer).toMatchObject([{ type: 'error', code, re: 'value', key: 'k', offer: 7 }]);
    driven.advance(2_000);
    expect(rows()).toEqual([]);
  });

  it('[EP-15] hold a bounded number of keys; those there are can still be set', () => {
    open({ valueKeysMax: 2 });
    offer('a', 'budget', 1, { key: '1' });
    driven.advance(1_000);
    offer('a', 'budget', 1, { key: '2' });
    expect(driven.say('a', { type: 'value', name: 'budget', key: '3', value: 1, offer: 9 })).toMatchObject([
      { type: 'error', code: 'value_invalid' },
    ]);
    offer('a', 'budget', 2, { key: '1' });
    driven.advance(1_000);
    expect(rows()).toEqual([
      ['budget', '1', '2'],
      ['budget', '2', '1'],
    ]);
  });

  it('[AC-3] are set only by users who may', () => {
    driven.join('v', {}, { claims: null, allows: (action) => action.kind !== 'value' || action.name !== 'budget' });
    expect(driven.say('v', { type: 'value', name: 'budget', value: 1, offer: 1 })).toMatchObject([{ type: 'error', code: 'forbidden' }]);
    expect(driven.say('v', { type: 'value', name: 'slow', value: 'x', offer: 2 })).toMatchObject([{ type: 'valueTaken' }]);
  });

  it('[EP-10] are written in time though an earlier flush for something else found nothing due', () => {
    driven.say('a', { type: 'heard', clientId: 'c-a', upTo: 1 });
    driven.advance(500);
    offer('a', 'budget', 1);
    driven.say('a', { type: 'flush', name: 'slow' });
    driven.advance(1_000);
    expect(rows()).toEqual([['budget', '', '1']]);
  });

  it('[EP-10] are written once there is room at the gate again, where too much waits to be durable', () => {
    driven.autoDurable = false;
    for (let mutationId = 1; mutationId <= 256; mutationId++) {
      driven.queue('a', mutationId, 'nothing');
      driven.flush();
    }
    offer('a', 'budget', 1);
    driven.advance(1_500);
    expect(rows()).toEqual([]);
    driven.room.durable(256);
    driven.advance(1_500);
    expect(rows()).toEqual([['budget', '', '1']]);
  });

  it('[EP-16] are told to a newcomer as far as they are unwritten', () => {
    offer('a', 'budget', 5);
    driven.advance(1_000);
    offer('a', 'slow', 'now');
    driven.join('n');
    driven.advance(50);
    expect(driven.takeOf('n', 'values')).toMatchObject([{ reset: true, entries: [{ name: 'slow', value: 'now', written: false }] }]);
  });

  it('[EP-16] are not called written before the commit is durable, nor when they changed since', () => {
    driven.autoDurable = false;
    offer('a', 'budget', 1);
    driven.advance(1_100);
    expect(driven.takeOf('b', 'values')).toMatchObject([{ entries: [{ written: false }] }]);
    const { seq } = offer('a', 'budget', 2);
    driven.room.durable(1);
    driven.advance(60);
    expect(driven.takeOf('b', 'values')).toMatchObject([{ entries: [{ value: 2, seq, written: false }] }]);
  });
});
