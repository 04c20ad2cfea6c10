import { mkdtempSync, rmSync } from 'node:fs';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PgReplica } from '../../../packages/server/src/host/postgres/pg-replica.ts';
import { readRoom } from '../../contract/read-room.ts';
import { PgCluster } from './pg-cluster.ts';
import { PgWorld } from './pg-world.ts';

let cluster: PgCluster;
let world: PgWorld;
beforeAll(async () => {
  cluster = await PgCluster.start();
  world = await PgWorld.open(cluster.primary, cluster.primary);
}, 60_000);
afterAll(async () => {
  await world?.close();
  await cluster?.close();
});

const forever = new AbortController().signal;
const readBy = (replica: PgReplica, room: { readonly name: string; readonly id: string }, sql: string) =>
  replica.read(
    { room, sql, params: [], sight: world.sight({ all: true }), atLeast: null, bounds: { timeoutMs: 5_000, rowsMax: 100, bytesMax: 1e6 } },
    forever,
  );

describe('[MI-13] whoever row security does not hold', () => {
  test('reads no room, since all of them would be shown', async () => {
    const [one, other] = [await world.makeRoom(), await world.makeRoom()];
    await one.mutate('putStop', { id: 'mine', city: 'Rome' });
    await other.mutate('putStop', { id: 'hidden', city: 'Oslo' });
    const owner = world.reader('owner', cluster.primary, { url: cluster.primary.url });
    const asOption = world.reader('option', cluster.primary, { url: `${cluster.primary.url}?user=postgres`.replace(/\/\/[^@]*@/, '//') });
    try {
      for (const replica of [owner, asOption]) {
        const sql = 'SELECT count(*) FROM stops';
        await expect(readBy(replica, one.address, sql)).rejects.toMatchObject({ code: 'replica_unavailable' });
        await expect(replica.digest(one.address, forever)).rejects.toMatchObject({ code: 'replica_unavailable' });
      }
      const failing = await readBy(owner, one.address, 'SELECT city::int FROM stops').catch(String);
      expect(failing).not.toMatch(/Oslo|Rome/);
    } finally {
      await Promise.all([owner.close(), asOption.close()]);
    }
  });

  test('is refused as a replica of a mirror when the server starts', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'alcove-pg-'));
    const { url } = cluster.primary;
    const starting = createServer({
      rooms: [readRoom],
      dataDir,
      signals: false,
      log: silentLogger,
      mirror: { url, prefix: 'other' },
      replicas: [{ url }],
    });
    await expect(starting).rejects.toMatchObject({ code: 'option_invalid', message: expect.stringContaining('other_reader') });
    rmSync(dataDir, { recursive: true, force: true });
  });
});
