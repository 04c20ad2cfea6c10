import { AlcoveError } from '@alcove/core/error';
import type { Row } from '@alcove/core/sqlite/database';
import { queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/built-query';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import type { QueryNotice } from '../sync/engine-interface.ts';
import type { EngineOrder, EnginePort } from '../worker/engine-port.ts';
import { UNUSED_QUERY_MS } from './live-query.ts';
import { PageQueries } from './page-queries.ts';

interface Stop {
  readonly id: string;
}

const set = () => {
  const runtime = new FakeRuntime();
  const orders: EngineOrder[] = [];
  const port: EnginePort = {
    mutate: () => new Promise(() => undefined),
    runOnce: () => new Promise(() => undefined),
    serverRead: () => new Promise(() => undefined),
    tell: (order) => void orders.push(order),
  };
  const queries = new PageQueries(runtime, () => port);
  const built = {
    sql: 'select id from stops',
    params: [],
    shape: '',
    map: (rows: readonly Row[]): Stop[] => rows.map(([id]) => ({ id: String(id) })),
  };
  const get = () => queries.get(built);
  const hear = (notice: Partial<QueryNotice>) =>
    queries.hear({ type: 'query', queryId: get().queryId, status: 'current', revision: 1, update: null, error: null, ...notice });
  const types = () => orders.map(({ type }) => type);
  return { runtime, queries, port, get, hear, types, orders };
};

const whole = (...ids: string[]) => ({ kind: 'whole', columns: ['id'], rows: ids.map((id) => [id]) }) as const;

describe('live queries of a page', () => {
  it('[WK-11] shares one watch among equal queries and all their listeners', () => {
    const { get, types } = set();
    expect(get()).toBe(get());
    get().subscribe(() => undefined);
    get().subscribe(() => undefined);
    expect(types()).toEqual(['watch']);
  });

  it('[WK-11] tells parameters apart by type and value, also numbers that JSON does not have', () => {
    const { queries } = set();
    const params = [1, '1', null, 'null', -0, 0, Infinity, -Infinity, new Uint8Array([1])];
    const asked = () => params.map((param) => queries.get<unknown>({ sql: 'select ?', params: [param], shape: '', map: () => [] }));
    const live = asked();
    expect(new Set(live).size).toBe(params.length);
    for (const [index, query] of asked().entries()) expect(query).toBe(live[index]);
  });

  it('[WK-55] gives each of two builders of one SQL text rows with its own names and types, and lets what is built anew share them', () => {
    const { queries, orders } = set();
    const times = sqliteTable('times', { id: text().primaryKey(), at: integer({ mode: 'timestamp' }) });
    const seconds = sqliteTable('times', { id: text().primaryKey(), at: integer() });
    const db = sessionlessDrizzle();
    const asked = () => [
      queryOf(db.select({ id: times.id, at: times.at }).from(times)),
      queryOf(db.select({ value: times.id, label: times.at }).from(times)),
      queryOf(db.select({ id: seconds.id, at: seconds.at }).from(seconds)),
      queryOf(db.select({ id: times.id, at: sql`"at"`.mapWith((at: number) => at + 1) }).from(times)),
      queryOf(sql`select "id", "at" from "times"`),
    ];
    const built = asked();
    expect(new Set(built.map((one) => one.sql)).size).toBe(1);
    const live = built.map((one) => queries.get<unknown>(one));
    for (const query of live) query.subscribe(() => undefined);
    for (const { queryId } of live) {
      const update = { kind: 'whole', columns: ['id', 'at'], rows: [['a', 60]] } as const;
      queries.hear({ type: 'query', queryId, status: 'current', revision: 1, update, error: null });
    }
    expect(live.map((query) => query.getSnapshot().data)).toEqual([
      [{ id: 'a', at: new Date(60_000) }],
      [{ value: 'a', label: new Date(60_000) }],
      [{ id: 'a', at: 60 }],
      [{ id: 'a', at: 61 }],
      [{ id: 'a', at: 60 }],
    ]);
    expect(asked().map((one) => queries.get<unknown>(one))).toEqual(live);
    expect(orders).toHaveLength(live.length);
  });

  it('[WK-12] keeps the identity of rows that a patch only names, and of the result where nothing changed', () => {
    const { get, hear } = set();
    let told = 0;
    get().subscribe(() => {
      told += 1;
    });
    hear({ update: whole('a', 'b', 'c') });
    const before = get().getSnapshot();
    hear({});
    expect(get().getSnapshot()).toBe(before);
    hear({ revision: 2, update: { kind: 'patch', parts: [{ from: 2, count: 1 }, { rows: [['x']] }, { from: 0, count: 1 }] } });
    const after = get().getSnapshot().data ?? [];
    expect(after.map(({ id }) => id)).toEqual(['c', 'x', 'a']);
    expect(after[0]).toBe(before.data?.[2]);
    expect(after[2]).toBe(before.data?.[0]);
    expect(told).toBe(2);
  });

  it('[WK-13] never shows an empty result for one that is not loaded', () => {
    const { get, hear } = set();
    get().subscribe(() => undefined);
    expect(get().getSnapshot()).toEqual({ data: undefined, status: 'pending', error: undefined });
    hear({ revision: 0, status: 'pending' });
    expect(get().getSnapshot().data).toBeUndefined();
    hear({ status: 'cached', update: whole() });
    expect(get().getSnapshot()).toMatchObject({ data: [], status: 'cached' });
  });

  it('[WK-14] stays alive for a while without listeners, then ends; a remount in between finds it as it was', () => {
    const { runtime, get, hear, types } = set();
    const query = get();
    let stop = query.subscribe(() => undefined);
    hear({ update: whole('a') });
    stop();
    runtime.advance(UNUSED_QUERY_MS - 1);
    stop = query.subscribe(() => undefined);
    runtime.advance(UNUSED_QUERY_MS);
    expect(types()).toEqual(['watch']);
    expect(query.getSnapshot().data).toEqual([{ id: 'a' }]);
    stop();
    runtime.advance(UNUSED_QUERY_MS);
    expect(types()).toEqual(['watch', 'unwatch']);
    expect(get()).not.toBe(query);
  });

  it('[WK-14] one that had ended comes back to life with its next listener, and says meanwhile that nobody keeps it true', () => {
    const { queries, runtime, get, hear, orders } = set();
    const kept = get();
    const stop = kept.subscribe(() => undefined);
    hear({ update: whole('a') });
    stop();
    runtime.advance(UNUSED_QUERY_MS);
    expect(kept.getSnapshot()).toMatchObject({ status: 'cached', data: [{ id: 'a' }] });
    const before = kept.queryId;
    kept.subscribe(() => undefined);
    expect(orders.map((order) => ('queryId' in order ? [order.type, order.queryId] : []))).toEqual([
      ['watch', before],
      ['unwatch', before],
      ['watch', kept.queryId],
    ]);
    // Still on its way when the query ended.
    queries.hear({ type: 'query', queryId: before, status: 'current', revision: 2, update: { kind: 'patch', parts: [] }, error: null });
    expect(kept.getSnapshot()).toMatchObject({ status: 'cached', data: [{ id: 'a' }] });
    expect(get()).toBe(kept);
    hear({ update: whole('a', 'b') });
    expect(kept.getSnapshot()).toMatchObject({ status: 'current', data: [{ id: 'a' }, { id: 'b' }] });
  });

  it('[WK-19] is free of effects until it is listened to or awaited', () => {
    const { get, types, runtime } = set();
    const query = get();
    expect([types(), runtime.time.pendingTimers]).toEqual([[], 0]);
    expect(get()).toBe(query);
    void query.promise;
    expect(types()).toEqual(['watch']);
  });

  it('[QR-15] shows what stands in the way of its first rows as its error, and goes on when nothing does', async () => {
    const { queries, get, hear, types } = set();
    const outdated = new AlcoveError('room_outdated', 'the server is older');
    get().subscribe(() => undefined);
    const awaited = get().promise;
    const reading = queries.runOnce({ sql: 'select 1', params: [] });
    queries.obstacle = outdated;
    expect(get().getSnapshot()).toEqual({ data: undefined, status: 'error', error: outdated });
    await expect(awaited).rejects.toBe(outdated);
    await expect(reading).rejects.toBe(outdated);
    await expect(queries.runOnce({ sql: 'select 2', params: [] })).rejects.toBe(outdated);
    hear({ revision: 0, status: 'pending' });
    expect(get().getSnapshot().status).toBe('error');
    queries.obstacle = null;
    expect(get().getSnapshot()).toEqual({ data: undefined, status: 'pending', error: undefined });
    hear({ update: whole('a') });
    queries.obstacle = outdated;
    expect(get().getSnapshot()).toMatchObject({ status: 'current', data: [{ id: 'a' }] });
    expect(types()).toEqual(['watch']);
  });

  it('[QR-15] one that is first used while something stands in the way shows it, and is watched all the same', () => {
    const { queries, get, hear, types } = set();
    queries.obstacle = new AlcoveError('unauthenticated', 'no');
    get().subscribe(() => undefined);
    expect([types(), get().getSnapshot().status]).toEqual([['watch'], 'error']);
    queries.obstacle = null;
    hear({ update: whole('a') });
    expect(get().getSnapshot().status).toBe('current');
  });

  it('[QR-4] one that failed is asked for again by its next listener', () => {
    const { runtime, get, hear, types } = set();
    const query = get();
    const stop = query.subscribe(() => undefined);
    hear({ status: 'error', error: { code: 'sql_failed', message: 'no such table' } });
    stop();
    runtime.advance(UNUSED_QUERY_MS);
    query.subscribe(() => undefined);
    expect(types()).toEqual(['watch', 'unwatch', 'watch']);
    hear({ update: whole('a') });
    expect(query.getSnapshot()).toMatchObject({ status: 'current', error: undefined });
  });

  it('[WK-15] hands out one promise until the first complete result, fulfilled with its rows', async () => {
    const { get, hear } = set();
    const { promise } = get();
    expect(get().promise).toBe(promise);
    hear({ update: whole('a') });
    await expect(promise).resolves.toEqual([{ id: 'a' }]);
    // React takes another promise for one that is made in each render.
    expect(get().promise).toBe(promise);
    expect(promise).toMatchObject({ status: 'fulfilled', value: [{ id: 'a' }] });
    await expect(get().promise).resolves.toEqual([{ id: 'a' }]);
  });

  it('[WK-3] shows the code of a query that was ended with its worker, keeps its rows and does not run it again', () => {
    const { queries, port, get, hear, types } = set();
    get().subscribe(() => undefined);
    hear({ update: whole('a') });
    queries.condemn({ sql: 'select id from stops', params: [1] }, new AlcoveError('query_timeout', 'too long'));
    expect(get().getSnapshot().status, 'other parameters are another query').toBe('current');
    queries.condemn({ sql: 'select id from stops', params: [] }, new AlcoveError('query_timeout', 'too long'));
    expect(get().getSnapshot()).toMatchObject({ status: 'error', data: [{ id: 'a' }], error: { code: 'query_timeout' } });
    queries.attach(port);
    expect(types()).toEqual(['watch']);
  });

  it('[WK-2] watches again on a new engine; rows stay meanwhile, as cached ones', () => {
    const { queries, port, get, hear, types } = set();
    get().subscribe(() => undefined);
    hear({ update: whole('a') });
    queries.detached();
    expect(get().getSnapshot()).toMatchObject({ status: 'cached', data: [{ id: 'a' }] });
    queries.attach(port);
    expect(types()).toEqual(['watch', 'watch']);
    hear({ revision: 0, status: 'pending' });
    expect(get().getSnapshot()).toMatchObject({ status: 'cached', data: [{ id: 'a' }] });
    hear({ update: whole('a', 'b') });
    expect(get().getSnapshot()).toMatchObject({ status: 'current', data: [{ id: 'a' }, { id: 'b' }] });
  });
});
