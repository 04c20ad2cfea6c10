import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { AlcoveError } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';

let host: HostFixture;
const servers: Server[] = [];
beforeEach(() => {
  host = new HostFixture();
});
afterEach(async () => {
  await host.end();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const httpOf = (url: string, path = ''): string => url.replace(/^ws/, 'http').replace(/\/sync$/, path);
/** An app's own HTTP server, listening on loopback. */
const appServer = async (): Promise<{ server: Server; origin: string }> => {
  const server = createHttpServer();
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` };
};

describe('who may connect', () => {
  it('[HO-10][CN-45] pages of other origins are turned away before the socket opens, and the log says which', async () => {
    const { url } = await host.server();
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'file://']) {
      const { status, answer } = await host.raw(url, { Origin: origin });
      expect(status, origin).toBe(403);
      expect(answer).toContain('origin_refused');
      expect(host.log.entries.at(-1), '[CN-45]').toMatchObject({ level: 'info', fields: { origin, host: new URL(url).host } });
    }
    for (const origin of ['http://localhost:5173', httpOf(url)]) expect((await host.raw(url, { Origin: origin })).status, origin).toBe(101);
    expect((await host.raw(url)).status).toBe(101);
    expect((await host.raw(url, { 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'https://evil.example' })).status).toBe(403);
  });

  it('[HO-10] with authenticate the page of the same host, or those of the list', async () => {
    const one = await host.server({ authenticate: () => ({}), dataDir: `${host.dataDir}/1`, host: '127.0.0.1' });
    expect((await host.raw(one.url, { Origin: httpOf(one.url) })).status).toBe(101);
    expect((await host.raw(one.url, { Origin: 'http://localhost:5173' })).status).toBe(403);
    const two = await host.server({ authenticate: () => ({}), dataDir: `${host.dataDir}/2`, origins: ['https://app.example'] });
    expect((await host.raw(two.url.replace('localhost', '127.0.0.1'), { Origin: 'https://app.example' })).status).toBe(101);
  });

  it('[HO-34] says where it listens: its url, and the address it is bound to', async () => {
    const told = () => host.log.entries.filter(({ message }) => message === 'listening').map(({ fields }) => fields);
    const alone = await host.server();
    expect(told()).toEqual([{ url: alone.url, address: new URL(alone.url).host }]);
    const open = await host.server({ authenticate: () => ({}), dataDir: `${host.dataDir}/2` });
    const { port } = new URL(open.url);
    expect(told()[1]).toEqual({ url: open.url, address: expect.stringMatching(`^(\\[::\\]|0\\.0\\.0\\.0):${port}$`) });
  });

  it('[HO-11] without authenticate it says that only this machine may connect; a name that was bent to it does not help', async () => {
    const { url } = await host.server();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(host.log.entries.some(({ level, message }) => level === 'info' && /only this machine/.test(message))).toBe(true);
    const { port } = new URL(url);
    expect((await host.raw(url, { Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` })).status).toBe(403);
    for (const headers of [{ Host: 'evil.example' }, { 'X-Forwarded-For': '203.0.113.7' }, { Forwarded: 'for=203.0.113.7' }]) {
      const { status, answer } = await host.raw(url, headers);
      expect([status, answer.includes('unauthenticated')], JSON.stringify(headers)).toEqual([403, true]);
    }
    await expect(host.server({ host: '0.0.0.0', dataDir: `${host.dataDir}/2` })).rejects.toMatchObject({ code: 'option_invalid' });
  });

  it('who cannot be authenticated or may not open the room is told so; claims reach the mutator', async () => {
    const server = await host.server({
      authenticate: (token, { headers }) => {
        if (token === 'down') throw new AlcoveError('overloaded', 'the sign-in service is away', { retryAfterMs: 70 });
        if (token === 'throws') throw new TypeError(`bad token ${token}`);
        return token === null ? null : { sub: token, agent: headers['user-agent'] ?? 'none' };
      },
      authorize: (claims, action, room) => {
        if (action.kind === 'open') return Promise.resolve(room.id !== 'private' || claims?.sub === 'ann');
        return action.kind !== 'mutate' || action.name !== 'addStop';
      },
    });
    const url = server.url.replace('localhost', '127.0.0.1');
    const refusals = { down: 'overloaded', throws: 'unauthenticated', bob: 'forbidden' };
    for (const [token, code] of Object.entries(refusals)) {
      const client = host.client(url);
      await client.opened();
      client.hello('private', { token });
      const error = await client.heard('error');
      expect(error.code).toBe(code);
      expect(error.message).not.toContain('bad token');
      await client.end();
    }
    const nobody = host.client(url);
    await nobody.opened();
    nobody.hello('private');
    expect((await nobody.heard('error')).code).toBe('unauthenticated');

    const ann = await host.join(url, 'private', { token: 'ann' });
    expect(await ann.result(ann.push('whoAmI', null))).toMatchObject({ status: 'applied' });
    expect(await ann.heard('commit')).toMatchObject({ changes: [expect.objectContaining({ table: 'stops' })] });
    expect(JSON.stringify(ann.messages)).toContain('"ann"');
    expect(await ann.result(ann.push('addStop', { id: 'a', city: 'Kyoto' }))).toMatchObject({ status: 'rejected', code: 'forbidden' });
    ann.say({ type: 'auth', token: 'bob' });
    expect((await ann.heard('error')).code).toBe('forbidden');
    expect(JSON.stringify(host.log.entries)).not.toContain('throws');
  });

  it('a session ends when its token does', async () => {
    const server = await host.server({ authenticate: () => ({ sub: 'ann', exp: Math.floor(Date.now() / 1000) - 59 }) });
    const client = await host.join(server.url.replace('localhost', '127.0.0.1'), 'short', { token: 't' });
    expect((await client.heard('error')).code).toBe('unauthenticated');
    expect((await client.end()).code).toBe(4401);
  });

  it('past the bound of sockets a newcomer is told to come later', async () => {
    const { url } = await host.server({ limits: { connectionsMax: 2 } });
    await host.join(url, 'a');
    await host.join(url, 'a');
    const { status, answer } = await host.raw(url);
    expect(status).toBe(503);
    expect(answer).toMatch(/overloaded/);
    expect(answer.toLowerCase()).toContain('retry-after: 2');
  });
});

