import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createServer } from '@alcove/server/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { trip } from '../../examples/trip-planner/room.ts';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import { finished, spawnSource } from './child-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const demo = join(root, 'examples/trip-planner');
/** Making a seed reads 138,398 cities. */
const SEED_TIMEOUT_MS = 120_000;

/** A copy of the demo whose room definition may be edited; its page is one line. */
let home = '';
const children: ChildProcess[] = [];

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  home = mkdtempSync(join(root, '.cache', 'trip-server-'));
  for (const name of ['package.json', 'room.ts', 'server.ts', 'src']) cpSync(join(demo, name), join(home, name), { recursive: true });
  symlinkSync(join(demo, 'node_modules'), join(home, 'node_modules'), 'junction');
  mkdirSync(join(home, 'dist/client'), { recursive: true });
  writeFileSync(join(home, 'dist/client/index.html'), '<!doctype html><title>A page</title>');
  mkdirSync(join(home, 'dist/client/assets'));
  writeFileSync(join(home, 'dist/client/assets/page-1a2b.js'), 'a script');
  writeFileSync(join(home, 'dist/client/assets/page-1a2b.js.gz'), gzipSync('a script'));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  rmSync(join(home, 'data'), { recursive: true, force: true });
  cpSync(join(demo, 'room.ts'), join(home, 'room.ts'));
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
  const child = spawnSource(join(home, 'server.ts'), args, { env: { ...process.env, ...env } });
  children.push(child);
  return child;
};

