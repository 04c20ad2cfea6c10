import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessage, ServerMessageOf } from '@alcove/core/protocol/server-message';
import type { CollectingLogger } from '../../../../test/fake/collecting-logger.ts';
import { resultsIn, typesOf } from '../../../../test/fake/driven-room.ts';
import { PlainReplica, rowsOf } from '../../../../test/fake/plain-replica.ts';
import { type Resume, stop, WrittenTrip } from '../../../../test/fake/written-trip.ts';

describe('change stream of a room', () => {
  let trip: WrittenTrip;
  beforeEach(() => {
    trip = new WrittenTrip();
  });
  afterEach(() => trip.close());

  describe('resume', () => {
    it('[CS-1] goes on where the replica stands, in merged ranges, up to the head and then live', () => {
      trip.commits(2);
      const at = trip.point();
      trip.commits(3);
      const messages = trip.driven.join('r', { resume: at });
      expect(messages[0]).toMatchObject({ type: 'welcome', hydration: 'resume', version: 5 });
      const ranges = messages.filter((message) => message.type === 'commit');
      expect(ranges).toMatchObject([{ from: 2, to: 5, changes: [{ table: 'stops' }], hash: trip.point().hash }]);
      trip.commit();
      expect(trip.driven.takeOf('r', 'commit')).toMatchObject([{ from: 5, to: 6 }]);
    });

    it('[CS-1] says nothing but welcome to a replica that is at the head', () => {
      trip.commits(2);
      expect(typesOf(trip.driven.join('r', { resume: trip.point() }))).toEqual(['welcome']);
    });

    it('[CS-2] ends ranges at bounds of versions and bytes, and at the same versions for all', () => {
      trip.bounded({ catchUpVersionsMax: 4, catchUpBytesMax: 1_000_000 });
      const starts = [trip.point()];
      trip.commits(2);
      starts.push(trip.point());
      trip.commits(8);
      const spans = starts.map((resume, index) =>
        trip.driven
          .join(`r${index}`, { resume })
          .filter((message) => message.type === 'commit')
          .map(({ from, to }) => `${from}-${to}`),
      );
      expect(spans).toEqual([
        ['0-4', '4-8', '8-10'],
        ['2-4', '4-8', '8-10'],
      ]);
      trip.bounded({ catchUpBytesMax: 1_000 });
      trip.pushed = 10;
      trip.commits(30);
      const sizes = trip.driven.join('r9', { resume: starts[0] as Resume }).filter((message) => message.type === 'commit');
      expect(sizes.length).toBeGreaterThan(2);
    });

    it('[CS-3] merges a range to what stands at its end', () => {
      const at = trip.point();
      trip.commit('addStop', stop('x'));
      trip.commit('setCity', { id: 'x', city: 'Osaka' });
      trip.commit('addStop', stop('y'));
      trip.commit('removeStop', { id: 'y' });
      const [range] = trip.driven.join('r', { resume: at }).filter((message) => message.type === 'commit');
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
      trip.commits(2);
      const before = trip.driven.room.head;
      const messages = trip.driven.join('r', { resume: change(trip.point()), snapshots: ['rows'] });
      expect(messages[0]).toMatchObject({ type: 'welcome', hydration: reason });
      trip.driven.advance(1);
      expect(trip.driven.takeOf('r', 'snapshotBegin')).toMatchObject([{ version: 2 }]);
      expect(trip.driven.room.head).toEqual(before);
    });

    it('[CN-20] tells who resumes that the room is without what they showed, where somebody else made the replica', () => {
      trip.commits(2);
      const { view: _, ...shown } = trip.point();
      trip.commits(1);
      let joined = 0;
      const isLost = (over: Partial<Resume>): boolean | undefined => {
        const [welcome] = trip.driven.join(`r${++joined}`, { resume: trip.point(), shown: { ...shown, ...over } });
        expect(welcome).toMatchObject({ hydration: 'resume' });
        return (welcome as ServerMessageOf<'welcome'>).shownLost;
      };
      expect([isLost({}), isLost({ historyId: 'other' })]).toEqual([undefined, undefined]);
      expect([isLost({ hash: 'f'.repeat(32) }), isLost({ version: 99 })]).toEqual([true, true]);
      expect(trip.driven.join('r', { shown: { ...shown, version: 99 } })[0]).toMatchObject({ hydration: 'first', shownLost: true });
    });

    it('[CS-4] tells a replica below the floor so, and one of a fork below it too where the hash was kept', () => {
      trip.bounded({ changeLogVersionsMax: 5, keptHashEveryVersions: 10, housekeepingIntervalMs: 1_000 });
      const points: Resume[] = [];
      for (let index = 0; index < 30; index++) {
        points.push(trip.point());
        trip.commit();
      }
      trip.driven.advance(1_000);
      expect(trip.driven.room.stats.floor).toBe(25);
      const reasonAt = (version: number, over: Partial<Resume> = {}): unknown =>
        (
          trip.driven.join(`r${version}${over.hash ?? ''}`, {
            resume: { ...(points[version] as Resume), ...over },
          })[0] as ServerMessageOf<'welcome'>
        ).hydration;
      expect([reasonAt(25), reasonAt(24), reasonAt(20)]).toEqual(['resume', 'floor', 'floor']);
      expect(reasonAt(20, { hash: '0'.repeat(32) })).toBe('fork');
    });

    it('[CS-5] settles what was handled by then before the first commit: rejections, one duplicate, then exact results with their ranges', () => {
      trip.driven.push('w', 1, 'addStop', stop('s1'));
      trip.driven.push('w', 2, 'addStop', stop('s1'));
      trip.driven.push('w', 3, 'addStop', stop('s3'));
      const at = trip.point();
      trip.driven.push('w', 4, 'addStop', stop('s4'));
      trip.driven.push('w', 5, 'addStop', stop('s4'));
      trip.driven.room.leave('w');
      const clients = [{ clientId: 'c-w', lastMutationId: 5, confirmed: 0, welcomed: 0 }];
      const messages = trip.driven.join('w2', { clientId: 'c-w', clients, resume: at });
      expect(messages[0]).toMatchObject({ clients: [{ clientId: 'c-w', lastMutationId: 5, state: 'known' }] });
      expect(resultsIn(messages)).toMatchObject([
        { mutationId: 2, status: 'rejected', version: 2, code: 'constraint_failed' },
        { mutationId: 3, status: 'duplicate', version: 3 },
        { mutationId: 4, status: 'applied', version: 4 },
        { mutationId: 5, status: 'rejected', version: 5 },
      ]);
      expect(typesOf(messages)).toEqual(['welcome', 'results', 'results', 'commit']);
    });

    it('[CS-17] what a fresh peer pushes before its snapshot is cut has its own result after it, applied or rejected', () => {
      trip.commits(3);
      trip.driven.join('f', { groupId: 'g', snapshots: ['rows'] });
      trip.driven.join('tab', { groupId: 'g', snapshots: [] });
      trip.driven.push('f', 1, 'addStop', stop('f1'));
      trip.driven.push('f', 2, 'addStop', stop('f1'));
      trip.driven.push('f', 3, 'addStop', stop('f3'));
      expect(resultsIn(trip.driven.take('f'))).toEqual([]);
      trip.driven.advance(1);
      const messages = trip.driven.take('f');
      expect(messages.find(({ type }) => type === 'snapshotBegin')).toMatchObject({ version: 6 });
      expect(typesOf(messages).slice(-2)).toEqual(['snapshotEnd', 'results']);
      expect(resultsIn(messages)).toEqual(resultsIn(trip.driven.take('tab')));
      expect(resultsIn(messages)).toMatchObject([
        { mutationId: 1, status: 'applied', version: 4 },
        { mutationId: 2, status: 'rejected', version: 5, code: 'constraint_failed' },
        { mutationId: 3, status: 'applied', version: 6 },
      ]);
    });

    it('[CS-17] so has what was decided while a reader that fell out of the stream took a fresh snapshot; what came before it is covered', () => {
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.advance(1);
      trip.driven.push('r', 1, 'addStop', stop('r1'));
      trip.driven.take('r');
      trip.driven.say('r', { type: 'hydrate', snapshots: ['rows'] });
      trip.driven.push('r', 2, 'addStop', stop('r2'));
      trip.driven.advance(1);
      expect(resultsIn(trip.driven.take('r'))).toMatchObject([
        { mutationId: 1, status: 'duplicate', version: 1 },
        { mutationId: 2, status: 'applied', version: 2 },
      ]);
    });

    it('[CS-17] what the log does not hold any more is covered by a duplicate', () => {
      trip.bounded({ changeLogVersionsMax: 1, housekeepingIntervalMs: 10, snapshotRunsMax: 1, drainPollMs: 10 });
      trip.driven.ports.image = { path: '/i', ticket: 't', expiresInMs: 1_000 };
      trip.driven.join('g', { snapshots: ['image', 'rows'] });
      for (const mutationId of [1, 2, 3]) trip.driven.push('g', mutationId, 'addStop', stop(`s${mutationId}`));
      trip.driven.advance(20);
      expect(trip.driven.room.stats.floor).toBe(2);
      trip.driven.take('g');
      trip.driven.say('g', { type: 'hydrate', snapshots: ['rows'] });
      trip.driven.advance(1);
      expect(resultsIn(trip.driven.take('g'))).toMatchObject([
        { mutationId: 2, status: 'duplicate', version: 2 },
        { mutationId: 3, status: 'applied', version: 3 },
      ]);
    });

    it('[CS-5][RM-6] settles nothing that the client has said to know, and takes its rejections for heard', () => {
      trip.driven.push('w', 1, 'addStop', stop('s1'));
      trip.driven.push('w', 2, 'unheardOf');
      trip.driven.push('w', 3, 'unheardOf');
      trip.driven.room.leave('w');
      const clients = [{ clientId: 'c-w', lastMutationId: 3, confirmed: 2, welcomed: 0 }];
      expect(resultsIn(trip.driven.join('w2', { clientId: 'c-w', clients, resume: trip.point() }))).toMatchObject([
        { mutationId: 3, status: 'rejected' },
        { mutationId: 3, status: 'duplicate' },
      ]);
      trip.driven.advance(1_000);
      expect(trip.database.prepare('SELECT mutation_id FROM alcove_rejections').all()).toEqual([[3]]);
    });

    it('[CS-5] tells nobody of another group’s mutations, whatever clients its hello names', () => {
      const at = trip.point();
      trip.driven.push('w', 1, 'unheardOf');
      const clients = [{ clientId: 'c-w', lastMutationId: 1, confirmed: 0, welcomed: 0 }];
      const messages = trip.driven.join('spy', { clients, resume: at });
      expect(messages[0]).toMatchObject({ clients: [{ lastMutationId: 0, state: 'unknown' }, { state: 'new' }] });
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
      trip.bounded(limits);
      trip.driven.join('r');
      trip.driven.take('r');
    });

    it('[CS-6] leaves the live stream when its socket is full, and is caught up from the log when it has drained, missing nothing', () => {
      const replica = new PlainReplica();
      replica.version = 0;
      trip.commit();
      trip.driven.ports.buffered.set('r', 20_000);
      trip.commits(3);
      replica.take(trip.driven.take('r'));
      expect(replica.version).toBe(1);
      expect(trip.driven.room.stats.behind).toBe(1);
      trip.driven.ports.buffered.set('r', 0);
      trip.driven.advance(100);
      trip.commit();
      const messages = trip.driven.take('r');
      expect(messages.filter((message) => message.type === 'commit').map(({ from, to }) => [from, to])).toEqual([
        [1, 4],
        [4, 5],
      ]);
      replica.take(messages);
      expect(replica.rows()).toEqual(rowsOf(trip.database));
      expect(trip.driven.room.stats.behind).toBe(0);
    });

    it('[CS-6] gets its results before the range that holds their versions', () => {
      trip.driven.ports.buffered.set('w', 20_000);
      trip.driven.push('w', trip.pushed + 1, 'addStop', stop('mine'));
      expect(trip.driven.take('w')).toEqual([]);
      trip.driven.ports.buffered.set('w', 0);
      trip.driven.advance(100);
      const messages = trip.driven.take('w');
      expect(typesOf(messages).filter((type) => type !== 'presence')).toEqual(expect.arrayContaining(['results', 'commit']));
      expect(typesOf(messages).indexOf('results')).toBeLessThan(typesOf(messages).indexOf('commit'));
      expect(resultsIn(messages)).toMatchObject([{ clientId: 'c-w', status: 'applied', version: 1 }]);
    });

    it('[CS-7] is waited for as long as it drains at all, and closed backlog_exceeded when it stands still or holds too much', () => {
      trip.driven.ports.buffered.set('r', 20_000);
      trip.commit();
      for (let step = 1; step <= 20; step++) {
        trip.driven.advance(2_000);
        trip.driven.ports.buffered.set('r', 20_000 - step * 100);
        for (const reader of ['r', 'w']) trip.driven.say(reader, { type: 'ping' });
      }
      expect(trip.driven.ports.disconnected.has('r')).toBe(false);
      trip.driven.advance(6_000);
      expect(trip.driven.ports.disconnected.get('r')).toMatchObject({ code: 'backlog_exceeded', retryable: true });
      trip.driven.join('q');
      trip.driven.ports.buffered.set('q', 60_000);
      trip.commit();
      trip.driven.advance(200);
      expect(trip.driven.ports.disconnected.get('q')).toMatchObject({ code: 'backlog_exceeded' });
    });

    it('[CS-8] takes a fresh snapshot when the log no longer reaches back to it', () => {
      trip.bounded({ ...limits, changeLogVersionsMax: 2, housekeepingIntervalMs: 1_000, subscriberBacklogMsMax: 60_000 });
      trip.driven.join('r', { snapshots: ['rows'] });
      trip.driven.advance(1);
      trip.driven.take('r');
      trip.driven.ports.buffered.set('r', 20_000);
      trip.commits(6);
      trip.driven.advance(1_500);
      trip.driven.ports.buffered.set('r', 0);
      trip.driven.advance(200);
      const messages = trip.driven.take('r');
      expect(messages.find((message) => message.type === 'rehydrate')).toMatchObject({ reason: 'backlog', image: null });
      const replica = new PlainReplica();
      replica.take(messages);
      expect(replica.version).toBe(6);
      expect(replica.rows()).toEqual(rowsOf(trip.database));
    });
  });

  it('[CS-8] takes a fresh snapshot where the log is damaged, which is logged, and the room goes on', () => {
    const at = trip.point();
    trip.commits(3);
    trip.database.exec("UPDATE alcove_log SET record = '[[1]]' WHERE version = 2");
    trip.driven.join('r', { resume: at, snapshots: ['rows'] });
    trip.driven.advance(10);
    const replica = new PlainReplica();
    replica.take(trip.driven.ports.sent.get('r')?.map(({ frame }) => JSON.parse(String(frame)) as ServerMessage) ?? []);
    expect(replica.rows()).toEqual(rowsOf(trip.database));
    expect((trip.driven.runtime.log as CollectingLogger).errors).toMatchObject([{ fields: { after: 0 } }]);
    trip.commit();
    expect(trip.driven.room.stats.version).toBe(4);
  });

  it('[CS-15] encodes a commit once for all its readers of a codec', () => {
    for (const reader of ['j1', 'j2']) trip.driven.join(reader);
    for (const reader of ['d1', 'd2']) trip.driven.join(reader, { codecs: ['deflate'] });
    trip.commit();
    const last = (reader: string): unknown => trip.driven.ports.sent.get(reader)?.at(-1)?.frame;
    expect(last('d1')).toBeInstanceOf(Uint8Array);
    expect(last('d1')).toBe(last('d2'));
    expect(last('j1')).toBe(last('j2'));
  });
});
