import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { FollowedRoom } from './followed-room.ts';

const days = sqliteTable('days', { id: integer().primaryKey(), name: text().notNull().unique() });
const stops = sqliteTable('stops', {
  id: text().primaryKey(),
  day: integer().references(() => days.id, { onDelete: 'cascade' }),
  photo: blob({ mode: 'buffer' }),
});
const secrets = sqliteTable('secrets', { id: integer().primaryKey(), line: text() });
const room = defineRoom({
  name: 'trip',
  schema: { days, stops, secrets },
  serverOnly: ['secrets'],
  mutators: {
    day: mutator(v.object({ id: v.number(), name: v.string() }), (tx, day) => tx.insert(days).values(day).run()),
    stop: mutator(v.string(), (tx, id) =>
      tx
        .insert(stops)
        .values({ id, day: 1, photo: Buffer.from([1, 2, 3]) })
        .run(),
    ),
    dropDay: mutator(v.number(), (tx, id) => tx.delete(days).where(eq(days.id, id)).run()),
    swap: mutator((tx) => {
      tx.update(days).set({ name: 'between' }).where(eq(days.id, 1)).run();
      tx.update(days).set({ name: 'one' }).where(eq(days.id, 2)).run();
      tx.update(days).set({ name: 'two' }).where(eq(days.id, 1)).run();
    }),
  },
  rules: { stops: { visibleTo: () => false } },
});

let directory: string;
let database: Database;
let copy: Database;
let driven: DrivenRoom;
let rules: import('../access/row-rules.ts').RowRules;

beforeEach(async () => {
  const { RowRules } = await import('../access/row-rules.ts');
  directory = mkdtempSync(join(tmpdir(), 'alcove-follow-'));
  database = openDatabase(join(directory, 'room.sqlite'));
  rules = new RowRules(room, openDatabase(':memory:'));
  driven = new DrivenRoom({ room, database, rules, options: { limits: { catchUpVersionsMax: 2 } } });
  driven.join('writer');
  driven.push('writer', 1, 'day', { id: 1, name: 'one' });
  driven.push('writer', 2, 'day', { id: 2, name: 'two' });
});
afterEach(() => {
  rules.close();
  database.close();
  copy.close();
  rmSync(directory, { recursive: true });
});

const copied = (): FollowedRoom => {
  database.exec(`VACUUM INTO '${join(directory, 'copy.sqlite')}'`);
  copy = openDatabase(join(directory, 'copy.sqlite'));
  return new FollowedRoom(copy, room, driven.runtime);
};
const follow = (connectionId: string, { head }: FollowedRoom) => driven.say(connectionId, { type: 'followLog', ...head });
const takeAll = (connectionId: string, followed: FollowedRoom): void => {
  for (const { records } of driven.takeOf(connectionId, 'records')) followed.take(records);
};
const contents = (of: Database) => ['days', 'stops', 'alcove_log'].map((table) => of.prepare(`SELECT * FROM ${table} ORDER BY 1`).all());

