import { AlcoveError } from '@alcove/core/error';
import { afterEach, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { ScriptedEngine } from '../../../../test/fake/scripted-engine.ts';
import { stops, tripRoom } from '../../../../test/fake/trip-room.ts';
import { Client } from '../client.ts';

const { queueMicrotask } = globalThis;
afterEach(() => {
  globalThis.queueMicrotask = queueMicrotask;
});

it('[WK-17] a listener that throws is told as an uncaught error and keeps nobody from hearing the rest', async () => {
  const later: (() => void)[] = [];
  const engine = new ScriptedEngine();
  const client = engine.client();
  const room = client.room(tripRoom, 'japan');
  const query = room.query((db) => db.select({ id: stops.id }).from(stops));
  query.subscribe(() => {
    throw new TypeError('of the app');
  });
  const mutation = room.mutate.nothing();
  await mutation.local;
  globalThis.queueMicrotask = (fn) => void later.push(fn);
  const watch = engine.ordered('watch')[0];
  if (watch?.type !== 'watch') throw new TypeError('nobody watches');
  engine.say(
    {
      type: 'query',
      queryId: watch.queryId,
      status: 'current',
      revision: 1,
      update: { kind: 'whole', columns: ['id'], rows: [['a']] },
      error: null,
    },
    { type: 'settled', clientId: room.clientId, mutationId: 1, outcome: 'applied', version: 5, error: null },
  );
  await expect(mutation.confirmed).resolves.toEqual({ version: 5 });
  expect(query.getSnapshot().data).toEqual([{ id: 'a' }]);
  const thrown = later.map((fn) => {
    try {
      return fn();
    } catch (error) {
      return String(error);
    }
  });
  expect(thrown).toContain('TypeError: of the app');
  client.close();
});

it('[ST-24] a room that is not kept although it was to be says why', () => {
  const engine = new ScriptedEngine();
  const notKept = new AlcoveError('storage_unavailable', 'this page has no Web Locks');
  const client = new Client({ url: 'ws://localhost:1/sync' }, { runtime: new FakeRuntime(), host: engine, notKept });
  const room = client.room(tripRoom, 'japan');
  engine.live();
  expect(room.status.getSnapshot()).toMatchObject({ storage: 'off', storageError: { code: 'storage_unavailable' } });
  client.close();
});

it('[WK-21] stays open for a while after its last user, however often it changed hands, and until its values are written', () => {
  const runtime = new FakeRuntime();
  const engine = new ScriptedEngine();
  const client = new Client({ url: 'ws://localhost:1/sync' }, { runtime, host: engine });
  const room = client.prepare(tripRoom, 'japan');
  room.retain()();
  runtime.advance(4_000);
  const release = room.retain();
  runtime.advance(2_000);
  release();
  runtime.advance(4_000);
  expect(room.closed).toBe(false);
  engine.live({ connection: 'waiting' });
  room.value('budget').set(7);
  runtime.advance(20_000);
  expect(room.closed).toBe(false);
  engine.say({ type: 'value', name: 'budget', key: '', value: 7, pending: false, updatedBy: 'me', change: 1 });
  runtime.advance(5_000);
  expect(room.closed).toBe(true);
  expect(runtime.time.pendingTimers).toBe(0);
});

it('[CN-20] tells that the room went on under another history, and from where to where', () => {
  const engine = new ScriptedEngine();
  const client = engine.client();
  const room = client.room(tripRoom, 'japan');
  const lostTail = () => room.status.getSnapshot().lostTail;
  engine.live({ historyId: 'h', version: 7 });
  engine.live({ historyId: 'h', version: 9, connection: 'waiting' });
  expect(lostTail()).toBeNull();
  engine.die();
  engine.live({ historyId: null, version: null, replica: 'pending' });
  engine.live({ historyId: 'restored', version: 8 });
  expect(lostTail()).toMatchObject({ seenVersion: 9, version: 8 });
  engine.live({ historyId: 'restored', version: 12 });
  expect(lostTail()).toMatchObject({ seenVersion: 9, version: 8 });
  client.close();
});

it('[CN-20] tells that the room went on without the end of the history that was shown', () => {
  const engine = new ScriptedEngine();
  const client = engine.client();
  const room = client.room(tripRoom, 'japan');
  const lostTail = () => room.status.getSnapshot().lostTail;
  engine.live({ historyId: 'h', version: 7 });
  engine.live({ historyId: 'h', version: 9, forked: { times: 1, seenVersion: 7 } });
  expect(lostTail()).toMatchObject({ seenVersion: 7, version: 9 });
  engine.live({ historyId: 'h', version: 12, forked: { times: 1, seenVersion: 7 } });
  expect(lostTail()).toMatchObject({ seenVersion: 7, version: 9 });
  // Another engine counts anew.
  engine.die();
  engine.live({ historyId: 'h', version: 12 });
  expect(lostTail()).toMatchObject({ seenVersion: 7, version: 9 });
  engine.live({ historyId: 'h', version: 11, forked: { times: 1, seenVersion: 12 } });
  expect(lostTail()).toMatchObject({ seenVersion: 12, version: 11 });
  client.close();
});

it('[CN-43] a room that the server cannot open tells queries that have no rows, and leaves those that have some', () => {
  const engine = new ScriptedEngine();
  const client = engine.client();
  const room = client.room(tripRoom, 'japan');
  const seen = room.query((db) => db.select().from(stops));
  const end = seen.subscribe(() => undefined);
  const error = { code: 'schema_mismatch' as const, message: 'the room cannot be opened' };
  engine.live({ connection: 'waiting', replica: 'pending', error, retryAtMs: 5 });
  expect(seen.getSnapshot()).toMatchObject({ status: 'error', error: { code: 'schema_mismatch' } });
  expect(room.status.getSnapshot()).toMatchObject({ connection: 'reconnecting', retryAtMs: 5, error: { code: 'schema_mismatch' } });
  engine.live({ connection: 'waiting', replica: 'cached', error });
  expect(seen.getSnapshot().error).toBeUndefined();
  end();
  client.close();
});

it('[RB-11] tells an engine what those before it showed last', () => {
  const engine = new ScriptedEngine();
  const client = engine.client();
  client.room(tripRoom, 'japan');
  engine.live({ historyId: 'h', version: 7, hash: '7' });
  engine.die();
  // It dies before it has shown anything.
  engine.live({ historyId: null, version: null, hash: null });
  engine.die();
  // One that does not know whether what it shows follows on that.
  engine.live({ historyId: 'h', version: 9, hash: null });
  engine.die();
  engine.live({ historyId: 'h', version: 9, hash: '9' });
  engine.die();
  const known = { version: 7, hash: '7' };
  expect(engine.requests.map(({ shown }) => shown)).toEqual([
    null,
    { historyId: 'h', version: 7, known },
    { historyId: 'h', version: 7, known },
    { historyId: 'h', version: 9, known },
    { historyId: 'h', version: 9, known: { version: 9, hash: '9' } },
  ]);
  client.close();
});
