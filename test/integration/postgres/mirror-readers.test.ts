import { mkdtempSync, rmSync } from 'node:fs';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PgReplica } from '../../../packages/server/src/host/postgres/pg-replica.ts';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import { createNodeRuntime } from '../../../packages/server/src/host/node/node-runtime.ts';
import { mirrorAccess } from '../../../packages/server/src/host/postgres/mirror-access.ts';
import { MirrorConnection } from '../../../packages/server/src/host/postgres/mirror-connection.ts';
import { RoomWriter } from '../../../packages/server/src/host/postgres/room-writer.ts';
import { MirrorNames } from '../../../packages/server/src/mirror/mirror-names.ts';
import { digestDatabase } from '../../../packages/server/src/read/digest-database.ts';
import { digestTables } from '../../../packages/server/src/read/room-digest.ts';
import { readRoom } from '../../contract/read-room.ts';
import { ledger, put } from './ledger-room.ts';
import { MirrorWorld } from './mirror-world.ts';
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

const runtime = createNodeRuntime({ log: silentLogger });
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

describe('a mirror of every kind of value', () => {
  let rooms: MirrorWorld;
  beforeAll(async () => {
    rooms = new MirrorWorld(cluster.primary, 'kinds');
    const server = await rooms.server();
    const any = ['Infinity', '-Infinity', 'NaN', '9e999', '-9e999', '0x10', '1e5', '', ' 7 ', 1e300, 0.1, -0, '5.'];
    await server.room(ledger, 'a').mutate.run(any.map((one, index) => put(`k${index}`, { any: one, r: index })));
    await server.room(ledger, 'a').mutate.run([
      { do: 'pair', a: '\u{10FFFF}a', b: -1, note: '' },
      { do: 'bare', key: '', there: true },
    ]);
    await rooms.level(server, 'a');
  });
  afterAll(() => rooms.end());

  test('[RD-79] has the digest of the room', async () => {
    const [row] = await cluster.primary.query<{ secret: Buffer }>('SELECT secret FROM kinds.secret');
    const access = mirrorAccess('kinds', new Uint8Array(row?.secret ?? Buffer.alloc(0)), runtime);
    const options = { pool: 1, connectTimeoutMs: 2_000, statementTimeoutMs: 5_000, modelOf: () => ledger.model };
    const replica = new PgReplica({ id: 'digests', url: cluster.primary.url, user: access.reader, runtime, access, ...options });
    const file = openDatabase(join(rooms.dataDir, 'rooms', 'ledger', 'a.sqlite'), { readonly: true });
    try {
      expect(await replica.digest({ name: 'ledger', id: 'a' }, forever)).toEqual(digestDatabase(file, digestTables(ledger.model), runtime));
    } finally {
      file.close();
      await replica.close();
    }
  });

  test('[MI-5] loses no row to somebody who began to clear the room before it was copied', async () => {
    const connection = await MirrorConnection.open({ url: cluster.primary.url, prefix: 'late', connections: 1 }, () => undefined);
    try {
      const writer = new RoomWriter(new MirrorNames('kinds'), [ledger], { rowsMax: 100, bytesMax: 1e6 });
      const room = { name: 'ledger', id: 'a' };
      const [mark] = await writer.watermarks(connection, room);
      expect(mark?.watermark.state).toBe('live');
      if (mark === undefined) return;
      const cleared = { ...mark.watermark, state: 'syncing', position: { phase: 'clear' } } as const;
      await expect(writer.clear(connection, room, cleared)).rejects.toMatchObject({ code: 'replica_unavailable' });
    } finally {
      await connection.close();
    }
    expect(await rooms.both('a')).toSatisfy(({ room, mirror }) => JSON.stringify(room) === JSON.stringify(mirror));
  });
});
