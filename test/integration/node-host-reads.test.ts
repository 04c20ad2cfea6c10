import { readBookmark } from '@alcove/core/protocol/bookmark';
import { mutator } from '@alcove/core/schema/define-mutator';
import { query } from '@alcove/core/schema/define-query';
import { defineRoom } from '@alcove/core/schema/define-room';
import { createServer } from '@alcove/server/node';
import { eq, or, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import type { PlainClient } from './plain-client.ts';
import { ledger, stops, trip } from './trip-room.ts';

const notes = sqliteTable('notes', { id: text().primaryKey(), owner: text().notNull(), price: integer() });
const board = defineRoom({
  name: 'board',
  schema: { notes },
  mutators: {
    put: mutator(v.object({ id: v.string(), owner: v.string(), price: v.number() }), (tx, note) => tx.insert(notes).values(note).run()),
  },
  queries: { dearerThan: query(v.number(), (db, price) => db.select({ id: notes.id }).from(notes).where(sql`${notes.price} > ${price}`)) },
  rules: {
    notes: {
      visibleTo: (row, claims) => or(eq(row.owner, String(claims.sub)), eq(row.owner, 'all')),
      hiddenFrom: { price: (_row, claims) => claims['role'] !== 'seller' },
    },
  },
});

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const ANSWERS = new Set(['readRows', 'readFailed']);
let lastRequest = 0;
const ask = async (client: PlainClient, read: Record<string, unknown>): Promise<Record<string, unknown>> => {
  lastRequest += 1;
  const request = lastRequest;
  client.say({ type: 'read', request, ...read });
  const find = () => client.messages.find(({ type, ...message }) => ANSWERS.has(type) && message['request'] === request);
  await client.until(() => find() !== undefined, `the answer of ${JSON.stringify(read)}`);
  return { ...find() };
};

describe('reads by SQL', () => {
  it('[RD-1][RD-3] of a session are answered by a reader process, with all that was confirmed before', async () => {
    const { url } = await host.server();
    const client = await host.join(url, 'japan');
    const { version } = await client.result(client.push('addStop', { id: 'a', city: 'Nara' }));
    const answer = await ask(client, { sql: 'SELECT city, count(*) FROM stops WHERE id = ? GROUP BY 1', params: ['a'], at: 'latest' });
    expect(answer).toMatchObject({
      type: 'readRows',
      columns: ['city', 'count(*)'],
      cells: [['Nara'], [1]],
      truncated: false,
      replica: 'readers',
      lagVersions: 0,
    });
    expect(readBookmark(String(answer['bookmark'])).version).toBe(version);
    expect(await ask(client, { sql: 'SELECT * FROM ledger' })).toMatchObject({ type: 'readFailed', code: 'sql_failed' });
    expect(await ask(client, { sql: 'DELETE FROM stops' })).toMatchObject({ type: 'readFailed', code: 'sql_refused' });
    expect(await ask(client, { sql: 'SELECT city FROM stops' })).toMatchObject({ cells: [['Nara']] });
  });

  it('[RD-2][RD-7] show what rules show, to queries of the definition as well', async () => {
    const server = host.add(
      await createServer({
        rooms: [board],
        dataDir: host.dataDir,
        port: 0,
        signals: false,
        log: host.log,
        authenticate: (token) => (token === null ? null : (JSON.parse(token) as { sub: string })),
      }),
    );
    for (const [index, owner] of ['ada', 'bo', 'all'].entries())
      await server.room(board, 'b').mutate.put({ id: `note ${index}`, owner, price: index * 10 });
    const join = (claims: object) => host.join(server.url, 'b', { room: 'board', token: JSON.stringify(claims) });
    const ada = await join({ sub: 'ada' });
    const seller = await join({ sub: 'bo', role: 'seller' });
    const all = { sql: 'SELECT id, price FROM notes ORDER BY id' };
    expect(await ask(ada, all)).toMatchObject({
      cells: [
        ['note 0', 'note 2'],
        [null, null],
      ],
    });
    expect(await ask(seller, all)).toMatchObject({
      cells: [
        ['note 1', 'note 2'],
        [10, 20],
      ],
    });
    expect(await ask(seller, { query: 'dearerThan', args: 10 })).toMatchObject({ columns: ['id'], cells: [['note 2']] });
    expect(await ask(ada, { query: 'dearerThan', args: 10 })).toMatchObject({ cells: [[]] });
    expect(await ask(ada, { query: 'dearerThan', args: 'ten' })).toMatchObject({ code: 'arguments_invalid' });
    // The server's own code sees everything.
    const own = await server.room(board, 'b').sql.dearerThan(-1);
    expect(own.rows).toEqual([{ id: 'note 0' }, { id: 'note 1' }, { id: 'note 2' }]);
    expect(own).toMatchObject({ replica: 'readers', truncated: false, lagVersions: 0 });
  });

  it('[RD-8] are for whom `authorize` says, SQL of their own and each query by name', async () => {
    const asked: unknown[] = [];
    const server = host.add(
      await createServer({
        rooms: [board],
        dataDir: host.dataDir,
        port: 0,
        signals: false,
        log: host.log,
        authenticate: () => ({ sub: 'ada' }),
        authorize: async (_claims, action) => {
          if (action.kind !== 'sql') return true;
          asked.push(action);
          return action.query === 'dearerThan';
        },
      }),
    );
    const ada = await host.join(server.url, 'b', { room: 'board', token: 't' });
    expect(await ask(ada, { sql: 'SELECT 1' })).toMatchObject({ type: 'readFailed', code: 'forbidden' });
    expect(await ask(ada, { query: 'dearerThan', args: 1 })).toMatchObject({ type: 'readRows' });
    expect(asked).toEqual([
      { kind: 'sql', query: null },
      { kind: 'sql', query: 'dearerThan' },
    ]);
  });

  it('[RD-9] of the server’s own code run off the process that writes, tables that stay in the room among them', async () => {
    const server = await host.server();
    const room = server.room(trip, 'japan');
    await room.mutate.addStop({ id: 'a', city: 'Nara' });
    await room.mutate.note({ secret: 'kept' });
    const { rows, bookmark } = await room.sql((db) => db.select().from(stops));
    expect(rows).toEqual([{ id: 'a', city: 'Nara', position: null }]);
    expect((await room.sql(sql<{ n: number }>`SELECT count(*) AS n FROM ${ledger}`, { at: bookmark })).rows).toEqual([{ n: 1 }]);
    await expect(room.sql((db) => db.select().from(stops), { at: 'b1.1.another' as typeof bookmark })).rejects.toMatchObject({
      code: 'query_invalid',
    });
    await expect(room.sql(sql`DELETE FROM ${stops}`)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(room.sql(sql`SELECT 1`, { every: 'second' } as object)).rejects.toMatchObject({ code: 'option_invalid' });
    await expect(room.sql(sql`SELECT 1`, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'closed' });
  });

  it('[RD-5] that their session does not want any more, and those of a room that closes, end; the room goes on meanwhile', async () => {
    const server = await host.server();
    const client = await host.join(server.url, 'japan');
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    client.say({ type: 'read', request: 9_000, sql: endless });
    await client.result(client.push('addStop', { id: 'a', city: 'Nara' }));
    client.say({ type: 'readEnd', request: 9_000 });
    expect(await ask(client, { sql: 'SELECT city FROM stops', at: 'latest' })).toMatchObject({ cells: [['Nara']] });
    client.say({ type: 'read', request: 9_001, sql: endless });
    await server.close();
    expect(client.messages.filter(({ type }) => type === 'readRows' || type === 'readFailed')).toHaveLength(1);
  });

  it('[RD-10] are told that there is no sandbox where there is none', async () => {
    const { url } = await host.server({ readers: 0 });
    const client = await host.join(url, 'japan');
    expect(await ask(client, { sql: 'SELECT 1' })).toMatchObject({
      type: 'readFailed',
      code: 'sql_unavailable',
      message: 'this server was started without readers',
      hint: 'Leave `readers` of createServer out, or set it to 1 or more; or give it `replicas`.',
    });
  });
});
