import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AlcoveFollower, type AlcoveServer, createFollower } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataDir } from '../../packages/server/src/host/node/data-dir.ts';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { runCli } from '../../packages/server/src/host/node/run-cli.ts';
import { HostFixture } from './host-fixture.ts';
import { trip } from './trip-room.ts';

const token = 'a-follower-token-of-this-test';
const adminToken = 'an-admin-token-of-this-test';

let host: HostFixture;
let directory: string;
let server: AlcoveServer<readonly [typeof trip]>;
let follower: AlcoveFollower<readonly [typeof trip]>;

beforeEach(async () => {
  host = new HostFixture();
  directory = mkdtempSync(join(tmpdir(), 'alcove-fleet-'));
  vi.stubEnv('ALCOVE_ADMIN_TOKEN', adminToken);
  vi.stubEnv('ALCOVE_FOLLOWER_TOKEN', token);
  server = await host.server({ replicas: { limits: { checkIntervalMs: 60_000 } } });
  await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
  await server.room(trip, 'japan').mutate.note({ secret: 'kept' });
  follower = await createFollower({ rooms: [trip], dataDir: directory, from: server.url, port: 0, host: '127.0.0.1', log: host.log });
  await vi.waitFor(() => expect(follower.status()[0]).toMatchObject({ lag: { ms: 0 }, phase: 'following' }), { timeout: 20_000 });
});
afterEach(async () => {
  await follower.close();
  await host.end();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
  let out = '';
  let err = '';
  const code = await runCli(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
};
const ask = (...args: string[]) => run(...args, '--url', server.url);

/** Found by the first look at it. */
const isUp = () => vi.waitFor(async () => expect((await ask('replicas', 'check', 'f')).out).toMatch(/f: up/), { timeout: 20_000 });

describe('alcove, to a running fleet', () => {
  it('[HO-44] replicas lists who answers reads, and orders about them', async () => {
    expect((await ask('replicas')).out).toMatch(
      /^0 reads on the server answered, 0 fell back .*\n {2}readers: not looked at yet, 0 reads\n$/,
    );
    expect(await ask('replicas', 'add', follower.url, '--id', 'f', '--weight', '3')).toMatchObject({ code: 0, err: '' });
    await isUp();
    expect((await ask('replicas')).out).toMatch(
      / {2}f: up, 0 reads\n {4}1 of 1 rooms healthy, 1 readable, \d+ batch(?:es)?, \d+ rows?, 0 errors\n/,
    );
    expect(JSON.parse((await ask('replicas', 'weigh', 'f', '5', '--json')).out).replicas[1]).toMatchObject({ id: 'f', weight: 5 });
    expect((await ask('replicas', 'drain', 'f')).out).toContain('  f: draining');
    expect((await ask('replicas', 'enable', 'f')).out).toContain('  f: up');
    expect((await ask('replicas', 'disable', 'f')).out).toContain('  f: off');
    expect((await ask('replicas', 'remove', 'f')).out).not.toContain('  f:');
  });

  it('[HO-44] replicas check finds what is wrong, resync mends it', async () => {
    await ask('replicas', 'add', follower.url, '--id', 'f');
    await isUp();
    const { database } = new DataDir(directory).roomFiles({ name: 'trip', id: 'japan' });
    const poison = openDatabase(database);
    poison.exec("UPDATE stops SET city = 'Nowhere'");
    poison.close();
    const told = await ask('replicas', 'check', 'f', '--room', 'trip/japan');
    expect(told.out).toMatch(/f: up, 0 reads, compared 2 times, 1 wrong, 0 unsure/);
    expect((await ask('resync', 'trip/japan')).out).toContain('f: up');
    expect((await ask('replicas', 'resync', 'f', '--room', 'trip/japan', '--json')).out).toContain('"resyncs":3');
    expect((await ask('resync', 'trip/japan', '--replica', 'f')).code).toBe(0);
  });

  it('[HO-44] sql reads a room as a table or as JSON, by either token, on a follower too', async () => {
    const text = 'SELECT id, city, position, 7 AS seven FROM stops WHERE city = ?';
    const read = await ask('sql', 'trip/japan', text, '--params', '["Kyoto"]');
    expect(read).toMatchObject({ code: 0, err: '' });
    expect(read.out).toMatch(/^id {2}city {3}position {2}seven\n──.*\na {3}Kyoto {6}NULL {6}7\n1 row, from readers in \d+ ms\n$/);
    const json = JSON.parse((await ask('sql', 'trip/japan', text, '--params', '["Kyoto"]', '--json')).out);
    expect(json).toMatchObject({ columns: ['id', 'city', 'position', 'seven'], rows: [['a', 'Kyoto', null, 7]], replica: 'readers' });
    expect((await ask('sql', 'trip/japan', 'SELECT 1 AS one', '--at', json.bookmark)).out).toContain('1 row');
    expect((await ask('sql', 'trip/japan', 'SELECT secret FROM ledger')).out).toContain('kept');
    const few = ['--url', follower.url, '--token', token];
    expect((await run('sql', 'trip/japan', 'SELECT city FROM stops', ...few)).out).toMatch(/Kyoto\n1 row, from follower/);
    // Tables that stay in the room are the admin's.
    for (const url of [follower.url, server.url])
      expect(await run('sql', 'trip/japan', 'SELECT secret FROM ledger', '--url', url, '--token', token)).toMatchObject({
        code: 1,
        err: expect.stringContaining('no such table'),
      });
  });

  it('[HO-44] says what went wrong and what to do', async () => {
    const wrong: readonly [number, RegExp, ...string[]][] = [
      [1, /sql_refused.*\n.*SELECT/, 'sql', 'trip/japan', 'DELETE FROM stops'],
      [1, /neither SELECT nor VALUES/, 'sql', 'trip/japan', 'SELEC'],
      [1, /no such column: nope \(sql_failed\)|nope.*sql_failed/, 'sql', 'trip/japan', 'SELECT nope FROM stops'],
      [1, /room_unknown/, 'sql', 'trip/nobody-made-it', 'SELECT 1'],
      [1, /room_unknown/, 'sql', 'plane/x', 'SELECT 1'],
      [1, /no bookmark/, 'sql', 'trip/japan', 'SELECT 1', '--at', 'yesterday'],
      [2, /JSON array/, 'sql', 'trip/japan', 'SELECT 1', '--params', 'Kyoto'],
      [2, /expected NAME\/ID/, 'sql', 'trip/japan'],
      [1, /there is no replica of the id "x". There are: readers/, 'replicas', 'drain', 'x'],
      [1, /server's own readers: they can be disabled/, 'replicas', 'remove', 'readers'],
      [1, /url/, 'replicas', 'add', 'ftp://x'],
      [2, /takes a number/, 'replicas', 'weigh', 'x', 'much'],
      [2, /no order "fly"/, 'replicas', 'fly'],
      [2, /wants --room/, 'replicas', 'resync'],
      [2, /is no room/, 'resync', 'japan'],
      [1, /no replica that holds rooms of its own/, 'resync', 'trip/japan'],
      [1, /unauthenticated/, 'replicas', '--token', 'another'],
    ];
    for (const [code, message, ...args] of wrong) {
      const told = await ask(...args);
      expect([told.code, told.err], args.join(' ')).toEqual([code, expect.stringMatching(message)]);
    }
    expect((await run('sql', 'trip/nobody-made-it', 'SELECT 1', '--url', follower.url)).err).toMatch(
      /does not follow trip\/nobody-made-it \(replica_unavailable\)\n {2}See that there is such a room/,
    );
    expect((await server.rooms.list('trip')).includes('nobody-made-it')).toBe(false);
    vi.stubEnv('ALCOVE_ADMIN_TOKEN', '');
    expect(await ask('replicas')).toMatchObject({ code: 2, err: expect.stringContaining('give --token, or ALCOVE_ADMIN_TOKEN') });
  });

  it('[FO-20] status tells of a follower how it keeps its rooms in step, to whoever has its token or an admin token', async () => {
    const told = await run('status', '--url', follower.url);
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toMatch(/^follower of ws:.*: ok, Node /);
    expect(told.out).toContain('level with its primary\n    1 of 1 rooms healthy, 1 readable, ');
    const json = JSON.parse((await run('status', '--json', '--url', follower.url, '--token', token)).out);
    expect(json.sync.rooms).toEqual([
      expect.objectContaining({ room: 'trip', id: 'japan', state: 'live', lagMs: 0, errors: 0, errorRate: 0, error: null }),
    ]);
    expect(json.sync.totals).toMatchObject({ rooms: 1, available: 1, healthy: 1 });
    // Of the tokens in the environment the one that is taken: an admin of several servers has one for each.
    vi.stubEnv('ALCOVE_ADMIN_TOKEN', 'the-admin-token-of-another-server');
    expect((await run('status', '--url', follower.url)).out).toMatch(/^follower of ws:/);
    expect((await run('sql', 'trip/japan', 'SELECT city FROM stops', '--url', follower.url)).out).toMatch(/Kyoto\n1 row, from follower/);
    expect((await run('status', '--url', follower.url, '--token', 'somebody-else-s-token')).err).toContain('unauthenticated');
    await server.close();
    await vi.waitFor(
      async () => {
        const { sync, lag } = JSON.parse((await run('status', '--json', '--url', follower.url)).out);
        expect(sync.rooms[0]).toMatchObject({ state: 'failing', version: 2, error: { code: expect.any(String) } });
        expect([sync.totals.healthy, sync.totals.available, sync.totals.errors > 0, lag.ms > 0]).toEqual([0, 1, true, true]);
      },
      { timeout: 20_000 },
    );
    expect((await run('status', '--url', follower.url)).out).toMatch(/trip\/japan: failing, version 2, .* behind, .*connection_lost/);
  });
});
