import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { IMAGE_HEADERS, readImageHeaders } from '@alcove/core/protocol/image-headers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { HostFixture } from './host-fixture.ts';
import type { Message, PlainClient } from './plain-client.ts';
import { trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const limits = { imageRoomBytesMin: 0 };
/** A client that wants an image, welcomed. */
const wants = async (url: string, id: string): Promise<{ client: PlainClient; offer: NonNullable<Message['image']>; address: string }> => {
  const client = await host.join(url, id, { snapshots: ['image', 'rows'] });
  const { image } = await client.heard('welcome');
  if (image == null) throw new Error('no image was offered');
  return { client, offer: image, address: new URL(image.path, url.replace(/^ws/, 'http')).href };
};
const bearer = (ticket: string): { headers: Record<string, string> } => ({ headers: { authorization: `Bearer ${ticket}` } });
const rowsIn = (bytes: Uint8Array): unknown[] => {
  const path = join(host.dataDir, 'fetched.sqlite');
  writeFileSync(path, bytes);
  const database = openDatabase(path);
  try {
    return database.prepare('SELECT id, city FROM stops ORDER BY id').all();
  } finally {
    database.close();
  }
};

describe('images', () => {
  it('[HO-20][HO-24] a reader fetches one, checks it, opens it and follows from its version', async () => {
    const server = await host.server({ limits });
    const { mutate } = server.room(trip, 'japan');
    await mutate.addStop({ id: 'a', city: 'Kyoto' });
    await mutate.note({ secret: 'server-only-canary' });
    await mutate.addStop({ id: 'b', city: 'deleted-canary' });
    await mutate.removeStop({ id: 'b' });
    const { client, offer, address } = await wants(server.url, 'japan');
    const answer = await fetch(address, bearer(offer.ticket));
    expect(answer.status).toBe(200);
    const facts = readImageHeaders((name) => answer.headers.get(name));
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(facts).toMatchObject({ version: 4, bytes: bytes.length, rows: 1, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect(Buffer.from(bytes).includes('canary')).toBe(false);
    expect(rowsIn(bytes)).toEqual([['a', 'Kyoto']]);

    await mutate.addStop({ id: 'c', city: 'Nara' });
    client.say({ type: 'follow', historyId: facts.historyId, version: facts.version, hash: facts.hash });
    expect(await client.heard('commit')).toMatchObject({ from: 4, to: 5 });
  });

  it('[HO-22] many readers share one build, and the image is used again while little has changed since', async () => {
    const server = await host.server({ limits });
    await server.room(trip, 'japan').mutate.addMany({ prefix: 'x', count: 500 });
    const readers = await Promise.all(Array.from({ length: 8 }, () => wants(server.url, 'japan')));
    const answers = await Promise.all(readers.map(({ address, offer }) => fetch(address, bearer(offer.ticket))));
    const etags = new Set(answers.map((answer) => answer.headers.get('etag')));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    expect(etags.size).toBe(1);
    await server.room(trip, 'japan').mutate.addStop({ id: 'y', city: 'small' });
    const later = await wants(server.url, 'japan');
    const again = await fetch(later.address, bearer(later.offer.ticket));
    await again.arrayBuffer();
    expect(again.headers.get('etag')).toBe([...etags][0]);
    for (let at = 0; at < 5; at += 1) await server.room(trip, 'japan').mutate.addMany({ prefix: `p${at}-`, count: 500 });
    const latest = await wants(server.url, 'japan');
    const fresh = await fetch(latest.address, bearer(latest.offer.ticket));
    await fresh.arrayBuffer();
    expect(Number(fresh.headers.get(IMAGE_HEADERS.version))).toBe(7);
    await latest.client.until(() => readdirSync(join(host.dataDir, 'images')).length === 1, 'the older image to go');
  });

  it('[HO-23] only for a ticket of this server, in its time; and not for another room’s', async () => {
    const server = await host.server({ limits: { ...limits, imageTicketTtlMs: 300 } });
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    const { offer, address, client } = await wants(server.url, 'japan');
    for (const headers of [
      undefined,
      { authorization: 'Bearer x.y' },
      { authorization: offer.ticket },
      { authorization: `Bearer ${offer.ticket}x` },
    ]) {
      const answer = await fetch(address, headers === undefined ? {} : { headers });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ error: { code: 'ticket_refused' } });
    }
    const good = await fetch(address, bearer(offer.ticket));
    expect(good.status).toBe(200);
    await good.arrayBuffer();
    const startedMs = performance.now();
    await client.until(() => performance.now() - startedMs > 350, 'the ticket to expire');
    expect((await fetch(address, bearer(offer.ticket))).status).toBe(401);
  });

  it('[HO-24] is private, revalidated, and sent plain to who takes no gzip', async () => {
    const server = await host.server({ limits });
    await server.room(trip, 'japan').mutate.addMany({ prefix: 'x', count: 300 });
    const { offer, address } = await wants(server.url, 'japan');
    const packed = await fetch(address, bearer(offer.ticket));
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(packed.headers.get('cache-control')).toMatch(/private/);
    expect(packed.headers.get('vary')).toMatch(/Authorization/);
    const bytes = Buffer.from(await packed.arrayBuffer());
    const etag = packed.headers.get('etag') ?? '';
    const known = await fetch(address, { headers: { ...bearer(offer.ticket).headers, 'if-none-match': etag } });
    expect([known.status, await known.text()]).toEqual([304, '']);
    const plain = await new Promise<{ length: string | undefined; encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      get(address, bearer(offer.ticket), (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ length: answer.headers['content-length'], encoding: answer.headers['content-encoding'], bytes: Buffer.concat(chunks) }),
        );
      }).on('error', reject);
    });
    expect(plain.encoding).toBeUndefined();
    expect(plain.length).toBe(String(bytes.length));
    expect(plain.bytes.equals(bytes)).toBe(true);
  });

  it('[HO-10] pages of other origins get none, and those that may are told what they may read', async () => {
    const server = await host.server({ limits, origins: ['https://app.example'] });
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    const { offer, address } = await wants(server.url, 'japan');
    const preflight = await fetch(address, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization');
    const answer = await fetch(address, { headers: { ...bearer(offer.ticket).headers, origin: 'https://app.example' } });
    await answer.arrayBuffer();
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
    for (const name of Object.values(IMAGE_HEADERS)) expect(answer.headers.get('access-control-expose-headers')).toContain(name);
    const evil = await fetch(address, { headers: { ...bearer(offer.ticket).headers, origin: 'https://evil.example' } });
    expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('[HO-20] small rooms, servers without images and clients that want none get rows', async () => {
    const small = await host.server({ dataDir: `${host.dataDir}/small` });
    const without = await host.server({ dataDir: `${host.dataDir}/without`, image: false, limits });
    for (const server of [small, without]) {
      await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
      const client = await host.join(server.url, 'japan', { snapshots: ['image', 'rows'] });
      expect(await client.heard('snapshotEnd')).toMatchObject({ rows: 1 });
    }
  });

  it('[HO-21] where no image can be built the reader is told, and the next one gets rows', async () => {
    const server = await host.server({ limits: { ...limits, imageBuildTimeoutMs: 100, imageRetryMs: 60_000 } });
    await server.room(trip, 'japan').mutate.addMany({ prefix: 'x', count: 2000 });
    const { offer, address } = await wants(server.url, 'japan');
    const answer = await fetch(address, bearer(offer.ticket));
    // A process takes longer than that to start.
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: 'snapshot_failed' } });
    const client = await host.join(server.url, 'japan', { snapshots: ['image', 'rows'] });
    expect(await client.heard('snapshotEnd')).toMatchObject({ rows: 2000 });
    expect(readdirSync(join(host.dataDir, 'images'))).toEqual([]);
  });

  it('[HO-9] a deleted room’s ticket is worth nothing', async () => {
    const server = await host.server({ limits });
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    const { offer, address } = await wants(server.url, 'japan');
    await (await fetch(address, bearer(offer.ticket))).arrayBuffer();
    await server.rooms.delete('trip', 'japan');
    expect((await fetch(address, bearer(offer.ticket))).status).toBe(503);
    await server.rooms.create('trip', 'japan');
    expect((await fetch(address, bearer(offer.ticket))).status).toBe(503);
  });
});
