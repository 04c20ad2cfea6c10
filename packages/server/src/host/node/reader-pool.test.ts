import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { silentLogger } from '@alcove/core/runtime/logger';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FileRoom, ReaderPoolWorld } from '../../../../../test/contract/reader-pool-world.ts';
import { codeOf, ReplicaReads, rowsIn } from '../../../../../test/contract/replica-reads.ts';
import { createNodeRuntime } from './node-runtime.ts';
import type { ReaderPoolOptions } from './reader-pool.ts';
import { eventually } from '../../../../../test/fake/eventually.ts';

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
const MB = 1_000_000;
const QUEUE_TIMEOUT_MS = 60_001;

let world: ReaderPoolWorld;
let room: FileRoom;
let reads: ReplicaReads;
const open = async (options: Partial<ReaderPoolOptions> = {}): Promise<void> => {
  world = new ReaderPoolWorld({ readersMax: 1, ...options });
  room = await world.makeRoom();
  reads = new ReplicaReads(world, room);
};
afterEach(() => world.close());

const pids = (): readonly number[] => world.replica.load.pids;
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Empty where it is gone by now. */
const readlink = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};
/** Its priority is that of each of them. */
const threadsOf = (pid: number): readonly number[] =>
  existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid];
/** A read that holds a process, begun by now. */
const hold = async (): Promise<{ readonly code: Promise<unknown>; readonly end: AbortController; readonly pid: number }> => {
  await reads.read('SELECT 1');
  const end = new AbortController();
  const code = codeOf(reads.read(ENDLESS, { signal: end.signal, timeoutMs: 15_000 }));
  expect(world.replica.load.busy).toBe(1);
  const [pid = 0] = pids();
  return { code, end, pid };
};

