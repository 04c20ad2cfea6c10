import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@alcove/core/sqlite/database';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { openDatabase } from '../host/node/open-database.ts';
import { ChangeLog } from './change-log.ts';
import type { NewEntry } from './change-log.ts';
import { createLogTables, fileKind } from './log-tables.ts';
import { pruneLog } from './prune.ts';
import type { PruneBounds } from './prune.ts';
import { FILE_FORMAT, MetaTable, newHistory } from './room-meta.ts';

const EVERYTHING = { versionsMax: 1_000_000, bytesMax: 1_000_000_000 };
const UNBOUNDED: PruneBounds = { versionsMax: 1e9, bytesMax: 1e12, ageMsMax: 1e12, keptHashEvery: 10, keepAbove: 1e9 };

describe('change log', () => {
  const runtime = new FakeRuntime();
  let database: Database;
  let meta: MetaTable;
  let log: ChangeLog;

  beforeEach(() => {
    database = openDatabase(':memory:');
    createLogTables(database);
    meta = new MetaTable(database);
    meta.write({ format: FILE_FORMAT, roomName: 'trip', forgottenVersion: -1, boots: 1, ...newHistory(runtime, 0) });
    log = new ChangeLog(database, runtime, meta.read());
  });
  afterEach(() => database.close());

  const entry = (over: Partial<NewEntry> = {}): NewEntry => ({
    schema: 's1',
    atMs: runtime.nowMs(),
    acks: [],
    record: '{"tables":[]}',
    ...over,
  });
  const commit = (over: Partial<NewEntry> = {}): void => {
    log.advance(database.transaction(() => log.append(entry(over))));
  };
  const commits = (count: number): void => {
    for (let index = 0; index < count; index += 1) commit();
  };
  const reopened = (): ChangeLog => new ChangeLog(database, runtime, meta.read());

  it('[RM-1] numbers versions 1, 2, 3 … and goes on after a reopen', () => {
    commits(3);
    expect(log.read(0, 3, EVERYTHING).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(reopened().head).toEqual(log.head);
    expect(log.head.version).toBe(3);
  });

  it('leaves nothing behind in memory when the transaction fails', () => {
    commit();
    expect(() =>
      database.transaction(() => {
        log.append(entry());
        throw new RangeError('stop');
      }),
    ).toThrowError('stop');
    expect(log.head.version).toBe(1);
    commit();
    expect(log.read(0, 9, EVERYTHING).map(({ version }) => version)).toEqual([1, 2]);
  });

  it('[RM-12] gives acks and rejections back as they were', () => {
    const acks = [
      { clientId: 'c1', mutationId: 4, rejected: null },
      { clientId: 'c1', mutationId: 5, rejected: { code: 'constraint_failed', message: 'no "stop" like that' } },
    ] as const;
    commit({ acks });
    commit();
    expect(log.read(0, 2, EVERYTHING)[0]?.acks).toEqual(acks);
    expect(log.firstSettledAfter(0, ['c1', 'c'])).toEqual(new Map([['c1', 4]]));
    expect(log.firstSettledAfter(1, ['c1'])).toEqual(new Map());
  });

  it.each([3, 30])('finds the first mutation of each of %d clients after a version', (count) => {
    const clientIds = Array.from({ length: count }, (_, index) => `c${index}`);
    // Each version settles one of every client whose number divides it; all of them together at the end.
    for (let version = 1; version <= 40; version++) {
      const settled = clientIds.filter((_, index) => version === 40 || version % (index + 1) === 0);
      commit({ acks: settled.map((clientId) => ({ clientId, mutationId: version, rejected: null })) });
    }
    for (const after of [0, 7, 39, 40]) {
      const expected = clientIds.flatMap((clientId, index) => {
        const first = Array.from({ length: 40 - after }, (_, step) => after + 1 + step).find(
          (version) => version === 40 || version % (index + 1) === 0,
        );
        return first === undefined ? [] : [[clientId, first] as const];
      });
      expect(log.firstSettledAfter(after, [...clientIds, 'nobody'])).toEqual(new Map(expected));
    }
  });

  it('reads within bounds, and one entry at least', () => {
    commits(5);
    expect(log.read(1, 4, EVERYTHING).map(({ version }) => version)).toEqual([2, 3, 4]);
    expect(log.read(0, 5, { versionsMax: 2, bytesMax: 1e9 }).map(({ version }) => version)).toEqual([1, 2]);
    expect(log.read(0, 5, { versionsMax: 9, bytesMax: 1 }).map(({ version }) => version)).toEqual([1]);
    expect(log.read(5, 5, EVERYTHING)).toEqual([]);
  });

  it.each([
    ['record', `UPDATE alcove_log SET record = '{"tables":[1]}' WHERE version = 2`, /version 2 does not have the hash/],
    ['acks', `UPDATE alcove_log SET acks = '[["c",1]]' WHERE version = 3`, /version 3 does not have the hash/],
    ['time', 'UPDATE alcove_log SET at_ms = at_ms + 1 WHERE version = 2', /version 2 does not have the hash/],
    ['a missing version', 'DELETE FROM alcove_log WHERE version = 2', /version 2 is missing/],
  ])('[RM-12] notices a damaged log: %s', (_, sql, message) => {
    commits(4);
    expect(() => reopened().verifyTail(100)).not.toThrow();
    database.exec(sql);
    expect(() => reopened().verifyTail(100)).toThrowError(
      expect.objectContaining({ code: 'file_damaged', message: expect.stringMatching(message) }),
    );
  });

  it('[RM-12] gives equal content another hash in another history', () => {
    commit();
    const first = log.head.hash;
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    database.exec('DELETE FROM alcove_log');
    meta.write(newHistory(runtime, 0));
    log = reopened();
    commit();
    expect(log.head.hash).not.toBe(first);
  });

  describe('pruning', () => {
    it('[RM-13] raises the floor over the oldest versions past the bound, and keeps one hash in N', () => {
      commits(35);
      const hashes = Array.from({ length: 36 }, (_, version) => log.hashAt(version));
      expect(pruneLog(database, log, meta, { ...UNBOUNDED, versionsMax: 5 }, runtime.nowMs())).toBe(false);
      expect(log.floor).toEqual({ version: 30, hash: hashes[30] });
      expect(log.versions).toBe(5);
      expect([30, 20, 10].map((version) => log.hashAt(version))).toEqual([hashes[30], hashes[20], hashes[10]]);
      expect([29, 21, 1].map((version) => log.hashAt(version))).toEqual([null, null, null]);
      expect(reopened().floor).toEqual(log.floor);
      expect(() => reopened().verifyTail(100)).not.toThrow();
    });

    it('[RM-13] prunes by bytes and by age', () => {
      commits(4);
      const perEntry = log.bytes / 4;
      pruneLog(database, log, meta, { ...UNBOUNDED, bytesMax: perEntry * 2 }, runtime.nowMs());
      expect(log.floor.version).toBe(2);
      expect(log.bytes).toBe(perEntry * 2);
      runtime.advance(5_000);
      commit();
      pruneLog(database, log, meta, { ...UNBOUNDED, ageMsMax: 4_000 }, runtime.nowMs());
      expect(log.floor.version).toBe(4);
    });

    it('[RM-13] never drops the newest version nor one that is still read', () => {
      commits(3);
      pruneLog(database, log, meta, { ...UNBOUNDED, ageMsMax: 0, keepAbove: 1 }, runtime.nowMs() + 1);
      expect(log.floor.version).toBe(1);
      pruneLog(database, log, meta, { ...UNBOUNDED, ageMsMax: 0 }, runtime.nowMs() + 1);
      expect(log.floor.version).toBe(2);
      expect(log.head.version).toBe(3);
    });
  });

  it('tells an empty file, a room and somebody else’s tables apart', () => {
    expect(fileKind(database)).toBe('room');
    const other = openDatabase(':memory:');
    expect(fileKind(other)).toBe('empty');
    other.exec('CREATE TABLE people (id integer PRIMARY KEY)');
    expect(fileKind(other)).toBe('tables');
    other.close();
  });

  it('refuses a file of another format', () => {
    meta.write({ format: 2 });
    expect(() => meta.read()).toThrowError(expect.objectContaining({ code: 'file_foreign' }));
  });
});
