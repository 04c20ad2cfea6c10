import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyRoom } from '@alcove/core';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import type { AlcoveServer } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ENGINE_LIMITS } from '../../packages/client/src/sync/engine-limits.ts';
import { resolveHostLimits } from '../../packages/server/src/host/node/host-limits.ts';
import { runCli } from '../../packages/server/src/host/node/run-cli.ts';
import { resolveRoomOptions } from '../../packages/server/src/room/room-options.ts';
import { finished, spawnSource } from './child-server.ts';
import { complaintsOf, samplesIn, samplesOf, writeSamples } from './page-samples.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'packages/server/src/host/node/cli.ts');
const guide = samplesOf('docs/GUIDE.md');
const readme = samplesOf('README.md');

const folders: string[] = [];
let folder = '';
let dataDir = '';
beforeAll(() => {
  folder = writeSamples('docs/GUIDE.md');
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-guide-'));
  folders.push(folder, dataDir);
  vi.stubEnv('DATA_DIR', dataDir);
  vi.stubEnv('PORT', '0');
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

/** A module of the guide; what it exports is what the guide says it does, and the compiler looks at that in the guide. */
const load = async <Exports>(name: string): Promise<Exports> => (await import(join(folder, name))) as Exports;

interface Board {
  readonly board: AnyRoom & { readonly mutators: Readonly<Record<string, never>> };
}
interface Webhook {
  onWebhook(server: AlcoveServer, id: string, delivery: { id: string; title: string }): Promise<{ version: number; cards: number }>;
  tidyUp(server: AlcoveServer): Promise<readonly string[]>;
}

describe('every block of a page', () => {
  it('is a named file, or commands', () => {
    expect(guide.strays).toEqual([]);
    expect(readme.strays).toEqual([expect.stringMatching(/^: npm start {4}#/)]);
    expect(samplesIn('```ts\nconst a = 1;\n```\n```json\n{}\n```\n').strays).toHaveLength(2);
    expect(samplesIn('```ts\n// a.ts\na;\n```\n```ts\n// a.ts\nb;\n```\n').files).toEqual(new Map([['a.ts', 'a;\nb;\n']]));
  });
});

describe('what the guide shows runs', () => {
  it('its test', async () => {
    const args = ['--conditions=@alcove/source', '--import', import.meta.resolve('tsx'), '--test', 'board.test.ts'];
    expect(await complaintsOf(args, folder)).toBe('');
  });

  it('its server, its webhook, its job, and the changed schema', async () => {
    const { server } = await load<{ server: AlcoveServer }>('server.ts');
    const { onWebhook, tidyUp } = await load<Webhook>('webhook.ts');
    const { finishLane } = await load<{ finishLane(url: string, id: string, lane: string): Promise<number> }>('job.ts');
    const { board } = await load<Board>('board.ts');
    try {
      const first = await onWebhook(server, 'team-1', { id: 'delivery-1', title: ' Milk ' });
      expect(first).toEqual({ version: 1, cards: 1 });
      expect(await onWebhook(server, 'team-1', { id: 'delivery-1', title: 'Milk' })).toEqual(first);
      expect(await finishLane(server.url, 'team-1', 'todo')).toBe(2);
      expect(await finishLane(server.url, 'team-1', 'todo')).toBe(0);
      await expect(finishLane(server.url, 'private', 'todo')).rejects.toMatchObject({ code: 'forbidden' });
      expect(await tidyUp(server)).toEqual(['draft-1']);
      expect(await server.rooms.list('board')).toEqual(['team-1']);
      expect(await server.room(board, 'team-1').query(sql`select title, done from cards`)).toEqual([{ title: 'Milk', done: 1 }]);
    } finally {
      await server.close();
    }
    const { board2 } = await load<{ board2: AnyRoom }>('board-2.ts');
    const later = await createServer({ rooms: [board2], dataDir, signals: false, log: silentLogger });
    const rows = await later.room(board2, 'team-1').query(sql`select heading, color from cards`);
    await later.close();
    expect(rows).toEqual([{ heading: 'Milk', color: null }]);
  });

  it('its server inside another HTTP server', async () => {
    vi.stubEnv('DATA_DIR', join(dataDir, 'attached'));
    const { app, rooms } = await load<{ app: import('node:http').Server; rooms: AlcoveServer }>('attached.ts');
    if (!app.listening) await once(app, 'listening');
    const { port } = app.address() as import('node:net').AddressInfo; // it listens on a port
    const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    expect(await get('/')).toBe('the app');
    expect(JSON.parse(await get('/rooms/health'))).toEqual({ status: 'ok' });
    await rooms.close();
    app.close();
    vi.stubEnv('DATA_DIR', dataDir);
  });

  it('its commands', async () => {
    const at = join(dataDir, 'commands');
    vi.stubEnv('DATA_DIR', at);
    const { board } = await load<Board>('board.ts');
    const server = await createServer({ rooms: [board], dataDir: at, signals: false, log: silentLogger });
    await server.rooms.create('board', 'team-1');
    await server.close();
    const said: string[] = [];
    for (const command of guide.commands) {
      const [npx, alcove, name = '', ...given] = (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
      expect([npx, alcove]).toEqual(['npx', 'alcove']);
      const args = given.map((word) => (/^(team-1[\w-]*\.sqlite|alcove\.config\.ts)$/.test(word) ? join(folder, word) : word));
      const run = async (given: readonly string[]): Promise<void> =>
        expect(await runCli(given, { out: (text) => said.push(text), err: (text) => said.push(text) }), said.join('')).toBe(0);
      if (name === 'serve') said.push(await serve([...args.slice(0, -1), '0']));
      else if (name === 'status')
        await besideServer(board, at, (url) => run([name, ...args.map((word) => (word.startsWith('https:') ? url : word))]));
      else if (name === 'replicas' || name === 'sql') await besideServer(board, at, (url) => run([name, ...args, '--url', url]));
      // These need two servers: the tests of the command line run them.
      else if (name !== 'follow' && name !== 'resync') await run([name, ...args, '--data-dir', at]);
    }
    expect(said.join('\n')).toMatch(/integrity[^\n]*ok[\s\S]*made board\/copy at version[\s\S]*ws:\/\/127\.0\.0\.1:\d+\/sync/);
    for (const file of ['team-1.sqlite', 'team-1-whole.sqlite']) expect(existsSync(join(folder, file)), file).toBe(true);
    vi.stubEnv('DATA_DIR', dataDir);
  });

  /** Asks a server that is looked at with an admin token of the environment. */
  async function besideServer(room: AnyRoom, at: string, ask: (url: string) => Promise<void>): Promise<void> {
    vi.stubEnv('ALCOVE_ADMIN_TOKEN', 'a-token-for-looking-at-it');
    const server = await createServer({ rooms: [room], dataDir: at, port: 0, signals: false, log: silentLogger });
    try {
      await ask(server.url.replace(/^ws/, 'http'));
    } finally {
      await server.close();
    }
  }

  /** Serves until it has said its address. */
  async function serve(args: readonly string[]): Promise<string> {
    const child: ChildProcess = spawnSource(cli, ['serve', ...args]);
    let out = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (bytes: Buffer) => {
        out += bytes.toString();
        if (out.includes('\n')) resolve();
      });
      child.once('close', (code) => reject(new Error(`serve ended with ${code}`)));
    });
    const ended = finished(child);
    child.kill('SIGTERM');
    await ended;
    return out;
  }
});

it('the limits of the guide are those of the code, with their defaults', () => {
  const rows = [...readFileSync(join(root, 'docs/GUIDE.md'), 'utf8').matchAll(/^\| `(\w+)` \| ([\d,]+) \| ([^|]+) \|$/gm)];
  const shown = rows.map(([, name = '', byDefault = '']) => [name, Number(byDefault.replaceAll(',', ''))] as const);
  const ofServer = { ...resolveRoomOptions({}).limits, ...resolveHostLimits({}) };
  const known = [...Object.entries(ofServer), ...Object.entries(ENGINE_LIMITS)];
  const sorted = (entries: readonly (readonly [string, number])[]): string[] =>
    entries.map(([name, byDefault]) => `${name} ${byDefault}`).sort();
  expect(sorted(shown)).toEqual(sorted(known));
});