describe('ReaderPool', () => {
  it('[RD-71] a process that is killed fails its own read alone; another takes its place', async () => {
    await open({ readersMax: 2 });
    const { code, pid } = await hold();
    const beside = reads.read('SELECT 2 AS two');
    process.kill(pid, 'SIGKILL');
    expect(await code).toBe('replica_unavailable');
    expect(rowsIn(await beside)).toEqual([[2]]);
    expect(rowsIn(await reads.read('SELECT 3 AS three'))).toEqual([[3]]);
    expect(pids()).not.toContain(pid);
  });

  it('[RD-71] what cannot be started is told, and tried again after a while', async () => {
    await open();
    const first = codeOf(reads.read('SELECT 1'));
    const [pid = 0] = pids();
    process.kill(pid, 'SIGKILL');
    expect(await first).toBe('replica_unavailable');
    const second = await reads.read('SELECT 1').catch((error: unknown) => error);
    expect(second).toMatchObject({ code: 'replica_unavailable', retryAfterMs: expect.any(Number) });
    expect(pids()).toEqual([]);
    await vi.waitFor(async () => expect((await reads.read('SELECT 1')).rows).toBe(1), { timeout: 20_000, interval: 100 });
  });

  it('[RD-5] a read that nobody waits for is ended within a second with its process, one that ends by itself is not', async () => {
    await open();
    const { code, end, pid } = await hold();
    end.abort();
    expect(await code).toBe('closed');
    const beganMs = performance.now();
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000, interval: 5 });
    expect(performance.now() - beganMs).toBeLessThan(1_000 + 2_000); // and what a busy machine takes to notice
    await reads.read('SELECT 1');
    const kept = pids();
    const quick = new AbortController();
    const abandoned = codeOf(reads.read('SELECT 1', { signal: quick.signal }));
    quick.abort();
    expect(await abandoned).toBe('closed');
    expect(rowsIn(await reads.read('SELECT 2 AS two'))).toEqual([[2]]);
    expect(pids()).toEqual(kept);
  });

  it('[RD-65] a process whose parent does not end a read ends itself', async () => {
    const runtime: Runtime = { ...createNodeRuntime({ log: silentLogger }), setTimer: () => ({ cancel: () => undefined }) };
    await open({ runtime });
    await reads.read('SELECT 1');
    const beganMs = performance.now();
    expect(await codeOf(reads.read(ENDLESS, { timeoutMs: 100 }))).toBe('replica_unavailable');
    expect(performance.now() - beganMs).toBeGreaterThan(1_000);
  });

  it('[RD-72] reads wait for a process up to a number and a time, then are sent elsewhere', async () => {
    const runtime = createNodeRuntime({ log: silentLogger });
    const waits: (() => void)[] = [];
    const setTimer: Runtime['setTimer'] = (delayMs, fn) => {
      if (delayMs === QUEUE_TIMEOUT_MS) waits.push(fn);
      return runtime.setTimer(delayMs, fn);
    };
    await open({ queueMax: 2, queueTimeoutMs: QUEUE_TIMEOUT_MS, runtime: { ...runtime, setTimer } });
    const { code, end } = await hold();
    const waiting = [reads.read('SELECT 1'), reads.read('SELECT 2')].map((read) => read.catch((error: unknown) => error));
    expect(world.replica.load.waiting).toBe(2);
    const refused = { code: 'replica_unavailable', retryAfterMs: expect.any(Number) };
    expect(await reads.read('SELECT 3').catch((error: unknown) => error)).toMatchObject(refused);
    expect(world.replica.load.waiting).toBe(2);
    for (const passed of waits.slice(-2)) passed();
    expect(await Promise.all(waiting)).toMatchObject([refused, refused]);
    expect(world.replica.load).toMatchObject({ busy: 1, waiting: 0 });
    end.abort();
    expect(await code).toBe('closed');
  });

  it('[RD-38] users take turns: one never has all processes, and who comes anew has the next', async () => {
    await open({ readersMax: 2 });
    const end = new AbortController();
    const ask = (user: string, sql: string) =>
      reads.read(sql, { user, timeoutMs: 15_000, signal: end.signal }).then(rowsIn, (error: unknown) => error);
    const flood = [ENDLESS, ENDLESS, ENDLESS].map((sql) => ask('mallory', sql));
    await vi.waitFor(() => expect(world.replica.load).toMatchObject({ busy: 1, waiting: 2 }), { timeout: 20_000 });
    expect(await Promise.all([ask('ada', 'SELECT 1'), ask('bo', 'SELECT 2')])).toEqual([[[1]], [[2]]]);
    expect(world.replica.load).toMatchObject({ busy: 1, waiting: 2 });
    end.abort();
    expect(await Promise.all(flood)).toMatchObject([{ code: 'closed' }, { code: 'closed' }, { code: 'closed' }]);
  });

  it('[RD-73] a room that is made anew, migrated or gone is noticed', async () => {
    await open();
    await room.mutate('putStop', { id: 'old', city: 'old' });
    const old = await reads.read('SELECT id FROM stops');
    expect(rowsIn(old)).toEqual([['old']]);
    room.remake();
    const at = await room.mutate('putStop', { id: 'new', city: 'new' });
    expect(await codeOf(reads.read('SELECT id FROM stops', { atLeast: old.at }))).toBe('read_behind');
    const anew = await reads.read('SELECT id FROM stops', { atLeast: at });
    expect(rowsIn(anew)).toEqual([['new']]);
    expect(anew.at).toEqual(at);

    room.database.exec("ALTER TABLE stops ADD COLUMN later text; CREATE TABLE later (secret text); INSERT INTO later VALUES ('canary')");
    expect(await codeOf(reads.read('SELECT secret FROM later'))).toBe('sql_failed');
    expect((await reads.read('SELECT id FROM stops')).rows).toBe(1);

    room.remove();
    expect(await codeOf(reads.read('SELECT id FROM stops'))).toBe('replica_unavailable');
    const nowhere = { ...room, address: { name: 'read', id: 'nowhere' }, mutate: room.mutate };
    expect(await codeOf(new ReplicaReads(world, nowhere).read('SELECT 1'))).toBe('replica_unavailable');
    expect(pids()).toHaveLength(1);
  });

  it('[RD-74] the log is moved into the file while readers hold the room, and held back by no more than one read', async () => {
    await open();
    const checkpoint = (): unknown => room.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0];
    await room.mutate('putStops', { prefix: 's', count: 500 });
    expect((await reads.read('SELECT * FROM stops', { rowsMax: 10 })).truncated).toBe(true);
    expect(await codeOf(reads.read('SELECT json(id) FROM stops'))).toBe('sql_failed');
    expect(await codeOf(reads.read('SELECT * FROM nowhere'))).toBe('sql_failed');
    expect(await codeOf(reads.read('SELECT 1', { atLeast: { historyId: 'x', version: 1 } }))).toBe('read_behind');
    await room.mutate('putStop', { id: 'a', city: 'x' });
    expect(checkpoint()).toBe(0);
    expect(statSync(`${room.path}-wal`).size).toBe(0);
    const { code, end } = await hold();
    await vi.waitFor(
      async () => {
        await room.mutate('putStop', { id: `c${performance.now()}`, city: 'x' });
        expect(checkpoint()).toBe(1);
      },
      { timeout: 20_000 },
    );
    end.abort();
    expect(await code).toBe('closed');
    await vi.waitFor(() => expect(checkpoint()).toBe(0), { timeout: 20_000 });
  });

  it('[RD-77] readers that follow each other without a pause make way for what was written', async () => {
    await open({ readersMax: 2 });
    const checkpoint = (): unknown => room.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0];
    await Promise.all([reads.read('SELECT 1'), reads.read('SELECT 1')]);
    const other = new ReplicaReads(world, await world.makeRoom());
    const { code, end } = await hold();
    const beside = new AbortController();
    const elsewhere = codeOf(other.read(ENDLESS, { signal: beside.signal, timeoutMs: 15_000 }));
    await vi.waitFor(
      async () => {
        await room.mutate('putStop', { id: `c${performance.now()}`, city: 'x' });
        expect(checkpoint()).toBe(1);
      },
      { timeout: 20_000 },
    );
    const goOn = await world.replica.holdOff(room.path);
    expect(await code).toBe('replica_unavailable');
    expect(pids()).toHaveLength(1);
    const next = reads.read('SELECT 2 AS two');
    expect(checkpoint()).toBe(0);
    expect(world.replica.load).toMatchObject({ busy: 1, waiting: 1 });
    goOn();
    expect(rowsIn(await next)).toEqual([[2]]);
    beside.abort();
    expect(await elsewhere).toBe('closed');
    end.abort();
  });

  it('[RD-77] what is done soon is not ended for it', async () => {
    await open();
    await reads.read('SELECT 1');
    const before = pids();
    const short = reads.read('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT count(*) FROM n');
    expect(world.replica.load.busy).toBe(1);
    const goOn = await world.replica.holdOff(room.path);
    expect(world.replica.load.busy).toBe(0);
    expect(rowsIn(await short)).toEqual([[20_000]]);
    goOn();
    expect(pids()).toEqual(before);
  });

  it('[RD-75] nothing of one read is there for the next, whoever asks in the same process', async () => {
    await open();
    await room.mutate('putNote', { id: 'a', owner: 'ada', body: 'ada-canary', secret: null });
    const ada = { sub: 'ada' };
    const bo = { sub: 'bo' };
    const text = 'WITH mine AS (SELECT body FROM notes) SELECT body FROM mine WHERE body = ?';
    expect(rowsIn(await reads.read(text, { claims: ada, params: ['ada-canary'] }))).toEqual([['ada-canary']]);
    for (const leave of ['CREATE TEMP TABLE mine AS SELECT * FROM notes', 'PRAGMA case_sensitive_like = ON', 'BEGIN']) {
      expect(await codeOf(reads.read(leave, { claims: ada }))).toBe('sql_refused');
    }
    expect(await codeOf(reads.read('SELECT * FROM mine', { claims: ada }))).toBe('sql_failed');
    expect((await reads.read(text, { claims: bo, params: ['ada-canary'] })).rows).toBe(0);
    expect(rowsIn(await reads.read("SELECT 'A' LIKE 'a' AS same", { claims: bo }))).toEqual([[1]]);
    const other = new ReplicaReads(world, await world.makeRoom());
    expect((await other.read(text, { claims: ada, params: ['ada-canary'] })).rows).toBe(0);
    expect(pids()).toHaveLength(1);
  });

  it('[RD-76] a process without work ends, and one is started when it is needed', async () => {
    await open({ idleMs: 50 });
    expect(world.replica.available).toBe(true);
    expect(pids()).toEqual([]);
    await reads.read('SELECT 1');
    const [first = 0] = pids();
    for (const thread of threadsOf(first)) expect(getPriority(thread)).toBeGreaterThan(getPriority());
    await vi.waitFor(() => expect(isAlive(first)).toBe(false), { timeout: 20_000 });
    expect(pids()).toEqual([]);
    expect((await reads.read('SELECT 1')).rows).toBe(1);
  });

  it.skipIf(!existsSync('/proc/self/fd'))(
    '[RD-78] a process keeps few files open, however many see rooms each in their own way',
    async () => {
      await open();
      await reads.read('SELECT 1');
      const [pid = 0] = pids();
      const files = (): number =>
        readdirSync(`/proc/${pid}/fd`).filter((fd) => readlink(`/proc/${pid}/fd/${fd}`).startsWith(world.directory)).length;
      let most = 0;
      for (let at = 0; at < 120; at += 1) {
        await reads.read('SELECT * FROM notes', { claims: { sub: `user ${at}` } });
        most = Math.max(most, files());
      }
      expect(most).toBeGreaterThan(16);
      expect(most).toBeLessThan(2 * (16 + 8 + 8));
      expect(pids()).toEqual([pid]);
    },
  );

  it('[RD-70] a long value ends its read; a process that grew too much is replaced', async () => {
    await open({ valueBytesMax: 10_000, heapBytesMax: 30 * MB });
    await room.mutate('putStop', { id: 'long', city: 'x'.repeat(20_000) });
    expect(await codeOf(reads.read('SELECT city FROM stops'))).toBe('result_too_large');
    expect(await codeOf(reads.read("SELECT group_concat(city) FROM stops, json_each('[1,2]')"))).toBe('result_too_large');
    expect(rowsIn(await reads.read('SELECT length(id) FROM stops'))).toEqual([[4]]);
    const sorted = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(i) || hex(i) AS h FROM n ORDER BY h';
    const [pid = 0] = pids();
    expect(await codeOf(reads.read(sorted, { timeoutMs: 15_000 }))).toBe('result_too_large');
    await eventually(() => expect(isAlive(pid)).toBe(false));
    expect((await reads.read('SELECT 1')).rows).toBe(1);
  });
});