/** A server that came up, with what it printed until then. */
const start = async (...args: string[]): Promise<{ url: string; said: string; errors: string; child: ChildProcess }> => {
  const child = run(['--port', '0', ...args]);
  let [said, errors] = ['', ''];
  child.stderr?.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const [, found] = /^Trip planner: (\S+)$/m.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${said}${errors}`)));
  });
  return { url, said, errors, child };
};

const makeTrip = async (id: string): Promise<void> => {
  const server = await createServer({ rooms: [trip], dataDir: join(home, 'data'), signals: false, log: new CollectingLogger() });
  await server.rooms.create('trip', id);
  await server.close();
};

const editRoom = (from: string, to: string): void => {
  const text = readFileSync(join(home, 'room.ts'), 'utf8');
  expect(text.split(from), `room.ts holds ${from} once`).toHaveLength(2);
  writeFileSync(join(home, 'room.ts'), text.replace(from, to));
};

describe('the demo’s server', () => {
  it('makes its seed once, prints one address, serves page and rooms there, ends on SIGTERM', { timeout: SEED_TIMEOUT_MS }, async () => {
    const first = await start();
    expect(first.said).toMatch(/^making the seed of new trips from 138,398 cities, once\nTrip planner: http:\/\/localhost:\d+\/\n$/);
    const ask = (asked: unknown) => fetch(`${first.url}trips`, { method: 'POST', body: JSON.stringify(asked) });
    expect(await (await ask({ id: 'anywhere' })).json()).toEqual({ id: 'anywhere', key: null });
    expect(await (await ask({ name: 'Peru' })).json()).toMatchObject({ key: expect.stringMatching(/^edit\./) as unknown });
    for (const path of ['', 'trip/anywhere']) {
      const page = await fetch(`${first.url}${path}`);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-security-policy')).toContain("'wasm-unsafe-eval'");
      expect(await page.text()).toContain('A page');
    }
    const script = await fetch(`${first.url}assets/page-1a2b.js`, { headers: { 'accept-encoding': 'gzip' } });
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-encoding')).toBe('gzip');
    expect(await script.text()).toBe('a script');
    expect((await fetch(first.url)).headers.get('cache-control')).toBe('no-cache');
    expect((await fetch(`${first.url}assets/none.js`)).status).toBe(404);
    expect((await fetch(`${first.url}%2e%2e/package.json`)).status).toBe(404);
    expect((await fetch(first.url, { method: 'POST' })).status).toBe(405);
    expect(await (await fetch(`${first.url}sync/health`)).json()).toMatchObject({ status: 'ok' });
    first.child.kill('SIGTERM');
    await once(first.child, 'close');

    const second = await start();
    expect(second.said).toMatch(/^Trip planner: /);
    expect(readdirSync(join(home, '.cache')).filter((name) => !name.startsWith('seed-'))).toEqual([]);
  });

  it('says what to do where it cannot start', { timeout: SEED_TIMEOUT_MS }, async () => {
    const other = createHttpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo; // it listens on a port
    const inUse = await finished(run(['--port', String(port)]));
    other.close();
    expect(inUse).toMatchObject({ code: 1, signal: null });
    expect(inUse.err).toContain(
      `port ${port} on 127.0.0.1 is taken by another program. Stop that program, or choose another port: PORT=${port + 1} npm start`,
    );

    for (const args of [
      ['--port', 'x'],
      ['--porto', '1'],
      ['--port', '70000'],
    ]) {
      const wrong = await finished(run(args));
      expect(wrong.code).toBe(1);
      expect(wrong.err).toContain('--reset');
    }
  });

  it('listens where PORT says, unless --port says otherwise', { timeout: SEED_TIMEOUT_MS }, async () => {
    const wrong = await finished(run([], { PORT: 'x' }));
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('PORT=x is no number from 0 to 65535');
    const child = run(['--port', '0'], { PORT: '1' });
    const said = await new Promise<string>((resolve) => child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    expect(said).toMatch(/^Trip planner: /);
  });

  it('names the seed, the table and the column where the seed leaves one empty', { timeout: SEED_TIMEOUT_MS }, async () => {
    editRoom(
      "packed: integer({ mode: 'boolean' }).notNull(),",
      "packed: integer({ mode: 'boolean' }).notNull(),\n  owner: text().notNull(),",
    );
    const { code, err } = await finished(run(['--port', '0']));
    expect(code).toBe(1);
    expect(err).toContain('seed() in examples/trip-planner/src/server/seed.ts leaves items.owner empty');
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('keeps a second one away from the same trips, and a reset too', { timeout: SEED_TIMEOUT_MS }, async () => {
    await makeTrip('kept');
    await start();
    for (const more of [[], ['--reset']]) {
      const second = await finished(run(['--port', '0', ...more]));
      expect(second).toMatchObject({ code: 1, signal: null });
      expect(second.err).toMatch(/data_dir_locked|uses this dataDir|in use/);
    }
    expect(existsSync(join(home, 'data/rooms/trip/kept.sqlite'))).toBe(true);
  });

  it('deletes the trips and nothing else with --reset, and says so first', { timeout: SEED_TIMEOUT_MS }, async () => {
    await makeTrip('gone');
    writeFileSync(join(home, 'data/mine.txt'), 'not a trip');
    const { said } = await start('--reset');
    expect(said).toContain(`deleting all trips in ${join(home, 'data')}: 1\n`);
    expect(readdirSync(join(home, 'data/rooms/trip'))).toEqual([]);
    expect(readFileSync(join(home, 'data/mine.txt'), 'utf8')).toBe('not a trip');
  });
});

describe('an edited room definition over older trips', () => {
  it('that only adds is followed, and that is said', { timeout: SEED_TIMEOUT_MS }, async () => {
    await makeTrip('older');
    editRoom("packed: integer({ mode: 'boolean' }).notNull(),", "packed: integer({ mode: 'boolean' }).notNull(),\n  owner: text(),");
    const { errors } = await start();
    expect(errors).toMatch(/follows its changed definition.*older.*owner/);
  });

  it('that does more stops the start: what differs, and the two ways on', { timeout: SEED_TIMEOUT_MS }, async () => {
    await makeTrip('older');
    editRoom('nights: integer().notNull(),', 'nights: text().notNull(),');
    const { code, err, out } = await finished(run(['--port', '0']));
    expect(code).toBe(1);
    expect(out).not.toContain('Trip planner');
    expect(err).toContain('nights');
    expect(err).toMatch(/migration/);
    expect(err).toContain('npm run dev -- --reset');
    expect(existsSync(join(home, 'data/rooms/trip/older.sqlite'))).toBe(true);
  });
});
