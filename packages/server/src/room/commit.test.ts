import { encodeMessage } from '@alcove/core/protocol/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { effects, tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

const stop = (id: string): object => ({ id, city: `city ${id}` });

describe('commits of a room', () => {
  let database: Database;
  let driven: DrivenRoom;

  const open = (options?: RoomOptions, over: Partial<ConstructorParameters<typeof DrivenRoom>[0]> = {}): DrivenRoom =>
    new DrivenRoom({ room: tripRoom, database, ...(options === undefined ? {} : { options }), ...over });
  const cities = (): unknown[] =>
    database
      .prepare('SELECT id FROM stops ORDER BY id')
      .all()
      .map(([id]) => id);

  beforeEach(() => {
    effects.length = 0;
    database = openDatabase(':memory:');
    driven = open();
    driven.join('a');
    driven.join('b');
  });
  afterEach(() => database.close());

  it('[RM-1] numbers versions without gaps, and tells every reader each of them', () => {
    for (const id of ['s1', 's2', 's3']) driven.push('a', Number(id.slice(1)), 'addStop', stop(id));
    const commits = driven.takeOf('b', 'commit');
    expect(commits.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(driven.room.stats).toMatchObject({ version: 3, durable: 3 });
  });

  it('[RM-2] makes one version of what arrived together; a rejected mutation undoes only itself', () => {
    driven.queue('a', 1, 'addStop', stop('s1'));
    driven.queue('b', 1, 'addStop', stop('s1'));
    driven.queue('a', 2, 'addStop', stop('s2'));
    driven.flush();
    expect(driven.room.stats.version).toBe(1);
    expect(cities()).toEqual(['s1', 's2']);
    expect(resultsIn(driven.take('a'))).toMatchObject([
      { mutationId: 1, status: 'applied', version: 1 },
      { mutationId: 2, status: 'applied', version: 1 },
    ]);
    expect(resultsIn(driven.take('b'))).toMatchObject([{ mutationId: 1, status: 'rejected', version: 1, code: 'constraint_failed' }]);
  });

  it('[RM-3] refuses what is out of order with the expected id, takes nothing behind it, and goes on from there', () => {
    driven.queue('a', 2, 'addStop', stop('s2'));
    driven.queue('a', 3, 'addStop', stop('s3'));
    driven.queue('b', 1, 'addStop', stop('s9'));
    driven.flush();
    expect(driven.takeOf('a', 'refused')).toMatchObject([{ mutationId: 2, expected: 1, code: 'out_of_order' }]);
    expect(cities()).toEqual(['s9']);
    driven.queue('a', 1, 'addStop', stop('s1'));
    driven.queue('a', 2, 'addStop', stop('s2'));
    driven.flush();
    expect(resultsIn(driven.take('a'))).toMatchObject([{ status: 'applied' }, { status: 'applied' }]);
    expect(cities()).toEqual(['s1', 's2', 's9']);
  });

  it('[RM-3] does not let a later mutation overtake a refused one in the same push', () => {
    const mutations = [1, 3, 2].map((mutationId) => ({
      clientId: 'c-a',
      mutationId,
      name: 'addStop',
      args: stop(`s${mutationId}`) as never,
    }));
    driven.say('a', { type: 'push', mutations });
    driven.flush();
    expect(cities()).toEqual(['s1']);
    expect(driven.takeOf('a', 'refused')).toMatchObject([{ mutationId: 3, expected: 2 }]);
  });

  it('[RM-4] applies a mutation once, however often it is sent, across a restart too', () => {
    driven.push('a', 1, 'addStop', stop('s1'));
    const again = resultsIn(driven.push('a', 1, 'addStop', stop('s1')));
    expect(again).toEqual([{ clientId: 'c-a', mutationId: 1, status: 'duplicate', version: 1 }]);
    expect(driven.room.stats.version).toBe(1);
    const restarted = open();
    restarted.join('a');
    expect(resultsIn(restarted.push('a', 1, 'addStop', stop('s1')))).toMatchObject([{ status: 'duplicate', version: 1 }]);
    expect(cities()).toEqual(['s1']);
  });

  it('[RM-4] recognises a mutation that comes twice in one flush', () => {
    driven.queue('a', 1, 'addStop', stop('s1'));
    driven.queue('a', 1, 'addStop', stop('s1'));
    driven.flush();
    expect(resultsIn(driven.take('a')).map(({ status }) => status)).toEqual(['applied']);
    expect(cities()).toEqual(['s1']);
  });

  it('[RM-5] gives the original rejection to a resend, after other mutations and a restart', () => {
    driven.push('a', 1, 'addStop', stop('s1'));
    const [rejected] = resultsIn(driven.push('a', 2, 'addStop', stop('s1')));
    driven.push('a', 3, 'addStop', stop('s3'));
    expect(resultsIn(driven.push('a', 2, 'addStop', stop('other')))).toEqual([rejected]);
    const restarted = open();
    restarted.join('a');
    expect(resultsIn(restarted.push('a', 2, 'addStop', stop('other')))).toEqual([rejected]);
    expect(cities()).toEqual(['s1', 's3']);
  });

  it('[RM-5] tells a rejection before the answer to a later repeat, which would settle it otherwise', () => {
    driven.ports.buffered.set('a', 5_000_000);
    driven.push('a', 1, 'unheardOf');
    driven.push('a', 2, 'addStop', stop('s2'));
    expect(resultsIn(driven.take('a'))).toEqual([]);
    expect(resultsIn(driven.push('a', 2, 'addStop', stop('s2')))).toMatchObject([
      { mutationId: 1, status: 'rejected', version: 1 },
      { mutationId: 2, status: 'duplicate', version: 2 },
    ]);
  });

  it('[RM-5] makes a version of rejections alone', () => {
    driven.push('a', 1, 'unheardOf');
    expect(driven.room.stats.version).toBe(1);
    expect(driven.takeOf('b', 'commit')).toMatchObject([{ from: 0, to: 1, changes: [] }]);
  });

  it('[RM-5] rejects what is wrong with a mutation finally, and blocks nobody', () => {
    const wrong: [string, unknown, string][] = [
      ['unheardOf', null, 'mutator_unknown'],
      ['addStop', { id: 7 }, 'arguments_invalid'],
      ['raw', { sql: 'PRAGMA user_version' }, 'sql_refused'],
      ['raw', { sql: 'insert into nowhere values (1)' }, 'sql_failed'],
      ['addMany', { from: 0, count: 20_000 }, 'mutator_limit'],
      ['addNote', { id: 'n1', stopId: 'gone', body: '' }, 'constraint_failed'],
    ];
    for (const [index, [name, args, code]] of wrong.entries()) {
      expect(resultsIn(driven.push('a', index + 1, name, args))).toMatchObject([{ status: 'rejected', code }]);
    }
    expect(resultsIn(driven.push('a', wrong.length + 1, 'addStop', stop('s1')))).toMatchObject([{ status: 'applied' }]);
  });

  it('[RM-6] frees stored rejections once they were heard of, and no earlier', () => {
    driven.push('a', 1, 'unheardOf');
    driven.push('a', 2, 'unheardOf');
    const stored = (): number => Number(database.prepare('SELECT count(*) FROM alcove_rejections').get()?.[0]);
    expect(stored()).toBe(2);
    driven.say('b', { type: 'heard', clientId: 'c-a', upTo: 2 });
    driven.flush();
    expect(stored()).toBe(2);
    driven.say('a', { type: 'heard', clientId: 'c-a', upTo: 1 });
    driven.flush();
    expect(stored()).toBe(1);
    expect(resultsIn(driven.push('a', 1, 'unheardOf'))).toMatchObject([{ status: 'duplicate' }]);
    expect(resultsIn(driven.push('a', 2, 'unheardOf'))).toMatchObject([{ status: 'rejected' }]);
  });

  it('[RM-6] writes what was heard within a second where nothing else is committed, without a version', () => {
    driven.push('a', 1, 'unheardOf');
    driven.say('a', { type: 'heard', clientId: 'c-a', upTo: 1 });
    driven.advance(1_000);
    expect(database.prepare('SELECT count(*) FROM alcove_rejections').get()).toEqual([0]);
    expect(driven.room.stats.version).toBe(1);
  });

  it('[RM-6] keeps nothing of words about rejections that there are not', () => {
    for (let client = 0; client < 100; client++) driven.say('a', { type: 'heard', clientId: `nobody-${client}`, upTo: 1 });
    driven.ports.nextTickMs = null;
    driven.ports.flushRequests = 0;
    driven.runtime.advance(5_000);
    driven.room.tick();
    expect(driven.ports.flushRequests).toBe(0);
  });

  it('[RM-6] takes nothing more from a client that does not say heard, and never drops a rejection', () => {
    const bounded = open({ limits: { clientRejectionsMax: 2 } });
    bounded.join('z');
    for (const mutationId of [1, 2, 3]) bounded.queue('z', mutationId, 'unheardOf');
    bounded.flush();
    const messages = bounded.take('z');
    expect(resultsIn(messages)).toMatchObject([{ mutationId: 1 }, { mutationId: 2 }]);
    expect(messages.filter(({ type }) => type === 'refused')).toMatchObject([
      { mutationId: 3, expected: 3, code: 'rate_limited', retryAfterMs: 1000 },
    ]);
    bounded.say('z', { type: 'heard', clientId: 'c-z', upTo: 1 });
    expect(resultsIn(bounded.push('z', 3, 'nothing'))).toMatchObject([{ mutationId: 3, status: 'applied' }]);
    expect(resultsIn(bounded.push('z', 2, 'nothing'))).toMatchObject([{ status: 'rejected', code: 'mutator_unknown' }]);
  });

  describe('the gate', () => {
    beforeEach(() => {
      driven.autoDurable = false;
    });

    it('[RM-7] lets nothing out before it is durable: results, commits, effects, answers', async () => {
      let answered = false;
      const call = driven.room.mutate({ name: 'noted', args: { what: 'x' }, user: null }).then(() => {
        answered = true;
      });
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.flush();
      const read = driven.room.query((db) => db.select().from(tripRoom.schema.stops));
      let seen: unknown = null;
      void read.then((rows) => {
        seen = rows;
      });
      await Promise.resolve();
      expect(typesOf(driven.take('a'))).toEqual([]);
      expect(typesOf(driven.take('b'))).toEqual([]);
      expect([effects, answered, seen]).toEqual([[], false, null]);
      expect(driven.ports.head?.version).toBe(0);
      driven.room.durable(1);
      expect(typesOf(driven.take('a'))).toEqual(['results', 'commit']);
      expect(effects).toEqual(['x']);
      await call;
      expect(await read).toHaveLength(1);
      expect(driven.ports.head?.version).toBe(1);
    });

    it('[RM-7] has the head recorded before anybody is told, who may be told while the process dies', () => {
      const recorded: (number | undefined)[] = [];
      const { ports } = driven;
      const send = ports.send.bind(ports);
      ports.send = (connectionId, frame, lane) => {
        recorded.push(ports.head?.version);
        send(connectionId, frame, lane);
      };
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.flush();
      driven.room.durable(1);
      expect(typesOf(driven.take('a'))).toEqual(['results', 'commit']);
      expect(new Set(recorded)).toEqual(new Set([1]));
    });

    it('[RM-7] opens in order, and tells a repeat of a mutation no earlier than its first result', () => {
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.flush();
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.flush();
      driven.queue('a', 2, 'addStop', stop('s2'));
      driven.flush();
      expect(driven.take('a')).toEqual([]);
      driven.room.durable(1);
      expect(resultsIn(driven.take('a'))).toMatchObject([
        { mutationId: 1, status: 'applied' },
        { mutationId: 1, status: 'duplicate' },
      ]);
      driven.room.durable(2);
      expect(resultsIn(driven.take('a'))).toMatchObject([{ mutationId: 2, status: 'applied' }]);
    });

    it('[RM-7] welcomes a newcomer with what is durable and nothing more', () => {
      driven.queue('a', 1, 'addStop', stop('s1'));
      driven.flush();
      const [welcome] = driven.join('late', {
        clients: [{ clientId: 'c-a', lastMutationId: 1, confirmed: 0, welcomed: 0 }],
        clientId: 'c-late',
        groupId: 'c-a',
      });
      expect(welcome).toMatchObject({ version: 0, clients: [{ clientId: 'c-a', lastMutationId: 0 }, { clientId: 'c-late' }] });
      driven.room.durable(1);
      expect(driven.takeOf('late', 'commit')).toMatchObject([{ from: 0, to: 1 }]);
    });

    it('[RM-7] commits no more while too much waits to be durable', () => {
      for (let mutationId = 1; mutationId <= 300; mutationId++) {
        driven.queue('a', mutationId, 'nothing');
        driven.flush();
      }
      expect(driven.room.stats).toMatchObject({ version: 256, queuedMutations: 44 });
      driven.room.durable(256);
      expect(driven.ports.flushRequests).toBe(1);
      driven.flush();
      expect(driven.room.stats).toMatchObject({ version: 257, queuedMutations: 0 });
    });
  });

  describe('results', () => {
    it('[RM-8] go to the whole client group, before the commit of their version, and to nobody else', () => {
      driven.join('a2', { clientId: 'c-a2', groupId: 'c-a' });
      const own = driven.push('a', 1, 'addStop', stop('s1'));
      expect(typesOf(own)).toEqual(['results', 'commit']);
      expect(driven.take('a2')).toEqual(own);
      expect(typesOf(driven.take('b'))).toEqual(['commit']);
    });
  });

  it('[RM-20] runs effects after the commit once, and only of mutations that were applied', () => {
    driven.queue('a', 1, 'noted', { what: 'one' });
    driven.queue('b', 1, 'addNote', { id: 'n', stopId: 'gone', body: '' });
    driven.flush();
    driven.push('a', 1, 'noted', { what: 'one' });
    expect(effects).toEqual(['one']);
  });

  it('[RM-21] bounds what waits: of a session, of the room, of one transaction', () => {
    const limits = { sessionQueuedMutationsMax: 2, queuedMutationsMax: 3, commitMutationsMax: 2 };
    const bounded = open({ limits });
    bounded.join('y');
    bounded.join('z');
    for (const mutationId of [1, 2, 3, 4]) bounded.queue('y', mutationId, 'nothing');
    expect(bounded.takeOf('y', 'refused')).toMatchObject([
      { mutationId: 3, expected: 3, code: 'rate_limited', retryAfterMs: 1000 },
      { mutationId: 4, code: 'rate_limited' },
    ]);
    for (const mutationId of [1, 2]) bounded.queue('z', mutationId, 'nothing');
    expect(bounded.takeOf('z', 'refused')).toMatchObject([{ mutationId: 2, code: 'overloaded', retryAfterMs: 1000 }]);
    bounded.flush();
    expect(bounded.room.stats).toMatchObject({ version: 1, queuedMutations: 1 });
    expect(bounded.ports.flushRequests).toBe(1);
    bounded.flush();
    expect(bounded.room.stats).toMatchObject({ version: 2, queuedMutations: 0, queuedBytes: 0 });
    bounded.take('y');
    expect(resultsIn(bounded.push('y', 3, 'nothing'))).toMatchObject([{ status: 'applied', version: 3 }]);
  });

  it('[RM-21] counts what waits as it is, not as it came', () => {
    driven.join('packed', { codecs: ['deflate'] });
    const mutations = [1, 2].map((mutationId) => ({ clientId: 'c-packed', mutationId, name: 'nothing', args: 'x'.repeat(100_000) }));
    const frame = encodeMessage({ type: 'push', mutations }, 'deflate', driven.runtime);
    expect(frame.length).toBeLessThan(5_000);
    driven.room.receive('packed', frame);
    expect(driven.room.stats.queuedBytes).toBeGreaterThan(200_000);
    driven.flush();
    expect(driven.room.stats.queuedBytes).toBe(0);
  });

  it('[RM-21] ends a transaction whose time is over and goes on in the next one', () => {
    const runtime = new FakeRuntime();
    const slow = open({ limits: { commitTimeBudgetMs: 10 } }, { runtime });
    slow.join('y');
    for (const mutationId of [1, 2, 3]) slow.queue('y', mutationId, 'nothing');
    let reads = 0;
    const monotonicMs = runtime.monotonicMs.bind(runtime);
    runtime.monotonicMs = () => monotonicMs() + (reads++ > 4 ? 100 : 0);
    slow.flush();
    expect(slow.room.stats.queuedMutations).toBeGreaterThan(0);
    runtime.monotonicMs = monotonicMs;
    while (slow.ports.flushRequests > 0) slow.flush();
    expect(resultsIn(slow.take('y')).map(({ mutationId }) => mutationId)).toEqual([1, 2, 3]);
  });

  it('[RM-28] mints seed and time for a plain peer that sends none, and keeps them where they are sent', () => {
    driven.push('a', 1, 'seeded');
    const mutation = { clientId: 'c-b', mutationId: 1, name: 'seeded', seed: 'a-seed', nowMs: 1_234 };
    driven.say('b', { type: 'push', mutations: [mutation] });
    driven.flush();
    expect(database.prepare('SELECT count(*), max(nights) FROM stops').get()).toEqual([2, 234]);
  });

  it('[RM-29] tells nobody of server-only tables', () => {
    driven.push('a', 1, 'noted', { what: 'secret' });
    expect(driven.takeOf('b', 'commit')).toMatchObject([{ changes: [] }]);
    expect(database.prepare('SELECT what FROM audit').all()).toEqual([['secret']]);
  });

  it('[AC-3] rejects a mutation that the user has no right to at the time it runs, finally', () => {
    let allowed = true;
    driven.join('v', {}, { claims: { sub: 'vera' }, allows: (action) => allowed || action.kind !== 'mutate' });
    driven.queue('v', 1, 'addStop', stop('s1'));
    driven.flush();
    driven.queue('v', 2, 'addStop', stop('s2'));
    allowed = false;
    driven.flush();
    expect(resultsIn(driven.take('v'))).toMatchObject([{ status: 'applied' }, { status: 'rejected', code: 'forbidden' }]);
    expect(database.prepare('SELECT id, by FROM stops').all()).toEqual([['s1', 'vera']]);
  });
});
