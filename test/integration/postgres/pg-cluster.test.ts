import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOpenToAll } from './pg-binaries.ts';
import { PgCluster } from './pg-cluster.ts';
import { until } from './pg-node.ts';
import type { PgNode } from './pg-node.ts';
import { isRunning } from './pg-processes.mjs';

const rowsOf = async (node: PgNode): Promise<number[]> => (await node.query<{ a: number }>('SELECT a FROM t ORDER BY a')).map(({ a }) => a);

/** A refusal, or silence for so long. */
const answersWithin = (node: PgNode, ms: number): Promise<boolean> =>
  Promise.race([
    node.query('SELECT 1').then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), ms)),
  ]);

describe('a primary and two standbys', () => {
  let cluster: PgCluster;
  let one: PgNode;
  let two: PgNode;

  beforeAll(async () => {
    cluster = await PgCluster.start({ standbys: 2 });
    [one, two] = cluster.standbys as [PgNode, PgNode]; // two were asked for
  });

  afterAll(() => cluster?.close());

  test('standbys have what the primary has, and take no writes', async () => {
    await cluster.primary.query('CREATE TABLE t (a int)');
    await cluster.primary.query('INSERT INTO t VALUES (1)');
    await cluster.level();
    expect(await rowsOf(one)).toEqual([1]);
    expect(await rowsOf(two)).toEqual([1]);
    await expect(one.query('INSERT INTO t VALUES (2)')).rejects.toMatchObject({ code: '25006' });
  });

  test('an apply delay holds back what was committed, on that standby alone', async () => {
    await one.setApplyDelay(600_000);
    await cluster.primary.query('INSERT INTO t VALUES (2)');
    await until('the other standby to have it', async () => (await rowsOf(two)).length === 2);
    expect(await rowsOf(one)).toEqual([1]);
    await one.setApplyDelay(0);
    await cluster.level();
    expect(await rowsOf(one)).toEqual([1, 2]);
  });

  test('a paused server says nothing, and goes on when it is resumed', async () => {
    one.pause();
    expect(await answersWithin(one, 300)).toBe(false);
    one.resume();
    expect(await rowsOf(one)).toEqual([1, 2]);
  });

  test('a server that was killed comes back under its address', async () => {
    const { url, pid } = one;
    await one.kill();
    expect(isRunning(pid)).toBe(false);
    await expect(one.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await one.start();
    expect(one.url).toBe(url);
    await cluster.primary.query('INSERT INTO t VALUES (3)');
    await cluster.level();
    expect(await rowsOf(one)).toEqual([1, 2, 3]);
  });

  test('a promoted standby takes writes on the next timeline, and the other one follows it', async () => {
    await cluster.primary.stop('immediate');
    await one.promote();
    await two.follow(one);
    await one.query('INSERT INTO t VALUES (4)');
    await until('the other standby to have it', async () => (await rowsOf(two)).includes(4));
    const [row] = await two.query<{ timeline: number }>('SELECT received_tli AS timeline FROM pg_stat_wal_receiver');
    expect(row?.timeline).toBe(2);
  });
});

test('nothing is left of a cluster that was closed while a server of it was paused', async () => {
  const cluster = await PgCluster.start();
  const { directory, pid } = cluster.primary;
  cluster.primary.pause();
  await cluster.close();
  expect([isRunning(pid), existsSync(dirname(directory))]).toEqual([false, false]);
});

const script = fileURLToPath(new URL('./pg-cluster-process.ts', import.meta.url));
const NOBODY = 65_534;
const accounts = [
  ['whoever runs the tests', {}],
  ['nobody', { uid: NOBODY, gid: NOBODY }],
] as const;

test.for(accounts)('nothing is left of a cluster of %s whose process was killed', async ([, account], { skip }) => {
  if ('uid' in account && (process.getuid?.() !== 0 || !isOpenToAll(script))) skip('only root can become somebody else');
  const args = ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], ...account });
  const [line] = (await once(child.stdout, 'data')) as [Buffer]; // as Node documents the event
  const { directory, pids } = JSON.parse(line.toString()) as { readonly directory: string; readonly pids: number[] };
  expect(pids.map(isRunning)).toEqual([true, true]);
  child.kill('SIGKILL');
  await until('the cluster to be gone', () => Promise.resolve(!existsSync(dirname(directory))));
  expect(pids.map(isRunning)).toEqual([false, false]);
});
