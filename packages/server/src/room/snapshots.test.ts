import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { PlainReplica, rowsOf } from '../../../../test/fake/plain-replica.ts';
import { Prng } from '../../../../test/fake/prng.ts';
import { stop, WrittenTrip } from '../../../../test/fake/written-trip.ts';

describe('snapshots of a room', () => {
  let trip: WrittenTrip;
  beforeEach(() => {
    trip = new WrittenTrip();
  });
  afterEach(() => trip.close());

  describe('images', () => {
    const image = { path: '/sync/image', ticket: 'ticket', expiresInMs: 60_000 };

    it('[CS-9] are offered where the host has one, and followed from the version the client then says', () => {
      trip.commits(2);
      trip.driven.ports.image = image;
      const messages = trip.driven.join('r', { snapshots: ['image', 'rows'] });
      expect(messages).toMatchObject([{ type: 'welcome', hydration: 'first', image }]);
      expect(trip.driven.ports.imageRequests).toMatchObject([{ version: 2, floor: 0, view: trip.point().view }]);
      const at = trip.point();
      trip.commits(2);
      expect(trip.driven.takeOf('r', 'commit')).toEqual([]);
      expect(trip.driven.say('r', { type: 'follow', historyId: at.historyId, version: at.version, hash: at.hash })).toMatchObject([
        { type: 'commit', from: 2, to: 4 },
      ]);
      trip.commit();
      expect(trip.driven.takeOf('r', 'commit')).toMatchObject([{ from: 4, to: 5 }]);
    });

    it('[CS-16] a client that misses something says where it stands, and the stream goes on from there', () => {
      trip.commits(2);
      const at = trip.point();
      trip.driven.join('r', { resume: at });
      trip.commits(2);
      trip.driven.take('r');
      const follow = { type: 'follow', historyId: at.historyId, version: at.version, hash: at.hash } as const;
      expect(trip.driven.say('r', follow)).toMatchObject([{ type: 'commit', from: 2, to: 4 }]);
      trip.commit();
      expect(trip.driven.takeOf('r', 'commit')).toMatchObject([{ from: 4, to: 5 }]);
      expect(trip.driven.say('r', { ...follow, hash: 'another' })).toMatchObject([{ type: 'rehydrate', reason: 'fork' }]);
    });

    it('[CS-16] a late word of an image changes nothing once rows are on their way', () => {
      trip.commits(2);
      const { historyId, version, hash } = trip.point();
      trip.driven.join('r', { snapshots: ['rows'] });
      expect(trip.driven.say('r', { type: 'follow', historyId, version, hash })).toEqual([]);
      trip.driven.advance(1);
      expect(trip.driven.takeOf('r', 'snapshotEnd')).toHaveLength(1);
    });

    it('[CS-9] that do not fit the history are answered with another snapshot', () => {
      trip.commits(2);
      trip.driven.ports.image = image;
      trip.driven.join('r', { snapshots: ['image', 'rows'] });
      trip.driven.ports.image = null;
      const { historyId } = trip.point();
      expect(trip.driven.say('r', { type: 'follow', historyId, version: 2, hash: 'wrong' })).toMatchObject([
        { type: 'rehydrate', reason: 'fork', image: null },
      ]);
      trip.driven.advance(1);
      expect(trip.driven.takeOf('r', 'snapshotEnd')).toHaveLength(1);
    });

    it('[CS-9] a client that takes nothing else is told to come again where there is none', () => {
      trip.driven.join('r', { snapshots: ['image'] });
      expect(trip.driven.ports.disconnected.get('r')).toMatchObject({ code: 'overloaded', retryable: true });
      expect(trip.driven.room.stats.sessions).toBe(1);
    });

    it('[CS-10] a client may ask for a fresh snapshot at any time', () => {
      trip.commits(3);
      trip.driven.join('r', { resume: trip.point() });
      expect(trip.driven.say('r', { type: 'hydrate', snapshots: ['rows'] })).toMatchObject([
        { type: 'rehydrate', reason: 'asked', view: trip.point().view },
      ]);
      trip.driven.advance(1);
      const replica = new PlainReplica();
      replica.take(trip.driven.take('r'));
      expect(replica.rows()).toEqual(rowsOf(trip.database));
    });

    it('[CS-11] a client that takes no snapshot follows the stream from the head', () => {
      trip.commits(2);
      expect(typesOf(trip.driven.join('r', { snapshots: [] }))).toEqual(['welcome']);
      trip.commit();
      expect(trip.driven.takeOf('r', 'commit')).toMatchObject([{ from: 2, to: 3 }]);
    });
  });

  describe('row snapshots', () => {
    it('[CS-12] hold the room exactly at one version, while it goes on committing, and are followed by the stream', () => {
      for (const seed of ['one', 'two', 'three', 'four', 'five']) {
        const prng = new Prng(seed);
        trip.close();
        trip = new WrittenTrip();
        trip.bounded({ snapshotChunkRowsMax: 7, catchUpVersionsMax: 5 });
        trip.commit('addMany', { from: 0, count: 100 });
        trip.commits(20);
        trip.driven.join('r', { snapshots: ['rows'] });
        const replica = new PlainReplica();
        for (let turn = 0; turn < 80; turn++) {
          trip.driven.room.tick();
          const id = `m${String(prng.int(0, 130)).padStart(6, '0')}`;
          const wild = prng.pick<[string, object]>([
            ['addStop', stop(id)],
            ['setCity', { id, city: `${turn}` }],
            ['removeStop', { id }],
            ['addNote', { id: `n${turn}`, stopId: id, body: 'b' }],
          ]);
          trip.commit(...wild);
        }
        trip.driven.advance(1_000);
        replica.take(trip.driven.take('r'));
        expect(replica.version).toBe(trip.driven.room.stats.version);
        expect(replica.rows()).toEqual(rowsOf(trip.database));
        expect(replica.hash).toBe(trip.driven.room.head.hash);
      }
    });

    it('[CS-12] never hold what is not durable yet', () => {
      trip.commits(2);
      trip.driven.autoDurable = false;
      trip.driven.queue('w', trip.pushed + 1, 'addStop', stop('later'));
      trip.driven.flush();
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.advance(500);
      expect(trip.driven.take('r').filter((message) => message.type.startsWith('snapshot'))).toEqual([]);
      trip.driven.room.durable(3);
      trip.driven.advance(500);
      expect(trip.driven.takeOf('r', 'snapshotBegin')).toMatchObject([{ version: 3 }]);
    });

    it('[CS-13] are read and encoded once for all who wait, and a slow reader holds nobody up', () => {
      trip.bounded({ snapshotChunkRowsMax: 10, subscriberBacklogBytesMax: 10_000, subscriberBacklogMsMax: 60_000 });
      trip.commit('addMany', { from: 0, count: 100 });
      trip.driven.join('fast', { snapshots: ['rows'] });
      trip.driven.join('slow', { snapshots: ['rows'] });
      trip.driven.room.tick();
      trip.driven.ports.buffered.set('slow', 9_000);
      trip.driven.advance(3_000);
      const fast = trip.driven.take('fast');
      expect(fast.at(-1)).toMatchObject({ type: 'snapshotEnd', rows: 100 });
      expect(trip.driven.takeOf('slow', 'snapshotEnd')).toEqual([]);
      trip.commits(3);
      trip.driven.ports.buffered.set('slow', 0);
      trip.driven.advance(3_000);
      const replica = new PlainReplica();
      replica.take([...(trip.driven.ports.sent.get('slow') ?? [])].map(({ frame }) => JSON.parse(String(frame)) as ServerMessage));
      expect(replica.rows()).toEqual(rowsOf(trip.database));
    });

    it('[CS-13] begin again where too much changed while they were read', () => {
      trip.bounded({ snapshotChunkRowsMax: 10, snapshotOverlayRowsMax: 5 });
      trip.commit('addMany', { from: 0, count: 50 });
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.room.tick();
      trip.commit('raw', { sql: "update stops set city = 'all'" });
      trip.driven.advance(1_000);
      const messages = trip.driven.take('r');
      expect(messages.filter((message) => message.type === 'rehydrate')).toMatchObject([{ reason: 'backlog' }]);
      const replica = new PlainReplica();
      replica.take(messages);
      expect(replica.rows()).toEqual(rowsOf(trip.database));
    });

    it('[CS-13] of a reader that takes nothing end, and free their run', () => {
      trip.bounded({ snapshotChunkRowsMax: 1, subscriberBacklogBytesMax: 1_000, subscriberBacklogMsMax: 1_000 });
      trip.commits(5);
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.ports.buffered.set('r', 5_000);
      trip.driven.advance(3_000);
      expect(trip.driven.ports.disconnected.get('r')).toMatchObject({ code: 'backlog_exceeded' });
      expect(trip.driven.room.stats).toMatchObject({ hydrating: 0 });
      trip.driven.room.leave('w');
      trip.driven.advance(1);
      expect(trip.driven.room.stats.isIdle).toBe(true);
    });

    it('[CS-14] push and settle while a snapshot is read: results come with the snapshot’s version or after', () => {
      trip.bounded({ snapshotChunkRowsMax: 10 });
      trip.commit('addMany', { from: 0, count: 40 });
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.room.tick();
      trip.driven.push('r', 1, 'addStop', stop('mine'));
      trip.driven.push('r', 2, 'unheardOf');
      trip.driven.advance(1_000);
      const messages = trip.driven.takeOf('r', 'results');
      expect(resultsIn(messages)).toMatchObject([
        { mutationId: 1, status: 'applied', version: 2 },
        { mutationId: 2, status: 'rejected', version: 3 },
      ]);
    });
  });
});
