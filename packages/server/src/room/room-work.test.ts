import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';

describe('figures of what a room does', () => {
  let database: Database;
  let driven: DrivenRoom;

  beforeEach(() => {
    database = openDatabase(':memory:');
    const options = { limits: { stateEntriesMax: 2, sessionEphemeralKeysMax: 1, cursorTtlMs: 1_000 } };
    driven = new DrivenRoom({ room: tripRoom, database, runtime: new FakeRuntime(), options });
    for (const connectionId of ['a', 'b', 'c']) driven.join(connectionId, {}, { claims: { sub: connectionId } });
  });
  afterEach(() => database.close());

  it('[HO-43] values: updates that came and rows that were written for them', () => {
    for (let offer = 1; offer <= 60; offer++) {
      driven.say('a', { type: 'value', name: 'budget', value: offer, offer });
      driven.advance(10);
    }
    expect(driven.room.stats).toMatchObject({ unwrittenValues: 1, work: { valueUpdates: 60, valueWrites: 0, commits: 0 } });
    expect(driven.room.stats.unwrittenValueBytes).toBeGreaterThan(500);
    driven.advance(1_000);
    expect(driven.room.stats).toMatchObject({
      unwrittenValues: 0,
      unwrittenValueBytes: 0,
      work: { valueUpdates: 60, valueWrites: 1, commits: 1, mutations: 0 },
    });
    // Said once more, it is no update.
    driven.say('a', { type: 'value', name: 'likes', value: 1, offer: 61 });
    driven.say('a', { type: 'value', name: 'likes', value: 1, offer: 61 });
    expect(driven.room.stats.work.valueUpdates).toBe(61);
  });

  it('[HO-43] states: sizes by kind, sets, and what went for want of room or of a sign', () => {
    const cursor = (connectionId: string, x: number): void => void driven.say(connectionId, { type: 'cursor', state: { x, y: 0 } });
    driven.say('a', { type: 'presence', state: { name: 'Ann' } });
    cursor('a', 1);
    cursor('a', 22);
    const one = driven.room.stats.stateSizes.cursors.bytes;
    cursor('b', 22);
    expect(driven.room.stats.stateSizes).toMatchObject({
      presence: { entries: 1 },
      cursors: { entries: 2 },
      keys: { entries: 0, bytes: 0 },
    });
    expect(driven.room.stats.stateSizes.cursors.bytes).toBe(2 * one);
    cursor('c', 22);
    driven.say('a', { type: 'ephemeral', name: 'typing', key: 'one', state: true });
    driven.say('a', { type: 'ephemeral', name: 'typing', key: 'two', state: true });
    expect(driven.room.stats.work).toMatchObject({ stateSets: 7, stateEvictions: 2, stateExpiries: 0 });
    driven.advance(1_001);
    expect(driven.room.stats.work).toMatchObject({ stateEvictions: 2, stateExpiries: 2 });
    expect(driven.room.stats.stateSizes.cursors).toEqual({ entries: 0, bytes: 0 });
    driven.say('a', { type: 'presence', state: null });
    expect(driven.room.stats.stateSizes.presence).toEqual({ entries: 0, bytes: 0 });
  });

  it('[HO-43] commits, and the mutations that took effect', () => {
    driven.push('a', 1, 'addStop', { id: 's', city: 'Nara' });
    driven.push('a', 2, 'no such mutator', {});
    expect(driven.room.stats.work).toMatchObject({ commits: expect.any(Number), mutations: 1 });
    expect(driven.room.stats.work.commits).toBe(driven.room.stats.version);
  });
});
