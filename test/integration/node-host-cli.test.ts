import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { runCli } from '../../packages/server/src/host/node/run-cli.ts';
import { finished, spawnSource } from './child-server.ts';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

const config = fileURLToPath(new URL('./cli-config.ts', import.meta.url));
const cli = fileURLToPath(new URL('../../packages/server/src/host/node/cli.ts', import.meta.url));

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
  let out = '';
  let err = '';
  const code = await runCli(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
};
const filled = async (id: string): Promise<void> => {
  const server = await host.server();
  await server.room(trip, id).mutate.addStop({ id: 'a', city: 'Kyoto' });
  await server.room(trip, id).mutate.note({ secret: 's' });
  await server.close();
};
const file = (name: string): string => join(host.dataDir, name);
const ofDataDir = (): string[] => ['--data-dir', host.dataDir];

describe('alcove', () => {
  it('[HO-28] tells how it is called, and says so where it was called wrongly', async () => {
    const help = await run('--help');
    expect(help.code).toBe(0);
    for (const name of ['serve', 'follow', 'import', 'export', 'backup', 'inspect', 'status', 'replicas', 'sql', 'resync']) {
      expect(help.out).toContain(`  ${name} `);
      expect(await run(name, '--help')).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`alcove ${name} `) });
      expect(await run(name)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`alcove ${name} `) });
    }
    for (const wrong of [
      [],
      ['fly'],
      ['inspect', 'trip/a', '--nonsense'],
      ['inspect', 'no-slash'],
      ['inspect', '../a/b'],
      ['serve', config, '--port', 'x'],
    ]) {
      const { code, err } = await run(...wrong);
      expect([code, err === ''], wrong.join(' ')).toEqual([2, false]);
    }
  });

  it('[HO-28] inspect tells of a room, whole or not', async () => {
    await filled('japan');
    const lines = await run('inspect', 'trip/japan', ...ofDataDir());
    expect(lines).toMatchObject({ code: 0, err: '' });
    expect(lines.out).toMatch(/version +2\n/);
    expect(JSON.parse((await run('inspect', 'trip/japan', '--json', ...ofDataDir())).out)).toMatchObject({
      version: 2,
      definition: 'trip',
      integrity: 'ok',
      headKept: true,
      recorded: { version: 2 },
      tables: { stops: 1, ledger: 1, alcove_values: 0 },
    });
    expect(await run('inspect', 'trip/none', ...ofDataDir())).toMatchObject({ code: 1, err: expect.stringContaining('room_unknown') });
    const path = join(host.dataDir, 'rooms', 'trip', 'japan.sqlite');
    copyFileSync(path, file('backup'));
    await filled('japan2');
    const server = await host.server();
    await server.room(trip, 'japan').mutate.addStop({ id: 'b', city: 'Nara' });
    // While the server runs, too.
    expect(await run('inspect', 'trip/japan', ...ofDataDir())).toMatchObject({ code: 0 });
    await server.close();
    copyFileSync(file('backup'), path);
    expect(await run('inspect', 'trip/japan', ...ofDataDir())).toMatchObject({
      code: 1,
      err: expect.stringContaining('history_lost'),
      out: expect.stringContaining('which the file does not hold'),
    });
    writeFileSync(path, 'no database '.repeat(1000));
    expect(await run('inspect', 'trip/japan', ...ofDataDir())).toMatchObject({ code: 1, err: expect.stringContaining('file_damaged') });
  });

  it('[HO-28] export copies a room while it is served; import makes a new one of the copy', async () => {
    const server = await host.server();
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    expect(await run('export', 'trip/japan', file('out.sqlite'), ...ofDataDir())).toMatchObject({ code: 0, err: '' });
    expect(await run('export', 'trip/japan', file('out.sqlite'), ...ofDataDir())).toMatchObject({
      code: 1,
      err: expect.stringContaining('exists already'),
    });
    expect((await run('backup', 'trip/japan', join(file('nowhere'), 'out.sqlite'), ...ofDataDir())).err).toMatch(
      /there is no folder .*nowhere .*\(option_invalid\)\n {2}Make it first/,
    );
    expect(await run('export', 'trip/japan', file('plain.sqlite'), '--tables-only', ...ofDataDir())).toMatchObject({ code: 0 });
    const plain = openDatabase(file('plain.sqlite'));
    expect(plain.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()).toEqual([['ledger'], ['stops']]);
    plain.close();
    const locked = await run('import', file('out.sqlite'), '--room', 'trip/copy', '--config', config, ...ofDataDir());
    expect(locked).toMatchObject({ code: 1, err: expect.stringContaining('data_dir_locked') });
    await server.close();

    const imported = await run('import', file('out.sqlite'), '--room', 'trip/copy', '--config', config, ...ofDataDir());
    expect(imported).toMatchObject({ code: 0, out: 'made trip/copy at version 1\n', err: '' });
    expect((await run('import', file('nowhere.sqlite'), '--room', 'trip/plain', '--config', config, ...ofDataDir())).err).toMatch(
      /there is no file .*nowhere\.sqlite \(option_invalid\)\n {2}Give one that `alcove backup` wrote/,
    );
    expect(await run('import', file('plain.sqlite'), '--room', 'trip/plain', '--config', config, ...ofDataDir())).toMatchObject({
      code: 0,
    });
    expect(await run('import', file('out.sqlite'), '--room', 'trip/copy', '--config', config, ...ofDataDir())).toMatchObject({
      code: 1,
      err: expect.stringContaining('room_exists'),
    });
    expect(await run('import', file('out.sqlite'), '--room', 'plane/x', '--config', config, ...ofDataDir())).toMatchObject({
      code: 1,
      err: expect.stringContaining('room_unknown'),
    });
    const again = await host.server();
    const histories = await Promise.all(['japan', 'copy', 'plain'].map((id) => again.rooms.open('trip', id)));
    expect(new Set(histories.map(({ historyId }) => historyId)).size).toBe(3);
    for (const id of ['copy', 'plain']) expect(await again.room(trip, id).query((db) => db.select().from(stops))).toHaveLength(1);
  });

  it('[HO-28][HO-38] status tells what a running server does, to whoever has its admin token', async () => {
    const token = 'an-admin-token-of-this-test';
    const server = await host.server({ admin: { token } });
    await host.join(server.url, 'japan');
    const told = await run('status', '--url', server.url, '--token', token);
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toMatch(/^ok, up \d+ s, Node /);
    expect(told.out).toContain('1 connection, 1 session, 1 open room\n  trip/japan: version 0, 1 session,');
    expect(told.out).toMatch(
      /^0 reads on the server answered, 0 fell back to the primary’s readers \(least-connections\)\n {2}readers: (?:up|not looked at yet), 0 reads$/m,
    );
    expect(JSON.parse((await run('status', '--json', '--url', `${server.url}/`, '--token', token)).out)).toMatchObject({ status: 'ok' });
    expect(await run('status', '--url', server.url, '--token', 'another')).toMatchObject({
      code: 1,
      err: expect.stringContaining('unauthenticated'),
    });
    expect(await run('status', '--url', `${server.url}/elsewhere`, '--token', token)).toMatchObject({
      code: 1,
      err: expect.stringContaining('answered 404'),
    });
    const noScheme = new URL(server.url).host;
    expect((await run('status', '--url', noScheme, '--token', token)).err).toContain(`--url is "${noScheme}": give ws:// or http://`);
    const { url } = server;
    await server.close();
    expect(await run('status', '--url', url, '--token', token)).toMatchObject({
      code: 1,
      err: expect.stringContaining('no server answers'),
    });
  });

  it('[HO-28][FO-6] follow prints its address and follows until it is told to stop', async () => {
    const token = 'a-follower-token-of-this-test';
    const server = await host.server({ followers: { token } });
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    const child = spawnSource(
      cli,
      ['follow', config, '--from', server.url, '--rooms', 'trip/japan', '--port', '0', '--host', '127.0.0.1', '--data-dir', file('copies')],
      { env: { ...process.env, ALCOVE_FOLLOWER_TOKEN: token } },
    );
    host.child(child);
    let out = '';
    child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
    while (!out.includes('\n')) await once(child.stdout ?? child, 'data');
    const lag = async (): Promise<unknown> =>
      (await fetch(`${out.trim().replace(/^ws/, 'http')}/lag`, { headers: { authorization: `Bearer ${token}` } })).json();
    await vi.waitFor(async () => expect(await lag()).toMatchObject({ versions: 0, ms: 0, sync: { totals: { rooms: 1, healthy: 1 } } }), {
      timeout: 20_000,
    });
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    expect((await ended)[1]).toBe('SIGTERM');
    expect(existsSync(join(file('copies'), 'rooms', 'trip', 'japan.sqlite'))).toBe(true);
  });

  it('[HO-28] backup copies a room while it is served; it can be imported', async () => {
    const server = await host.server();
    await server.room(trip, 'japan').mutate.addStop({ id: 'a', city: 'Kyoto' });
    expect(await run('backup', 'trip/japan', file('kept.sqlite'), ...ofDataDir())).toMatchObject({ code: 0, err: '' });
    await server.room(trip, 'japan').mutate.addStop({ id: 'b', city: 'Nara' });
    await server.close();
    const imported = await run('import', file('kept.sqlite'), '--room', 'trip/again', '--config', config, ...ofDataDir());
    expect(imported).toMatchObject({ code: 0, out: 'made trip/again at version 1\n' });
  });

  it('[HO-28] serve prints its address, serves until it is told to stop, and says what is wrong', async () => {
    const child = spawnSource(cli, ['serve', config, '--port', '0', ...ofDataDir()]);
    host.child(child);
    let out = '';
    child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
    while (!out.includes('\n')) await once(child.stdout ?? child, 'data');
    const client = await host.join(out.trim(), 'japan');
    await client.result(client.push('addStop', { id: 'a', city: 'Kyoto' }));

    const second = await finished(spawnSource(cli, ['serve', config, '--port', '0', ...ofDataDir()]));
    expect(second).toMatchObject({ code: 1, out: '', err: expect.stringContaining('data_dir_locked') });
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await client.heard('error')).code).toBe('draining');
    expect(await ended).toEqual([null, 'SIGTERM']);

    mkdirSync(file('configs'));
    writeFileSync(file('configs/none.mjs'), 'export default {}');
    writeFileSync(file('configs/broken.mjs'), 'this is no module');
    for (const name of ['none', 'broken', 'missing']) {
      expect(await run('serve', file(`configs/${name}.mjs`), ...ofDataDir()), name).toMatchObject({
        code: 1,
        err: expect.stringContaining('option_invalid'),
      });
    }
  });

  it('[HO-28] the package names it as its command, in a file that is there', () => {
    const path = fileURLToPath(new URL('../../packages/server/package.json', import.meta.url));
    const { bin, files } = JSON.parse(readFileSync(path, 'utf8')) as { bin: { alcove: string }; files: string[] }; // our own package.json
    const command = join(dirname(path), bin.alcove);
    expect(existsSync(command)).toBe(true);
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\nimport '\.\.\/dist\/host\/node\/cli\.js';/);
    expect(files).toContain('bin');
  });
});
