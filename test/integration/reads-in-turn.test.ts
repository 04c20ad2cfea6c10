import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFollower } from '@alcove/server/node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RouterSnapshot } from '../../packages/server/src/read/router-snapshot.ts';
import { HostFixture } from './host-fixture.ts';
import type { Message, PlainClient } from './plain-client.ts';
import { trip } from './trip-room.ts';
import { eventually } from '../fake/eventually.ts';

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
const COUNT = 'SELECT count(*) FROM stops';
const token = 'a-follower-token-of-this-test';
const adminToken = 'an-admin-token-of-this-test';

let host: HostFixture;
let directory: string;
beforeEach(() => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-turns-'));
});
afterEach(async () => {
  await host.end();
  rmSync(directory, { recursive: true, force: true });
});

const authenticate = (given: string | null) => (given === null ? null : { sub: given });
const isAnswer = ({ type }: Message): boolean => type === 'readRows' || type === 'readFailed';
let lastRequest = 0;
const read = async (client: PlainClient, sql = COUNT): Promise<Message> => {
  lastRequest += 1;
  const request = lastRequest;
  client.say({ type: 'read', request, sql });
  const find = () => client.messages.find((message) => isAnswer(message) && message['request'] === request);
  await client.until(() => find() !== undefined, `the answer of ${sql}`);
  return { type: 'none', ...find() };
};

/** So many endless reads at once, each asked again when it ends. @returns how many have ended so far. */
const flood = (client: PlainClient, count: number): (() => number) => {
  let ended = 0;
  let request = 1_000_000;
  const ask = (): void => {
    request += 1;
    client.say({ type: 'read', request, sql: ENDLESS, priority: 'high' });
  };
  client.socket.on('message', (data: Buffer) => {
    if (!isAnswer(JSON.parse(data.toString()) as Message)) return;
    ended += 1;
    ask();
  });
  for (let index = 0; index < count; index += 1) ask();
  return () => ended;
};

const snapshotOf = async (url: string): Promise<RouterSnapshot> => {
  const headers = { authorization: `Bearer ${adminToken}` };
  const response = await fetch(`${url.replace(/^ws/, 'http')}/replicas`, { headers });
  return (await response.json()) as RouterSnapshot;
};

test('[RD-38] while one user floods the readers others are answered, in its room and in all others', async () => {
  const { url } = await host.server({ authenticate, readers: 2, limits: { readTimeoutMs: 2_000 }, admin: { token: adminToken } });
  const mallory = await host.join(url, 'japan', { token: 'mallory' });
  const victims = await Promise.all([host.join(url, 'japan', { token: 'ada' }), host.join(url, 'peru', { token: 'bo' })]);
  const ended = flood(mallory, 8);
  await vi.waitFor(() => expect(ended()).toBeGreaterThan(0), { timeout: 20_000 });
  for (let round = 0; round < 5; round += 1)
    for (const victim of victims) expect(await read(victim)).toMatchObject({ type: 'readRows', replica: 'readers', cells: [[0]] });
  const [readers] = (await snapshotOf(url)).replicas;
  expect(readers).toMatchObject({ inFlight: 1 });
}, 60_000);

test('[RD-29][RD-38] with one reader alone, others are answered when what runs has ended', async () => {
  const { url } = await host.server({ authenticate, readers: 1, limits: { readTimeoutMs: 3_500 } });
  const mallory = await host.join(url, 'japan', { token: 'mallory' });
  const ada = await host.join(url, 'peru', { token: 'ada' });
  const ended = flood(mallory, 8);
  await vi.waitFor(() => expect(ended()).toBeGreaterThan(0), { timeout: 20_000 });
  for (let round = 0; round < 2; round += 1) expect(await read(ada)).toMatchObject({ type: 'readRows', cells: [[0]] });
}, 60_000);

test('[RD-14] the app is asked for one user no more often at once than a user may read, whatever is taken back', async () => {
  let atOnce = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const { url } = await host.server({
    authenticate,
    limits: { userReadsMax: 3 },
    authorize: (claims, { kind }) => {
      if (kind !== 'sql' || claims?.sub !== 'mallory') return true;
      most = Math.max(most, (atOnce += 1));
      return new Promise<boolean>((resolve) => {
        waiting.push(() => {
          atOnce -= 1;
          resolve(true);
        });
      });
    },
  });
  const [mallory, ada] = await Promise.all([host.join(url, 'japan', { token: 'mallory' }), host.join(url, 'japan', { token: 'ada' })]);
  for (let request = 1; request <= 500; request += 1) {
    mallory.say({ type: 'read', request, sql: COUNT });
    mallory.say({ type: 'readEnd', request });
  }
  const last = read(mallory, 'SELECT 5');
  // It is heard behind all of those.
  expect((await mallory.result(mallory.push('addStop', { id: 'a', city: 'Nara' }))).status).toBe('applied');
  expect(await read(ada)).toMatchObject({ type: 'readRows' });
  expect([atOnce, most]).toEqual([3, 3]);
  for (const decide of waiting.splice(0)) decide();
  await eventually(() => expect(waiting).toHaveLength(1));
  waiting[0]?.();
  expect(await last).toMatchObject({ type: 'readRows', cells: [[5]] });
  expect(most).toBe(3);
}, 60_000);

test('[RD-39] a room that cannot be read, or that a follower does not follow, takes no other room’s reads along', async () => {
  const { url } = await host.server({ authenticate, followers: { token }, admin: { token: adminToken } });
  const [followed, other, broken] = await Promise.all(['japan', 'peru', 'chile'].map((id) => host.join(url, id, { token: 'ada' })));
  if (followed === undefined || other === undefined || broken === undefined) throw new TypeError('three have joined');
  const follower = host.add(
    await createFollower({
      rooms: [trip],
      dataDir: directory,
      from: url,
      token,
      follow: ['trip/japan'],
      port: 0,
      host: '127.0.0.1',
      log: host.log,
    }),
  );
  await vi.waitFor(() => expect(follower.status()[0]).toMatchObject({ phase: 'following' }), { timeout: 20_000 });
  await fetch(`${url.replace(/^ws/, 'http')}/replicas`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
    body: JSON.stringify({ do: 'add', replica: { url: follower.url, id: 'one' }, followerToken: token }),
  });
  await vi.waitFor(async () => expect(await read(followed)).toMatchObject({ replica: 'one' }), { timeout: 20_000 });

  const file = join(host.dataDir, 'rooms', 'trip', 'chile.sqlite');
  renameSync(file, `${file}.away`);
  for (let round = 0; round < 8; round += 1) {
    expect(await read(broken)).toMatchObject({ type: 'readFailed', code: 'replica_unavailable' });
    expect(await read(other)).toMatchObject({ type: 'readRows', replica: 'readers' });
  }
  expect(await read(followed)).toMatchObject({ type: 'readRows', replica: 'one' });
  expect(await read(other)).toMatchObject({ type: 'readRows', replica: 'readers' });
  renameSync(`${file}.away`, file);
  expect(await read(broken)).toMatchObject({ type: 'readRows', replica: 'readers' });
}, 60_000);
