import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlcoveError } from '@alcove/core/error';
import { bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { ClientMessageInput, HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage } from '@alcove/core/protocol/codec';
import { mutator } from '@alcove/core/schema/define-mutator';
import { query } from '@alcove/core/schema/define-query';
import { defineRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { RowRules } from '../access/row-rules.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoutedAnswer } from '../read/read-route.ts';

const stops = sqliteTable('stops', { id: text().primaryKey(), day: integer().notNull() });
const room = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: { add: mutator(v.string(), (tx, id) => tx.insert(stops).values({ id, day: 1 }).run()) },
  queries: {
    ofDay: query(v.number(), (db, day) => db.select().from(stops).where(eq(stops.day, day))),
    broken: query(() => 'no query'),
    perDay: query(v.number(), (_, day) => sql<{ n: number }>`select count(*) as n from ${stops} where ${stops.day} >= ${day}`, {
      dialect: 'postgres',
    }),
  },
  rules: { stops: { visibleTo: (row, claims) => (claims['role'] === 'guide' ? true : eq(row.id, String(claims.sub))) } },
});

let database: Database;
let rules: RowRules;
let driven: DrivenRoom;

beforeEach(() => {
  database = openDatabase(':memory:');
  rules = new RowRules(room, openDatabase(':memory:'));
  driven = new DrivenRoom({ room, database, rules, options: { limits: { userReadsMax: 2 } } });
});
afterEach(() => {
  rules.close();
  database.close();
});

const answered = (version: number): RoutedAnswer => ({
  columns: ['n'],
  cells: '[[1,2]]',
  rows: 2,
  truncated: false,
  at: { historyId: driven.room.head.historyId, version },
  replica: 'readers',
  lag: { versions: 1, ms: 19.2 },
  tookMs: 3,
});
const tell = (connectionId: string, message: ClientMessageInput): void => driven.room.receive(connectionId, JSON.stringify(message));
const failures = (connectionId: string) =>
  driven.takeOf(connectionId, 'readFailed').map(({ request, code, retryAfterMs }) => [request, code, retryAfterMs]);