describe('HTTP', () => {
  it('[HO-29][HO-40] /health says how it is, and nothing of who is there', async () => {
    const { url } = await host.server();
    await host.join(url, 'a');
    const answer = await fetch(httpOf(url, '/health'));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'ok' });
  });

  it('everything else gets a status and a JSON error', async () => {
    const { url } = await host.server();
    const statuses: Record<string, number> = { '/': 404, '/sync': 426, '/sync/other': 404, '/sync?image=x': 401 };
    for (const [path, status] of Object.entries(statuses)) {
      const answer = await fetch(httpOf(url, path));
      expect(answer.status, path).toBe(status);
      expect(await answer.json()).toMatchObject({ error: { code: expect.any(String) } });
    }
    expect((await host.raw(url.replace('/sync', '/other'))).status).toBe(404);
  });
});

describe('attach', () => {
  it('[HO-12] takes its own paths before listeners of the app, early and late, and leaves the rest to them', async () => {
    const { server: app, origin } = await appServer();
    const seen: string[] = [];
    const answer =
      (name: string) => (request: { url?: string | undefined }, response: { writableEnded: boolean; end(text: string): void }) => {
        seen.push(`${name} ${request.url}`);
        if (!response.writableEnded) response.end(`the app’s ${request.url}`);
      };
    app.on('request', answer('early'));
    const alcove = await host.server({ port: undefined as never });
    expect(() => alcove.url).toThrow(expect.objectContaining({ code: 'option_invalid' }));
    alcove.attach(app, { path: '/live' });
    app.on('request', answer('late'));
    const echo = new WebSocketServer({ noServer: true });
    app.on('upgrade', (request, socket, head) => {
      seen.push(`upgrade ${request.url}`);
      echo.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data: Buffer) => ws.send(`echo ${data.toString()}`)));
    });

    expect(alcove.url).toBe(`${origin.replace('http', 'ws')}/live`);
    const client = await host.join(alcove.url, 'a');
    await client.result(client.push('addStop', { id: 'a', city: 'Kyoto' }));
    expect((await fetch(`${origin}/live`)).status).toBe(426);
    expect((await fetch(`${origin}/live/health`)).status).toBe(200);
    expect(seen).toEqual([]);

    expect(await (await fetch(`${origin}/live2`)).text()).toBe('the app’s /live2');
    expect(await (await fetch(`${origin}/health`)).text()).toBe('the app’s /health');
    const other = new WebSocket(`${origin.replace('http', 'ws')}/app`);
    await once(other, 'open');
    other.send('hi');
    expect(String((await once(other, 'message'))[0])).toBe('echo hi');
    other.terminate();
    expect(seen).toEqual(['early /live2', 'late /live2', 'early /health', 'late /health', 'upgrade /app']);

    await alcove.close();
    expect(await (await fetch(`${origin}/live`)).text()).toBe('the app’s /live');
  });

  it('[HO-10] who is turned away does not stay, also when it never closes its side', async () => {
    const { server: app, origin } = await appServer();
    const alcove = await host.server();
    alcove.attach(app);
    const { port, host: name } = new URL(origin);
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    const key = Buffer.alloc(16).toString('base64');
    socket.write(
      `GET /sync HTTP/1.1\r\nHost: ${name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://evil.example\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    expect(String((await once(socket, 'data'))[0])).toContain('403');
    const connections = (): Promise<number> => new Promise((resolve) => app.getConnections((_, count) => resolve(count)));
    await vi.waitFor(async () => expect(await connections()).toBe(0), 1_000 + 2_000); // sooner than a timeout of Node's would end it
    socket.destroy();
  });

  it('[HO-12] an upgrade that nobody answers does not hang', async () => {
    const { server: app, origin } = await appServer();
    const alcove = await host.server();
    alcove.attach(app);
    expect((await host.raw(`${origin.replace('http', 'ws')}/other`)).status).toBe(404);
  });

  it('[HO-12] several servers share one of the app, also one path below another, and each that is closed leaves its paths', async () => {
    const { server: app, origin } = await appServer();
    app.on('request', ({ url }, response) => response.end(`the app’s ${url}`));
    const attached = async (path: string) => {
      const server = await host.server({ port: undefined as never, dataDir: `${host.dataDir}/${path.slice(1).replace('/', '-')}` });
      server.attach(app, { path });
      return server;
    };
    const [below, above, other] = [await attached('/sync/board'), await attached('/sync'), await attached('/other')];
    const text = async (path: string) => (await fetch(`${origin}${path}`)).text();
    const seen = async () => {
      const texts = await Promise.all(['/sync/board', '/sync', '/other'].map((path) => text(`${path}/health`)));
      return texts.map((one) => (one === '{"status":"ok"}' ? 'ours' : one.includes('bad_message') ? 'nothing' : one));
    };
    const unheard = async () => (await host.raw(`${origin.replace('http', 'ws')}/nobody`)).status;
    expect([await seen(), await unheard()]).toEqual([['ours', 'ours', 'ours'], 404]);
    // Not in the order in which they came.
    await below.close();
    expect([await seen(), await unheard()]).toEqual([['nothing', 'ours', 'ours'], 404]);
    await above.close();
    expect([await seen(), await unheard()]).toEqual([['the app’s /sync/board/health', 'the app’s /sync/health', 'ours'], 404]);
    await other.close();
    expect(await text('/other')).toBe('the app’s /other');
    const again = await attached('/sync');
    expect(await text('/sync/health')).toBe('{"status":"ok"}');
    await again.close();
  });
});
