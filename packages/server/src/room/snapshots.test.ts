import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import type { Database } from '@alcove/core/sqlite/database';
import { DrivenRoom, resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { PlainReplica, rowsOf } from '../../../../test/fake/plain-replica.ts';
import { Prng } from '../../../../test/fake/prng.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomOptions } from './room-options.ts';

const stop = (id: string): object => ({ id, city: `city ${id}` });
type Resume = { historyId: string; version: number; hash: string; view: string };

describe('snapshots of a room', () => {
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
    database = openDatabase(':memory:');
    driven = open();
    driven.join('w');
  });
  afterEach(() => database.close());

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
    });

    it('[CS-16] a client that misses something says where it stands, and the stream goes on from there', () => {
      commits(2);
      const at = point();
      driven.join('r', { resume: at });
      commits(2);
      driven.take('r');
      const follow = { type: 'follow', historyId: at.historyId, version: at.version, hash: at.hash } as const;
      expect(driven.say('r', follow)).toMatchObject([{ type: 'commit', from: 2, to: 4 }]);
      commit();
      expect(driven.takeOf('r', 'commit')).toMatchObject([{ from: 4, to: 5 }]);
      expect(driven.say('r', { ...follow, hash: 'another' })).toMatchObject([{ type: 'rehydrate', reason: 'fork' }]);
    });

    it('[CS-16] a late word of an image changes nothing once rows are on their way', () => {
      commits(2);
      const { historyId, version, hash } = point();
      driven.join('r', { snapshots: ['rows'] });
      expect(driven.say('r', { type: 'follow', historyId, version, hash })).toEqual([]);
      driven.advance(1);
      expect(driven.takeOf('r', 'snapshotEnd')).toHaveLength(1);
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
        database = openDatabase(':memory:');
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
});
