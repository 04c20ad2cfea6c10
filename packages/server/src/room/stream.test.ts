import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyWireChanges, rowsFromWire } from '@alcove/core/change/wire';
import { insertRows } from '@alcove/core/change/apply';
import type { CommitMessage, MutationResult, ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { Prng } from '../../../../test/fake/prng.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openBetterSqlite3 } from '../host/node/better-sqlite3-database.ts';
import type { RoomOptions } from './room-options.ts';

const resultsIn = (messages: readonly ServerMessage[]): MutationResult[] =>
  messages.flatMap((message) => (message.type === 'results' ? message.results : []));
const typesOf = (messages: readonly ServerMessage[]): string[] => messages.map(({ type }) => type);
const stop = (id: string): object => ({ id, city: `city ${id}` });
type Resume = { historyId: string; version: number; hash: string; view: string };

/** A replica in the plainest form: applies what it is sent, and refuses what does not follow. */
class PlainReplica {
  readonly database = openBetterSqlite3(':memory:');
  version = -1;
  hash = '';
  chunks = 0;
  expectedRows = 0;

  constructor() {
    this.database.setForeignKeys(false);
    for (const sql of roomDdl(tripRoom.model, { serverOnly: false })) this.database.exec(sql);
  }

  take(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (message.type === 'snapshotBegin') this.#begin(message);
      else if (message.type === 'snapshotRows') {
        expect(message.index).toBe(this.chunks++);
        insertRows(this.database, tripRoom.model, rowsFromWire(tripRoom.model, message.rows));
      } else if (message.type === 'snapshotEnd') {
        expect(message).toMatchObject({ chunks: this.chunks, rows: this.expectedRows });
      } else if (message.type === 'commit') this.#apply(message);
    }
  }

  rows(): unknown[] {
    return rowsOf(this.database);
  }

  #begin({ version, hash, tables }: ServerMessageOf<'snapshotBegin'>): void {
    for (const { table } of tables) this.database.exec(`DELETE FROM ${table}`);
    this.chunks = 0;
    this.expectedRows = tables.reduce((sum, { rows }) => sum + rows, 0);
    this.version = version;
    this.hash = hash;
  }

  #apply({ from, to, changes, hash }: CommitMessage): void {
    if (to <= this.version) return;
    expect(from).toBeLessThanOrEqual(this.version);
    applyWireChanges(this.database, tripRoom.model, changes);
    this.version = to;
    this.hash = hash;
  }
}

const rowsOf = (database: Database): unknown[] =>
  ['stops', 'notes', 'alcove_values'].map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());

