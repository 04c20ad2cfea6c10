import { describe, expect, it } from 'vitest';
import { DrivenRoom } from '../../../../test/fake/driven-room.ts';
import { tripRoom } from '../../../../test/fake/trip-room.ts';
import { openDatabase } from '../host/node/open-database.ts';
import type { RoomLimits } from './room-options.ts';

const ann = { claims: { sub: 'ann' } };
const rows = { snapshots: ['rows' as const] };

const open = (limits: Partial<RoomLimits>): DrivenRoom =>
  new DrivenRoom({ room: tripRoom, database: openDatabase(':memory:'), options: { limits } });

/** Asks for a fresh snapshot and lets as much time pass as one takes. */
const hydrate = (driven: DrivenRoom, id: string): void => {
  driven.say(id, { type: 'hydrate', snapshots: ['rows'] });
  driven.advance(1);
};
const snapshots = (driven: DrivenRoom, id: string): number => driven.takeOf(id, 'snapshotEnd').length;

describe('snapshots in rows', () => {
  it('[RM-44] of a client are late past its rate, one at a time, and the last word counts once', () => {
    const driven = open({ sessionSnapshotsPerMinuteMax: 6, sessionSnapshotsBurst: 2 });
    driven.join('1', rows, ann);
    driven.join('2', rows, { claims: { sub: 'bob' } });
    driven.advance(1);
    hydrate(driven, '1');
    expect(snapshots(driven, '1')).toBe(2);
    for (let more = 0; more < 5; more += 1) hydrate(driven, '1');
    driven.advance(9_900);
    expect(driven.takeOf('1', 'snapshotBegin')).toEqual([]);
    hydrate(driven, '2');
    expect(snapshots(driven, '2')).toBe(2);
    driven.advance(200);
    expect(snapshots(driven, '1')).toBe(1);
    driven.advance(30_000);
    expect(snapshots(driven, '1')).toBe(0);
    expect(driven.room.stats.limitsMet).toEqual({ sessionSnapshotsPerMinuteMax: 5 });
    expect(driven.ports.disconnected.size).toBe(0);
  });

  it('[RM-44] of a user over all sessions are late past the rate, in order; what is committed meanwhile is in them', () => {
    const driven = open({ userSnapshotsPerMinuteMax: 60, userSnapshotsBurst: 2 });
    for (const id of ['1', '2', '3', '4']) driven.join(id, rows, ann);
    driven.join('w', rows, { claims: { sub: 'bob' } });
    driven.advance(1);
    expect(['1', '2', '3', '4', 'w'].map((id) => snapshots(driven, id))).toEqual([1, 1, 0, 0, 1]);
    driven.push('w', 1, 'addStop', { id: 's1', city: 'Nara' });
    expect(driven.takeOf('3', 'commit')).toEqual([]);
    driven.advance(1_050);
    expect(driven.take('3')).toMatchObject([
      { type: 'snapshotBegin', version: 1 },
      { type: 'snapshotRows' },
      { type: 'snapshotEnd', rows: 1 },
    ]);
    expect(snapshots(driven, '4')).toBe(0);
    driven.advance(1_050);
    expect(snapshots(driven, '4')).toBe(1);
    expect(driven.room.stats.limitsMet).toEqual({ userSnapshotsPerMinuteMax: 2 });
  });

  it('[RM-44] of a user who may have more sessions begin at once for all of them', () => {
    const driven = open({ userSessionsMax: 500 });
    for (let at = 0; at < 500; at += 1) driven.join(`${at}`, rows, ann);
    driven.advance(1);
    for (let at = 0; at < 500; at += 1) expect(snapshots(driven, `${at}`)).toBe(1);
  });
});
