import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { resolveRoomOptions } from './room-options.ts';

const HARD = 50_000;

describe('values while nothing can be written', () => {
  let database: Database;
  let driven: DrivenRoom;
  let offers = 0;

  const offer = (connectionId: string, name: string, key: string, value: unknown): ServerMessage[] =>
    driven.say(connectionId, { type: 'value', name, key, value: value as never, offer: ++offers });
  const fillDisk = (): void =>
    void database.prepare(`PRAGMA max_page_count = ${Number(database.prepare('PRAGMA page_count').get()?.[0])}`).all();
  const freeDisk = (): void => void database.prepare('PRAGMA max_page_count = 1000000').all();
  const rows = (): unknown[] => database.prepare('SELECT key, length(value) FROM alcove_values ORDER BY key').all();
  const refusal = { type: 'error', code: 'overloaded', re: 'value', retryAfterMs: 1_000 };

  beforeEach(() => {
    offers = 0;
    database = openDatabase(':memory:');
    const limits = { unwrittenValueBytesMax: 20_000, unwrittenValueBytesHard: HARD };
    driven = new DrivenRoom({ room: tripRoom, database, runtime: new FakeRuntime(), options: { limits } });
    for (const connectionId of ['a', 'b']) driven.join(connectionId);
    fillDisk();
  });
  afterEach(() => database.close());

  it('[EP-23] past the hard bound another one is refused for now, and what was taken is written once there is space', () => {
    const text = 'x'.repeat(9_000);
    const answers = Array.from({ length: 8 }, (_, index) => offer('a', 'slow', `k${index}`, text));
    expect(answers.slice(0, 5).flat()).toMatchObject(Array.from({ length: 5 }, () => ({ type: 'valueTaken' })));
    expect(answers.slice(5).flat()).toMatchObject(
      [5, 6, 7].map((index) => ({ ...refusal, name: 'slow', key: `k${index}`, offer: index + 1 })),
    );
    driven.advance(3_000);
    expect(driven.room.stats).toMatchObject({ unwrittenValues: 5, version: 0 });
    freeDisk();
    driven.advance(3_000);
    expect(rows()).toEqual([0, 1, 2, 3, 4].map((index) => [`k${index}`, 9_002]));
    expect(offer('a', 'slow', 'k5', text)).toMatchObject([{ type: 'valueTaken' }]);
    driven.advance(5_000);
    expect(rows()).toHaveLength(6);
  });

  it('[EP-23] at the bound a value may be set to what is no larger, and keeps what it was where more is refused', () => {
    for (let index = 0; index < 5; index++) offer('a', 'slow', `k${index}`, 'x'.repeat(9_000));
    expect(offer('a', 'slow', 'k0', 'y'.repeat(8_000))).toMatchObject([{ type: 'valueTaken' }]);
    expect(offer('a', 'slow', 'k1', 'y'.repeat(20_000))).toMatchObject([refusal]);
    freeDisk();
    driven.advance(3_000);
    expect(rows()).toEqual([['k0', 8_002], ...[1, 2, 3, 4].map((index) => [`k${index}`, 9_002])]);
  });

  it('[EP-23] counters likewise: a total that has no place is refused for now and counts once when it comes again', () => {
    const taken = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const key = `k${index}`;
      const [answer] = offer('a', 'likes', key, 2);
      if (answer?.type === 'valueTaken') taken.add(key);
      else expect(answer).toMatchObject({ ...refusal, name: 'likes', key });
    }
    expect(taken.size).toBeGreaterThan(20);
    expect(taken.size).toBeLessThan(100);
    expect(offer('a', 'likes', 'k0', 3)).toMatchObject([{ type: 'valueTaken' }]);
    freeDisk();
    driven.advance(3_000);
    for (let index = 0; index < 200; index++) {
      for (let again = 0; again < 2; again++) offer('a', 'likes', `k${index}`, index === 0 ? 3 : 2);
      driven.advance(1);
    }
    driven.advance(3_000);
    expect(database.prepare('SELECT count(*), min(value), sum(value) FROM alcove_values').get()).toEqual([200, '2', 401]);
  });

  it('[EP-23] clients that add to one counter count in what it holds', () => {
    const answers = Array.from({ length: 200 }, (_, index) => {
      driven.join(`c${index}`);
      return offer(`c${index}`, 'likes', '', 1);
    }).flat();
    const taken = answers.filter(({ type }) => type === 'valueTaken').length;
    expect(taken).toBeGreaterThan(20);
    expect(taken).toBeLessThan(150);
    freeDisk();
    driven.advance(3_000);
    expect(database.prepare('SELECT value FROM alcove_values').all()).toEqual([[String(taken)]]);
  });

  it('[EP-23] writing is tried once in a while, however much waits and is offered, and mutations do not wait for it', () => {
    let tries = 0;
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => {
      if (sql.startsWith('INSERT INTO alcove_values')) tries += 1;
      return prepare(sql);
    };
    for (let index = 0; index < 5; index++) offer('a', 'slow', `k${index}`, 'x'.repeat(9_000));
    driven.advance(10);
    expect(tries).toBeGreaterThan(0);
    tries = 0;
    for (let step = 0; step < 90; step++) {
      offer('b', 'slow', 'k0', 'y'.repeat(8_000));
      driven.advance(10);
    }
    expect(tries).toBe(0);
    driven.advance(2_000);
    expect(tries).toBeGreaterThan(0);
    expect(driven.room.stats.unwrittenValues).toBe(5);
  });

  it('[RM-24] the hard bound is not below the one at which values are written at once', () => {
    expect(() => resolveRoomOptions({ limits: { unwrittenValueBytesHard: 1_000_000 } })).toThrowError(
      /limits\.unwrittenValueBytesMax \(4000000\) must not be above limits\.unwrittenValueBytesHard \(1000000\)/,
    );
  });
});
