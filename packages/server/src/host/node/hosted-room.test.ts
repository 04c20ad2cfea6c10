import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import type { ErrorCode } from '@alcove/core/error';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CollectingLogger } from '../../../../../test/fake/collecting-logger.ts';
import { stops, tripRoom } from '../../../../../test/fake/trip-room.ts';
import { openRoom } from '../../room/open-room.ts';
import { HostedRoom } from './hosted-room.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { openDatabase } from './open-database.ts';
import { eventually } from '../../../../../test/fake/eventually.ts';

describe('a room on this host', () => {
  const log = new CollectingLogger();
  let dir: string;
  let hosted: HostedRoom;
  let failures: AlcoveError[];
  /** What a checkpoint fails with; null: it works. */
  let trouble: ErrorCode | null;
  /** What the host's readers do when they are to make way, and what they were told. */
  let makeWay: () => void;
  let heldOff: string[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'alcove-hosted-'));
    failures = [];
    trouble = null;
    heldOff = [];
    makeWay = () => heldOff.push('asked');
    log.entries.length = 0;
    const runtime = createNodeRuntime({ log });
    hosted = new HostedRoom({
      address: { name: 'trip', id: 'r' },
      files: { database: join(dir, 'r.sqlite'), head: join(dir, 'r.head'), making: join(dir, 'r.making') },
      runtime,
      walBytesMax: 1_000_000,
      closeTimeoutMs: 60_000,
      userReadsMax: 8,
      openDatabase: () => {
        const database = openDatabase(join(dir, 'r.sqlite'));
        const prepare = database.prepare.bind(database);
        database.prepare = (sql) => {
          if (trouble !== null && sql.includes('wal_checkpoint')) throw new AlcoveError(trouble, 'not now');
          return prepare(sql);
        };
        return database;
      },
      openRoom: (database, ports) => openRoom({ room: tripRoom, id: 'r', database, runtime, ports }),
      moved: () => undefined,
      holdOffReaders: async () => {
        makeWay();
        return () => heldOff.push('over');
      },
      offerImage: () => null,
      read: () => Promise.reject(new AlcoveError('sql_unavailable', 'no readers')),
      renewAccess: () => undefined,
      failed: (_, error) => failures.push(error),
    });
  });
  afterEach(async () => {
    trouble = null;
    await hosted.close(new AlcoveError('draining', 'the test is over'));
    rmSync(dir, { recursive: true, force: true });
  });

  const add = (id: string): Promise<unknown> => hosted.room.mutate({ name: 'addStop', args: { id, city: 'x' }, user: null });
  /** Failures are told after the call. */
  const sweep = async (): Promise<void> => {
    hosted.sweep();
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('[HO-25][RM-23] that drains does what waits, though it takes more than one transaction and nobody else is in', async () => {
    const calls = Array.from({ length: 1_200 }, (_, index) => add(`s${index}`));
    await hosted.close(new AlcoveError('draining', 'the server stops'));
    expect(await Promise.allSettled(calls).then((all) => all.filter(({ status }) => status === 'fulfilled').length)).toBe(1_200);
  });

  it.each(['room_full', 'overloaded'] as const)(
    '[HO-32] whose log cannot be moved into its file goes on after %s, says so once, and moves it when it can',
    async (code) => {
      await add('a');
      trouble = code;
      await sweep();
      await sweep();
      await add('b');
      expect(await hosted.room.query((db) => db.select({ id: stops.id }).from(stops))).toEqual([{ id: 'a' }, { id: 'b' }]);
      expect(failures).toEqual([]);
      expect(log.errors).toMatchObject([{ fields: { code, id: 'r' } }]);
      trouble = null;
      await sweep();
      trouble = code;
      await add('c');
      await sweep();
      expect(log.errors).toHaveLength(2);
    },
  );

  it('[RD-77] whose log has grown past its bound has readers make way that hold it, and lets them go on', async () => {
    const wal = (): number => statSync(join(dir, 'r.sqlite-wal')).size;
    await add('a');
    const reader = openDatabase(join(dir, 'r.sqlite'), { readonly: true });
    const reading = reader.prepare('SELECT id FROM stops').iterate();
    makeWay = () => {
      heldOff.push('asked');
      reading.return?.();
    };
    await add('b');
    reading.next();
    for (let at = 0; wal() <= 1_000_000; at += 1) await Promise.all(Array.from({ length: 50 }, (_, index) => add(`${at} ${index}`)));
    await sweep();
    await eventually(() => expect(heldOff).toEqual(['asked', 'over']));
    expect(wal()).toBe(0);
    reader.close();
    await add('c');
    await sweep();
    expect(heldOff).toEqual(['asked', 'over']);
    expect(failures).toEqual([]);
  });

  it('[HO-8] ends after a disk error while the log is moved', async () => {
    await add('a');
    trouble = 'room_failed';
    await sweep();
    expect(failures).toMatchObject([{ code: 'room_failed' }]);
  });
});
