import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { frame } from './raw-socket.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

describe('draining', () => {
  it('[HO-25] SIGTERM writes what is unwritten, answers what was pushed and sends everybody away, spread', async () => {
    const server = await host.childServer();
    const clients = await Promise.all(Array.from({ length: 12 }, (_, index) => host.join(server.url, `room-${index % 3}`)));
    const [first] = clients;
    first?.say({ type: 'value', name: 'budget', value: 42, offer: 1 });
    await first?.heard('valueTaken');
    const mutationIds = clients.map((client, index) => client.push('addStop', { id: `s${index}`, city: 'Kyoto' }));
    await Promise.all(clients.map((client, index) => client.result(mutationIds[index] ?? 0)));
    const startedMs = performance.now();
    server.child.kill('SIGTERM');
    const errors = await Promise.all(clients.map((client) => client.heard('error')));
    for (const error of errors) expect(error).toMatchObject({ code: 'draining', retryAfterMs: expect.any(Number) });
    expect(new Set(errors.map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(6);
    for (const client of clients) expect((await client.end()).code).toBe(1012);
    const [code, signal] =
      server.child.exitCode === null && server.child.signalCode === null
        ? await once(server.child, 'exit')
        : [server.child.exitCode, server.child.signalCode];
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    expect(performance.now() - startedMs).toBeLessThan(10_000);

    const again = await host.server();
    const reader = await host.join(again.url, 'room-0');
    const tables = reader.messages
      .filter(({ type }) => type === 'snapshotRows')
      .map((message) => message['rows'] as { table: string; cells: unknown[][] });
    expect(tables.find(({ table }) => table === 'alcove_values')?.cells.slice(0, 3)).toEqual([['budget'], [''], ['42']]);
    expect(tables.find(({ table }) => table === 'stops')?.cells[0]).toHaveLength(4);
  });

  it('[HO-25] a second signal ends it at once', async () => {
    const server = await host.childServer();
    // Joined and then silent: it never answers the close frame, so the drain has to wait for it.
    const { raw } = await host.raw(server.url);
    raw.write(frame(1, JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'a', clientId: 'silent' })));
    await raw.until(() => raw.texts().some((text) => text.includes('"welcome"')));
    server.child.kill('SIGTERM');
    await raw.until(() => raw.texts().some((text) => text.includes('"draining"')));
    expect(server.child.exitCode ?? server.child.signalCode).toBeNull();
    server.child.kill('SIGINT');
    expect(await once(server.child, 'exit')).toEqual([null, 'SIGINT']);
  });

  it('[HO-25][HO-29] close lets nobody in, cuts who does not leave, frees the dataDir, and may be called twice', async () => {
    const server = await host.server({ limits: { closeTimeoutMs: 700, drainTimeoutMs: 3000 } });
    const app = createHttpServer((_, response) => response.end('the app'));
    app.listen(0, '127.0.0.1');
    await once(app, 'listening');
    server.attach(app);
    const address = app.address();
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const { raw } = await host.raw(server.url);
    raw.write(frame(1, JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'a', clientId: 'silent' })));
    await raw.until(() => raw.texts().some((text) => text.includes('"welcome"')));
    const early = await host.raw(server.url);

    const closing = server.close();
    expect(server.close()).toBe(closing);
    expect(await early.raw.closeCode()).toBe(1012);
    const health = await fetch(`${origin}/sync/health`);
    expect([health.status, await health.json()]).toEqual([503, { status: 'draining' }]);
    const refused = await host.raw(`${origin.replace('http', 'ws')}/sync`);
    expect(refused.status).toBe(503);
    expect(refused.answer).toContain('draining');
    await expect(server.rooms.create('trip', 'late')).rejects.toMatchObject({ code: 'draining' });

    await closing;
    expect(raw.ended).toBe(true);
    expect(await (await fetch(`${origin}/sync/health`)).text()).toBe('the app');
    app.closeAllConnections();
    app.close();
    await host.server();
  });
});
