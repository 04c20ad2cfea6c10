import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CollectingLogger } from '../../../../../test/fake/collecting-logger.ts';
import { Prng } from '../../../../../test/fake/prng.ts';
import { tripRoom } from '../../../../../test/fake/trip-room.ts';
import { openRoom } from '../../room/open-room.ts';
import { HostedRoom } from './hosted-room.ts';
import { createNodeRuntime } from './node-runtime.ts';
import { openDatabase } from './open-database.ts';

const VERSIONS = 20;

/** What a crash leaves of a room: its file, SQLite's log beside it, the head as it stood after each version. */
describe('a log that a crash or a bad disk damaged', () => {
  const runtime = createNodeRuntime({ log: new CollectingLogger() });
  let dir: string;
  let file: Buffer;
  let wal: Buffer;
  const heads: Buffer[] = [];
  /** Length of the log after each version. */
  const lengths: number[] = [];

  const hostedAt = (name: string): HostedRoom => {
    const path = join(dir, `${name}.sqlite`);
    return new HostedRoom({
      address: { name: 'trip', id: 'r' },
      files: { database: path, head: join(dir, `${name}.head`), making: join(dir, `${name}.making`) },
      runtime,
      walBytesMax: 100_000_000,
      closeTimeoutMs: 1_000,
      userReadsMax: 8,
      openDatabase: () => openDatabase(path),
      openRoom: (database, ports) => openRoom({ room: tripRoom, id: 'r', database, runtime, ports }),
      moved: () => undefined,
      holdOffReaders: async () => () => undefined,
      offerImage: () => null,
      read: () => Promise.reject(new AlcoveError('sql_unavailable', 'no readers')),
      renewAccess: () => undefined,
      failed: () => undefined,
    });
  };
  const end = (room: HostedRoom): Promise<void> => room.close(new AlcoveError('draining', 'the test is over'));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'alcove-torn-'));
    const made = hostedAt('made');
    await end(made);
    const room = hostedAt('made');
    for (let version = 0; version <= VERSIONS; version++) {
      if (version > 0) await room.room.mutate({ name: 'addStop', args: { id: `s${version}`, city: 'x'.repeat(version * 50) }, user: null });
      heads.push(readFileSync(join(dir, 'made.head')));
      lengths.push(readFileSync(join(dir, 'made.sqlite-wal')).length);
    }
    copyFileSync(join(dir, 'made.sqlite'), join(dir, 'made.copy'));
    file = readFileSync(join(dir, 'made.copy'));
    wal = readFileSync(join(dir, 'made.sqlite-wal'));
    await end(room);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Opens what was left; gives the version and rows found, or the code it is refused with. */
  const opened = async (log: Buffer, head: Buffer): Promise<number | string> => {
    for (const ending of ['-wal', '-shm', '-journal']) rmSync(join(dir, `left.sqlite${ending}`), { force: true });
    writeFileSync(join(dir, 'left.sqlite'), file);
    writeFileSync(join(dir, 'left.sqlite-wal'), log);
    writeFileSync(join(dir, 'left.head'), head);
    let room: HostedRoom;
    try {
      room = hostedAt('left');
    } catch (error) {
      return AlcoveError.from(error).code;
    }
    const rows = await room.room.query(() => sql<{ n: number }>`select count(*) as n from stops`);
    const { version } = room.room.stats;
    await end(room);
    // A prefix of whole versions: each added a row.
    expect(rows).toEqual([{ n: version }]);
    return version;
  };
  const headOf = (version: number): Buffer => heads[version] ?? Buffer.alloc(0);

  it('[HO-33] cut anywhere, with the head as it was: refused, never a shorter room', async () => {
    expect(await opened(wal, headOf(VERSIONS))).toBe(VERSIONS);
    const prng = new Prng('cuts');
    for (let cut = 0; cut < 60; cut++) {
      const length = prng.int(0, (lengths[VERSIONS] ?? 1) - 1);
      expect(await opened(wal.subarray(0, length), headOf(VERSIONS)), `cut at ${length}`).toBe('history_lost');
    }
  });

  it('[HO-33] cut together with a head that is older, as a power loss leaves them: whole versions, none below that head', async () => {
    const prng = new Prng('power');
    for (let cut = 0; cut < 60; cut++) {
      const known = prng.int(0, VERSIONS);
      const length = prng.int(lengths[known] ?? 0, lengths[VERSIONS] ?? 0);
      const found = lengths.findLastIndex((end) => end <= length);
      expect(await opened(wal.subarray(0, length), headOf(known)), `head ${known}, cut at ${length}`).toBe(found);
    }
  });

  it('[HO-33] with a bit flipped: all of it, or refused', async () => {
    const prng = new Prng('flips');
    let refused = 0;
    for (let flip = 0; flip < 100; flip++) {
      const at = prng.int(0, (lengths[VERSIONS] ?? 1) - 1);
      const damaged = Buffer.from(wal);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.int(0, 7));
      const result = await opened(damaged, headOf(VERSIONS));
      expect([VERSIONS, 'history_lost', 'file_damaged'], `bit flipped at ${at}`).toContain(result);
      if (result !== VERSIONS) refused += 1;
    }
    expect(refused).toBeGreaterThan(90);
  });

  it('[HO-33] gone: refused', async () => {
    expect(await opened(Buffer.alloc(0), headOf(VERSIONS))).toBe('history_lost');
  });
});