describe('change stream of a room', () => {
  let database: Database;
  let driven: DrivenRoom;

  const open = (options?: RoomOptions): DrivenRoom =>
    new DrivenRoom({ room: tripRoom, database, ...(options === undefined ? {} : { options }) });
  const bounded = (limits: RoomOptions['limits'] & object): void => {
    driven = open({ limits });
    driven.join('w');
  };
  let pushed = 0;
  const commit = (name = 'addStop', args: unknown = stop(`s${pushed + 1}`)): void => {
    pushed += 1;
    driven.push('w', pushed, name, args);
    driven.take('w');
  };
  const commits = (count: number): void => {
    for (let index = 0; index < count; index++) commit();
  };
  const point = (): Resume => {
    const { historyId, version, hash } = driven.room.head;
    return { historyId, version, hash: hash ?? '', view: `all.${tripRoom.model.schemaId.slice(0, 32)}` };
  };

  beforeEach(() => {
    pushed = 0;
    database = openBetterSqlite3(':memory:');
    driven = open();
    driven.join('w');
  });
  afterEach(() => database.close());

  describe('resume', () => {
    it('[CS-1] goes on where the replica stands, in merged ranges, up to the head and then live', () => {
      commits(2);
      const at = point();
      commits(3);
      const messages = driven.join('r', { resume: at });
      expect(messages[0]).toMatchObject({ type: 'welcome', hydration: 'resume', version: 5 });
      const ranges = messages.filter((message) => message.type === 'commit');
      expect(ranges).toMatchObject([{ from: 2, to: 5, changes: [{ table: 'stops' }], hash: point().hash }]);
      commit();
      expect(driven.takeOf('r', 'commit')).toMatchObject([{ from: 5, to: 6 }]);
    });

    it('[CS-1] says nothing but welcome to a replica that is at the head', () => {
      commits(2);
      expect(typesOf(driven.join('r', { resume: point() }))).toEqual(['welcome']);
    });

    it('[CS-2] ends ranges at bounds of versions and bytes, and at the same versions for all', () => {
      bounded({ catchUpVersionsMax: 4, catchUpBytesMax: 1_000_000 });
      const starts = [point()];
      commits(2);
      starts.push(point());
      commits(8);
      const spans = starts.map((resume, index) =>
        driven
          .join(`r${index}`, { resume })
          .filter((message) => message.type === 'commit')
          .map(({ from, to }) => `${from}-${to}`),
      );
      expect(spans).toEqual([
        ['0-4', '4-8', '8-10'],
        ['2-4', '4-8', '8-10'],
      ]);
      bounded({ catchUpBytesMax: 1_000 });
      pushed = 10;
      commits(30);
      const sizes = driven.join('r9', { resume: starts[0] as Resume }).filter((message) => message.type === 'commit');
      expect(sizes.length).toBeGreaterThan(2);
    });

    it('[CS-3] merges a range to what stands at its end', () => {
      const at = point();
      commit('addStop', stop('x'));
      commit('setCity', { id: 'x', city: 'Osaka' });
      commit('addStop', stop('y'));
      commit('removeStop', { id: 'y' });
      const [range] = driven.join('r', { resume: at }).filter((message) => message.type === 'commit');
      expect(range?.changes).toMatchObject([{ puts: [['x'], ['Osaka'], [1], [null]], deletes: [[]] }]);
    });

    const cases: [string, (at: Resume) => Resume, string][] = [
      ['another history', (at) => ({ ...at, historyId: 'other' }), 'history'],
      ['another hash at its version', (at) => ({ ...at, hash: 'f'.repeat(32) }), 'fork'],
      ['a version the room has not reached', (at) => ({ ...at, version: 99 }), 'fork'],
      ['another class of readers', (at) => ({ ...at, view: at.view.replace('all.', 'guest.') }), 'view'],
      ['another schema', (at) => ({ ...at, view: 'all.0123' }), 'schema'],
    ];
    it.each(cases)('[CS-4] sends a fresh snapshot to a replica of %s, and the room stays as it is', (_, change, reason) => {
      commits(2);
      const before = driven.room.head;
      const messages = driven.join('r', { resume: change(point()), snapshots: ['rows'] });
      expect(messages[0]).toMatchObject({ type: 'welcome', hydration: reason });
      driven.advance(1);
      expect(driven.takeOf('r', 'snapshotBegin')).toMatchObject([{ version: 2 }]);
      expect(driven.room.head).toEqual(before);
    });

    it('[CS-4] tells a replica below the floor so, and one of a fork below it too where the hash was kept', () => {
      bounded({ changeLogVersionsMax: 5, keptHashEveryVersions: 10, housekeepingIntervalMs: 1_000 });
      const points: Resume[] = [];
      for (let index = 0; index < 30; index++) {
        points.push(point());
        commit();
      }
      driven.advance(1_000);
      expect(driven.room.stats.floor).toBe(25);
      const reasonAt = (version: number, over: Partial<Resume> = {}): unknown =>
        (
          driven.join(`r${version}${over.hash ?? ''}`, {
            resume: { ...(points[version] as Resume), ...over },
          })[0] as ServerMessageOf<'welcome'>
        ).hydration;
      expect([reasonAt(25), reasonAt(24), reasonAt(20)]).toEqual(['resume', 'floor', 'floor']);
      expect(reasonAt(20, { hash: '0'.repeat(32) })).toBe('fork');
    });

    it('[CS-5] settles what was handled by then before the first commit: rejections, one duplicate, then exact results with their ranges', () => {
      driven.push('w', 1, 'addStop', stop('s1'));
      driven.push('w', 2, 'addStop', stop('s1'));
      driven.push('w', 3, 'addStop', stop('s3'));
      const at = point();
      driven.push('w', 4, 'addStop', stop('s4'));
      driven.push('w', 5, 'addStop', stop('s4'));
      driven.room.leave('w');
      const clients = [{ clientId: 'c-w', lastMutationId: 5, confirmed: 0, welcomed: 0 }];
      const messages = driven.join('w2', { clientId: 'c-w', clients, resume: at });
      expect(messages[0]).toMatchObject({ clients: [{ clientId: 'c-w', lastMutationId: 5, state: 'known' }] });
      expect(resultsIn(messages)).toMatchObject([
        { mutationId: 2, status: 'rejected', version: 2, code: 'constraint_failed' },
        { mutationId: 3, status: 'duplicate', version: 3 },
        { mutationId: 4, status: 'applied', version: 4 },
        { mutationId: 5, status: 'rejected', version: 5 },
      ]);
      expect(typesOf(messages)).toEqual(['welcome', 'results', 'results', 'commit']);
    });

    it('[CS-5] settles nothing that the client has said to know, but for rejections it has not heard of', () => {
      driven.push('w', 1, 'addStop', stop('s1'));
      driven.push('w', 2, 'unheardOf');
      driven.room.leave('w');
      const clients = [{ clientId: 'c-w', lastMutationId: 2, confirmed: 2, welcomed: 0 }];
      expect(resultsIn(driven.join('w2', { clientId: 'c-w', clients, resume: point() }))).toMatchObject([
        { mutationId: 2, status: 'rejected' },
      ]);
      driven.say('w2', { type: 'heard', clientId: 'c-w', upTo: 2 });
      driven.flush();
      expect(resultsIn(driven.join('w3', { clientId: 'c-w', clients, resume: point() }))).toEqual([]);
    });

    it('[CS-5] tells nobody of another group’s mutations, whatever clients its hello names', () => {
      const at = point();
      driven.push('w', 1, 'unheardOf');
      const clients = [{ clientId: 'c-w', lastMutationId: 1, confirmed: 0, welcomed: 0 }];
      const messages = driven.join('spy', { clients, resume: at });
      expect(messages[0]).toMatchObject({ clients: [{ lastMutationId: 0, state: 'unknown' }] });
      expect(resultsIn(messages)).toEqual([]);
    });
  });

  describe('a slow reader', () => {
    const limits = {
      subscriberBacklogBytesMax: 10_000,
      subscriberBacklogBytesHard: 50_000,
      subscriberBacklogMsMax: 3_000,
      drainPollMs: 100,
    };
    beforeEach(() => {
      bounded(limits);
      driven.join('r');
      driven.take('r');
    });

    it('[CS-6] leaves the live stream when its socket is full, and is caught up from the log when it has drained, missing nothing', () => {
      const replica = new PlainReplica();
      replica.version = 0;
      commit();
      driven.ports.buffered.set('r', 20_000);
      commits(3);
      replica.take(driven.take('r'));
      expect(replica.version).toBe(1);
      expect(driven.room.stats.behind).toBe(1);
      driven.ports.buffered.set('r', 0);
      driven.advance(100);
      commit();
      const messages = driven.take('r');
      expect(messages.filter((message) => message.type === 'commit').map(({ from, to }) => [from, to])).toEqual([
        [1, 4],
        [4, 5],
      ]);
      replica.take(messages);
      expect(replica.rows()).toEqual(rowsOf(database));
      expect(driven.room.stats.behind).toBe(0);
    });

    it('[CS-6] gets its results before the range that holds their versions', () => {
      driven.ports.buffered.set('w', 20_000);
      driven.push('w', pushed + 1, 'addStop', stop('mine'));
      expect(driven.take('w')).toEqual([]);
      driven.ports.buffered.set('w', 0);
      driven.advance(100);
      const messages = driven.take('w');
      expect(typesOf(messages).filter((type) => type !== 'presence')).toEqual(expect.arrayContaining(['results', 'commit']));
      expect(typesOf(messages).indexOf('results')).toBeLessThan(typesOf(messages).indexOf('commit'));
      expect(resultsIn(messages)).toMatchObject([{ clientId: 'c-w', status: 'applied', version: 1 }]);
    });

    it('[CS-7] is waited for as long as it drains at all, and closed backlog_exceeded when it stands still or holds too much', () => {
      driven.ports.buffered.set('r', 20_000);
      commit();
      for (let step = 1; step <= 20; step++) {
        driven.advance(2_000);
        driven.ports.buffered.set('r', 20_000 - step * 100);
        for (const reader of ['r', 'w']) driven.say(reader, { type: 'ping' });
      }
      expect(driven.ports.disconnected.has('r')).toBe(false);
      driven.advance(6_000);
      expect(driven.ports.disconnected.get('r')).toMatchObject({ code: 'backlog_exceeded', retryable: true });
      driven.join('q');
      driven.ports.buffered.set('q', 60_000);
      commit();
      driven.advance(200);
      expect(driven.ports.disconnected.get('q')).toMatchObject({ code: 'backlog_exceeded' });
    });

    it('[CS-8] takes a fresh snapshot when the log no longer reaches back to it', () => {
      bounded({ ...limits, changeLogVersionsMax: 2, housekeepingIntervalMs: 1_000, subscriberBacklogMsMax: 60_000 });
      driven.join('r', { snapshots: ['rows'] });
      driven.advance(1);
      driven.take('r');
      driven.ports.buffered.set('r', 20_000);
      commits(6);
      driven.advance(1_500);
      driven.ports.buffered.set('r', 0);
      driven.advance(200);
      const messages = driven.take('r');
      expect(messages.find((message) => message.type === 'rehydrate')).toMatchObject({ reason: 'backlog', image: null });
      const replica = new PlainReplica();
      replica.take(messages);
      expect(replica.version).toBe(6);
      expect(replica.rows()).toEqual(rowsOf(database));
    });
  });

  describe('images', () => {
    const image = { path: '/sync/image', ticket: 'ticket', expiresInMs: 60_000 };

    it('[CS-9] are offered where the host has one, and followed from the version the client then says', () => {
      commits(2);
      driven.ports.image = image;
      const messages = driven.join('r', { snapshots: ['image', 'rows'] });
      expect(messages).toMatchObject([{ type: 'welcome', hydration: 'first', image }]);
      expect(driven.ports.imageRequests).toMatchObject([{ version: 2, floor: 0, view: point().view }]);
      const at = point();
      commits(2);
      expect(driven.takeOf('r', 'commit')).toEqual([]);
      expect(driven.say('r', { type: 'follow', historyId: at.historyId, version: at.version, hash: at.hash })).toMatchObject([
        { type: 'commit', from: 2, to: 4 },
      ]);
      commit();
      expect(driven.takeOf('r', 'commit')).toMatchObject([{ from: 4, to: 5 }]);
      expect(driven.say('r', { type: 'follow', historyId: at.historyId, version: at.version, hash: at.hash })).toEqual([]);
    });

    it('[CS-9] that do not fit the history are answered with another snapshot', () => {
      commits(2);
      driven.ports.image = image;
      driven.join('r', { snapshots: ['image', 'rows'] });
      driven.ports.image = null;
      const { historyId } = point();
      expect(driven.say('r', { type: 'follow', historyId, version: 2, hash: 'wrong' })).toMatchObject([
        { type: 'rehydrate', reason: 'fork', image: null },
      ]);
      driven.advance(1);
      expect(driven.takeOf('r', 'snapshotEnd')).toHaveLength(1);
    });

    it('[CS-9] a client that takes nothing else is told to come again where there is none', () => {
      driven.join('r', { snapshots: ['image'] });
      expect(driven.ports.disconnected.get('r')).toMatchObject({ code: 'overloaded', retryable: true });
      expect(driven.room.stats.sessions).toBe(1);
    });

    it('[CS-10] a client may ask for a fresh snapshot at any time', () => {
      commits(3);
      driven.join('r', { resume: point() });
      expect(driven.say('r', { type: 'hydrate', snapshots: ['rows'] })).toMatchObject([
        { type: 'rehydrate', reason: 'asked', view: point().view },
      ]);
      driven.advance(1);
      const replica = new PlainReplica();
      replica.take(driven.take('r'));
      expect(replica.rows()).toEqual(rowsOf(database));
    });

    it('[CS-11] a client that takes no snapshot follows the stream from the head', () => {
      commits(2);
      expect(typesOf(driven.join('r', { snapshots: [] }))).toEqual(['welcome']);
      commit();
      expect(driven.takeOf('r', 'commit')).toMatchObject([{ from: 2, to: 3 }]);
    });
  });

  describe('row snapshots', () => {
    it('[CS-12] hold the room exactly at one version, while it goes on committing, and are followed by the stream', () => {
      for (const seed of ['one', 'two', 'three', 'four', 'five']) {
        const prng = new Prng(seed);
        database = openBetterSqlite3(':memory:');
        pushed = 0;
        bounded({ snapshotChunkRowsMax: 7, catchUpVersionsMax: 5 });
        commit('addMany', { from: 0, count: 100 });
        commits(20);
        driven.join('r', { snapshots: ['rows'] });
        const replica = new PlainReplica();
        for (let turn = 0; turn < 80; turn++) {
          driven.room.tick();
          const id = `m${String(prng.int(0, 130)).padStart(6, '0')}`;
          const wild = prng.pick<[string, object]>([
            ['addStop', stop(id)],
            ['setCity', { id, city: `${turn}` }],
            ['removeStop', { id }],
            ['addNote', { id: `n${turn}`, stopId: id, body: 'b' }],
          ]);
          commit(...wild);
        }
        driven.advance(1_000);
        replica.take(driven.take('r'));
        expect(replica.version).toBe(driven.room.stats.version);
        expect(replica.rows()).toEqual(rowsOf(database));
        expect(replica.hash).toBe(driven.room.head.hash);
      }
    });

    it('[CS-12] never hold what is not durable yet', () => {
      commits(2);
      driven.autoDurable = false;
      driven.queue('w', pushed + 1, 'addStop', stop('later'));
      driven.flush();
      driven.join('r', { snapshots: ['rows'] });
      driven.advance(500);
      expect(driven.take('r').filter((message) => message.type.startsWith('snapshot'))).toEqual([]);
      driven.room.durable(3);
      driven.advance(500);
      expect(driven.takeOf('r', 'snapshotBegin')).toMatchObject([{ version: 3 }]);
    });

    it('[CS-13] are read and encoded once for all who wait, and a slow reader holds nobody up', () => {
      bounded({ snapshotChunkRowsMax: 10, subscriberBacklogBytesMax: 10_000, subscriberBacklogMsMax: 60_000 });
      commit('addMany', { from: 0, count: 100 });
      driven.join('fast', { snapshots: ['rows'] });
      driven.join('slow', { snapshots: ['rows'] });
      driven.room.tick();
      driven.ports.buffered.set('slow', 9_000);
      driven.advance(3_000);
      const fast = driven.take('fast');
      expect(fast.at(-1)).toMatchObject({ type: 'snapshotEnd', rows: 100 });
      expect(driven.takeOf('slow', 'snapshotEnd')).toEqual([]);
      commits(3);
      driven.ports.buffered.set('slow', 0);
      driven.advance(3_000);
      const replica = new PlainReplica();
      replica.take([...(driven.ports.sent.get('slow') ?? [])].map(({ frame }) => JSON.parse(String(frame)) as ServerMessage));
      expect(replica.rows()).toEqual(rowsOf(database));
    });

    it('[CS-13] begin again where too much changed while they were read', () => {
      bounded({ snapshotChunkRowsMax: 10, snapshotOverlayRowsMax: 5 });
      commit('addMany', { from: 0, count: 50 });
      driven.join('r', { snapshots: ['rows'] });
      driven.room.tick();
      commit('raw', { sql: "update stops set city = 'all'" });
      driven.advance(1_000);
      const messages = driven.take('r');
      expect(messages.filter((message) => message.type === 'rehydrate')).toMatchObject([{ reason: 'backlog' }]);
      const replica = new PlainReplica();
      replica.take(messages);
      expect(replica.rows()).toEqual(rowsOf(database));
    });

    it('[CS-13] of a reader that takes nothing end, and free their run', () => {
      bounded({ snapshotChunkRowsMax: 1, subscriberBacklogBytesMax: 1_000, subscriberBacklogMsMax: 1_000 });
      commits(5);
      driven.join('r', { snapshots: ['rows'] });
      driven.ports.buffered.set('r', 5_000);
      driven.advance(3_000);
      expect(driven.ports.disconnected.get('r')).toMatchObject({ code: 'backlog_exceeded' });
      expect(driven.room.stats).toMatchObject({ hydrating: 0 });
      driven.room.leave('w');
      driven.advance(1);
      expect(driven.room.stats.isIdle).toBe(true);
    });

    it('[CS-14] push and settle while a snapshot is read: results come with the snapshot’s version or after', () => {
      bounded({ snapshotChunkRowsMax: 10 });
      commit('addMany', { from: 0, count: 40 });
      driven.join('r', { snapshots: ['rows'] });
      driven.room.tick();
      driven.push('r', 1, 'addStop', stop('mine'));
      driven.push('r', 2, 'unheardOf');
      driven.advance(1_000);
      const messages = driven.takeOf('r', 'results');
      expect(resultsIn(messages)).toMatchObject([
        { mutationId: 1, status: 'applied', version: 2 },
        { mutationId: 2, status: 'rejected', version: 3 },
      ]);
    });
  });

  it('[CS-15] encodes a commit once for all its readers of a codec', () => {
    for (const reader of ['j1', 'j2']) driven.join(reader);
    for (const reader of ['d1', 'd2']) driven.join(reader, { codecs: ['deflate'] });
    commit();
    const last = (reader: string): unknown => driven.ports.sent.get(reader)?.at(-1)?.frame;
    expect(last('d1')).toBeInstanceOf(Uint8Array);
    expect(last('d1')).toBe(last('d2'));
    expect(last('j1')).toBe(last('j2'));
  });
});