describe('a follower', () => {
  it('[FO-1][FO-2] gets each version whole, whatever rules say, and holds the same rows and the same log', () => {
    const followed = copied();
    driven.join('f', { snapshots: [] }, { claims: null, isFollower: true });
    expect(follow('f', followed)).toEqual([]);
    driven.push('writer', 3, 'stop', 's1');
    driven.push('writer', 4, 'swap');
    driven.push('writer', 5, 'dropDay', 1);
    driven.push('writer', 6, 'day', { id: 2, name: 'taken' });
    const sent = driven.take('f');
    expect(sent.map(({ type }) => type)).toEqual(['records', 'records', 'records', 'records']);
    for (const message of sent) if (message.type === 'records') followed.take(message.records);
    expect(followed.head).toEqual(driven.room.head);
    expect(contents(copy)).toEqual(contents(database));
    expect(copy.prepare('SELECT count(*) FROM days').get()).toEqual([1]);
  });

  it('[FO-1] catches up from where its file stands, within bounds, and goes on live', () => {
    const followed = copied();
    for (let id = 3; id < 10; id += 1) driven.push('writer', id, 'day', { id, name: `day ${id}` });
    driven.join('f', { snapshots: [] }, { claims: null, isFollower: true });
    driven.room.receive('f', JSON.stringify({ type: 'followLog', ...followed.head }));
    driven.advance(1_000);
    driven.take('writer');
    const ranges = driven.takeOf('f', 'records').map(({ records }) => records);
    expect(ranges.map((records) => records.length)).toEqual([2, 2, 2, 1]);
    for (const records of ranges) followed.take(records);
    driven.push('writer', 10, 'day', { id: 10, name: 'day 10' });
    takeAll('f', followed);
    expect(followed.head).toEqual(driven.room.head);
    expect(contents(copy)).toEqual(contents(database));
    // What comes twice does no harm.
    for (const records of ranges) followed.take(records);
    expect(contents(copy)).toEqual(contents(database));
  });

  it('[FO-3] is told to take a copy where the log does not go on from its file', () => {
    const followed = copied();
    driven.join('f', { snapshots: [] }, { claims: null, isFollower: true });
    const { head } = followed;
    const said = (message: typeof head) => driven.say('f', { type: 'followLog', ...message });
    expect(said({ ...head, historyId: 'another' })).toMatchObject([{ type: 'rehydrate', reason: 'history', image: null }]);
    expect(said({ ...head, version: 9 })).toMatchObject([{ type: 'rehydrate', reason: 'fork' }]);
    expect(said({ ...head, hash: 'another' })).toMatchObject([{ type: 'rehydrate', reason: 'fork' }]);
    // Nothing comes until it has said where the copy stands.
    driven.push('writer', 3, 'stop', 's1');
    expect(driven.take('f')).toEqual([]);
    for (const message of said(head)) if (message.type === 'records') followed.take(message.records);
    expect(contents(copy)).toEqual(contents(database));
  });

  it('[FO-4] that nobody knows as one gets nothing of the log', () => {
    const followed = copied();
    driven.join('guest', { snapshots: [] }, { claims: { sub: 'ada' } });
    expect(follow('guest', followed)).toMatchObject([{ type: 'error', code: 'forbidden', re: 'followLog' }]);
    driven.push('writer', 3, 'stop', 'canary');
    expect(JSON.stringify(driven.take('guest'))).not.toContain('canary');
  });

  it('[FO-5] takes nothing that was changed on the way, is missing, or is of another schema', () => {
    const followed = copied();
    driven.join('f', { snapshots: [] }, { claims: null, isFollower: true });
    follow('f', followed);
    driven.push('writer', 3, 'stop', 's1');
    driven.push('writer', 4, 'stop', 's2');
    const [first, second] = driven.takeOf('f', 'records').flatMap(({ records }) => records);
    if (first === undefined || second === undefined) throw new RangeError('two versions were made');
    const before = contents(copy);
    expect(() => followed.take([second])).toThrow('version 3 is missing');
    expect(() => followed.take([{ ...first, record: first.record.replace('s1', 'sX') }])).toThrow('does not have the hash');
    expect(() => followed.take([first, { ...second, acks: '[]' }])).toThrow('does not have the hash');
    expect(() => followed.take([{ ...first, schema: 'another' }])).toThrow('another schema');
    expect(contents(copy)).toEqual(before);
    followed.take([first, second]);
    expect(followed.head).toEqual(driven.room.head);
  });

  it('[FO-2] goes on where its file was left', () => {
    const followed = copied();
    driven.join('f', { snapshots: [] }, { claims: null, isFollower: true });
    follow('f', followed);
    driven.push('writer', 3, 'stop', 's1');
    takeAll('f', followed);
    copy.close();
    copy = openDatabase(join(directory, 'copy.sqlite'));
    expect(new FollowedRoom(copy, room, driven.runtime).head).toEqual(driven.room.head);
    const other = defineRoom({ name: 'trip', schema: { days } });
    expect(() => new FollowedRoom(copy, other, driven.runtime)).toThrow('another schema');
    const foreign = defineRoom({ name: 'plane', schema: { days } });
    expect(() => new FollowedRoom(copy, foreign, driven.runtime)).toThrow('a room of definition trip');
  });
});