describe('a session that reads by SQL', () => {
  it('[FO-17] at a follower is told to come again while much waits on the way there, which is everybody’s', () => {
    const hello = decodeClientMessage(
      JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'r1', clientId: 'c-far', snapshots: [] }),
      driven.runtime,
      { messageBytesMax: 10_000 },
    ) as HelloMessage; // it says so
    driven.room.join('far', hello, { claims: { sub: 'a' } }, true);
    driven.ports.buffered.set('far', 2_000_000);
    tell('far', { type: 'read', request: 1, query: 'ofDay', args: 1 });
    expect(failures('far')).toEqual([[1, 'overloaded', 1_000]]);
    driven.ports.buffered.set('far', 0);
    tell('far', { type: 'read', request: 2, query: 'ofDay', args: 1 });
    expect(driven.ports.reads.map(({ request }) => request)).toEqual([2]);
  });

  it('[RD-85] has a query of PostgreSQL built in its dialect, and SQL of its own never sent there', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    tell('a', { type: 'read', request: 1, query: 'perDay', args: 3 });
    tell('a', { type: 'read', request: 2, sql: 'SELECT 1' });
    expect(driven.ports.reads.map(({ asked }) => [asked.query, asked.dialect, asked.sql, asked.params])).toEqual([
      ['perDay', 'postgres', 'select count(*) as n from "stops" where "stops"."day" >= $1', [3]],
      [null, 'sqlite', 'SELECT 1', []],
    ]);
  });

  it('[RD-1] is answered under the number of its question, with version, replica and lag', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    driven.push('a', 1, 'add', 's1');
    driven.push('a', 2, 'add', 's2');
    tell('a', { type: 'read', request: 7, sql: 'SELECT ?', params: [{ b: 'AAE=' }], purpose: 'analytics', preferPrimary: true });
    const [read] = driven.ports.reads;
    expect(read?.asked).toMatchObject({
      query: null,
      sql: 'SELECT ?',
      params: [new Uint8Array([0, 1])],
      atLeast: null,
      route: { region: null, purpose: 'analytics', priority: 'normal', preferPrimary: true },
      claims: { sub: 'ada' },
      waitMs: 2_000,
    });
    driven.room.answerRead('a', 7, answered(1));
    driven.room.answerRead('a', 7, answered(1));
    expect(driven.takeOf('a', 'readRows')).toEqual([
      {
        type: 'readRows',
        request: 7,
        columns: ['n'],
        cells: [[1, 2]],
        truncated: false,
        bookmark: bookmarkOf({ historyId: driven.room.head.historyId, version: 1 }),
        replica: 'readers',
        lagVersions: 1,
        lagMs: 20,
        tookMs: 3,
      },
    ]);
    // Whatever the replica was when it was last looked at, these rows are the room's.
    tell('a', { type: 'read', request: 8, sql: 'SELECT 1' });
    driven.room.answerRead('a', 8, answered(2));
    expect(driven.takeOf('a', 'readRows')).toMatchObject([{ request: 8, lagVersions: 0, lagMs: 0 }]);
  });

  it('[RD-2] names a query of the definition, whose SQL the room builds from its own arguments', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    tell('a', { type: 'read', request: 1, query: 'ofDay', args: 3 });
    expect(driven.ports.reads[0]?.asked).toMatchObject({ query: 'ofDay', params: [3] });
    expect(driven.ports.reads[0]?.asked.sql).toContain('"stops"."day" = ?');
    driven.room.answerRead('a', 1, answered(0));
    tell('a', { type: 'read', request: 2, query: 'ofDay', args: 'three' });
    tell('a', { type: 'read', request: 3, query: 'toString' });
    tell('a', { type: 'read', request: 4, query: 'ofDay', args: 3, sql: 'SELECT 1' });
    tell('a', { type: 'read', request: 5 });
    tell('a', { type: 'read', request: 6, query: 'broken' });
    expect(failures('a').map(([request, code]) => [request, code])).toEqual([
      [2, 'arguments_invalid'],
      [3, 'query_unknown'],
      [4, 'query_invalid'],
      [5, 'query_invalid'],
      [6, 'query_invalid'],
    ]);
    expect(driven.ports.reads).toHaveLength(1);
    expect(driven.ports.disconnected.size).toBe(0);
  });

  it('[RD-3] waits for the version it asks for, at most as long as it says', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    const { historyId } = driven.room.head;
    tell('a', { type: 'read', request: 1, sql: 'SELECT 1', at: bookmarkOf({ historyId, version: 1 }), waitMs: 500 });
    tell('a', { type: 'read', request: 2, sql: 'SELECT 1', at: bookmarkOf({ historyId, version: 9 }), waitMs: 500 });
    expect(driven.ports.reads).toEqual([]);
    driven.advance(200);
    driven.push('a', 1, 'add', 's1');
    expect(driven.ports.reads.map(({ request, asked }) => [request, asked.atLeast, asked.waitMs])).toEqual([
      [1, { historyId, version: 1 }, 300],
    ]);
    driven.advance(299);
    expect(failures('a')).toEqual([]);
    driven.advance(1);
    expect(failures('a')).toEqual([[2, 'read_behind', undefined]]);
    tell('a', { type: 'read', request: 3, sql: 'SELECT 1', at: 'latest' });
    expect(driven.ports.reads[1]?.asked.atLeast).toEqual({ historyId, version: 1 });
  });

  it('[RD-3] is refused a bookmark of another history, and what is none', () => {
    driven.join('a');
    tell('a', { type: 'read', request: 1, sql: 'SELECT 1', at: bookmarkOf({ historyId: 'another', version: 0 }) });
    tell('a', { type: 'read', request: 2, sql: 'SELECT 1', at: 'yesterday' });
    expect(driven.takeOf('a', 'readFailed')).toMatchObject([
      { request: 1, code: 'query_invalid', message: expect.stringContaining("it is another room's, or the room was restored") },
      { request: 2, code: 'query_invalid', message: expect.stringContaining('is no bookmark') },
    ]);
  });

  it('[RD-4] has so many reads at once, over all sessions of its user', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    driven.join('b', {}, { claims: { sub: 'ada' } });
    driven.join('c', {}, { claims: { sub: 'bo' } });
    for (const [connection, request] of [
      ['a', 1],
      ['b', 1],
      ['a', 2],
      ['c', 1],
    ] as const)
      tell(connection, { type: 'read', request, sql: 'SELECT 1' });
    expect(failures('a')).toEqual([[2, 'rate_limited', 1_000]]);
    expect([...failures('b'), ...failures('c')]).toEqual([]);
    driven.room.answerRead('b', 1, new AlcoveError('query_timeout', 'too long'));
    expect(failures('b')).toEqual([[1, 'query_timeout', undefined]]);
    tell('a', { type: 'read', request: 3, sql: 'SELECT 1' });
    tell('a', { type: 'readEnd', request: 1 });
    tell('a', { type: 'read', request: 4, sql: 'SELECT 1' });
    expect(failures('a')).toEqual([]);
    expect(driven.room.stats.limitsMet).toEqual({ userReadsMax: 1 });
  });

  it('[RD-38] takes the turn of its user, and is never ahead of everybody by its own word', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    driven.join('b', {}, { claims: { sub: 'ada' } });
    driven.join('c', { groupId: 'g1' }, { claims: null });
    tell('a', { type: 'read', request: 1, sql: 'SELECT 1', priority: 'high' });
    tell('b', { type: 'read', request: 1, sql: 'SELECT 1', priority: 'low' });
    tell('c', { type: 'read', request: 1, sql: 'SELECT 1' });
    const turns = driven.ports.reads.map(({ asked: { user, route } }) => [user, route.priority]);
    expect(turns).toEqual([
      ['sub:ada', 'normal'],
      ['sub:ada', 'low'],
      ['group g1', 'normal'],
    ]);
  });

  it('[RD-5] that ends, or does not want it any more, has what runs ended', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    tell('a', { type: 'read', request: 1, sql: 'SELECT 1' });
    tell('a', { type: 'read', request: 2, sql: 'SELECT 1' });
    tell('a', { type: 'readEnd', request: 1 });
    tell('a', { type: 'readEnd', request: 9 });
    expect(driven.ports.readEnds).toEqual([{ connectionId: 'a', request: 1 }]);
    driven.room.leave('a');
    expect(driven.ports.readEnds).toEqual([
      { connectionId: 'a', request: 1 },
      { connectionId: 'a', request: 2 },
    ]);
    driven.room.answerRead('a', 2, answered(0));
    driven.join('a', {}, { claims: { sub: 'ada' } });
    driven.room.answerRead('a', 2, answered(0));
    expect(driven.takeOf('a', 'readRows')).toEqual([]);
  });

  it('[RD-6] whose claims show it other rows has what runs asked anew, and gets no answer of before', () => {
    driven.join('a', {}, { claims: { sub: 'ada' } });
    tell('a', { type: 'read', request: 1, sql: 'SELECT 1' });
    const before = driven.ports.reads[0]?.asked.reader.id;
    driven.room.renewAccess('a', { claims: { sub: 'ada', role: 'guide' } });
    expect(driven.ports.readEnds).toEqual([{ connectionId: 'a', request: 1 }]);
    expect(driven.ports.reads[1]?.asked.reader.id).not.toBe(before);
    expect(driven.ports.reads[1]?.asked.claims).toEqual({ sub: 'ada', role: 'guide' });
    driven.room.renewAccess('a', { claims: { sub: 'ada', role: 'guide', exp: 9 } });
    expect(driven.ports.reads).toHaveLength(2);
  });
});
