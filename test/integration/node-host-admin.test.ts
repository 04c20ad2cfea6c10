import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';

const token = 'an-admin-token-of-this-test';
const bearer = { authorization: `Bearer ${token}` };
const httpOf = (url: string, path: string): string => `${url.replace(/^ws/, 'http')}${path}`;

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

describe('the figures of a server', () => {
  it('[HO-37] are nobody’s where no admin token is set', async () => {
    const { url } = await host.server();
    for (const path of ['/status', '/metrics', '/dashboard', '/dashboard/dashboard.js'])
      expect((await fetch(httpOf(url, path), { headers: bearer })).status, path).toBe(404);
  });

  it('[HO-37] are read with the token alone, and with it in the header', async () => {
    const { url } = await host.server({ admin: { token } });
    for (const path of ['/status', '/metrics']) {
      for (const headers of [
        {},
        { authorization: 'Bearer ' },
        { authorization: `Bearer ${token}x` },
        { authorization: `Basic ${token}` },
      ]) {
        const response = await fetch(httpOf(url, path), { headers: headers as Record<string, string> });
        expect(response.status, path).toBe(401);
        expect(await response.json()).toMatchObject({ error: { code: 'unauthenticated' } });
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
      }
      expect((await fetch(httpOf(url, `${path}?token=${token}`))).status, path).toBe(401);
      expect((await fetch(httpOf(url, path), { headers: bearer })).status, path).toBe(200);
      expect((await fetch(httpOf(url, path), { headers: bearer, method: 'POST' })).status, path).toBe(405);
    }
  });

  it('[HO-38] name the open rooms, those with most sessions first, and what the process takes', async () => {
    const server = await host.server({ admin: { token } });
    await host.join(server.url, 'busy');
    await server.room('trip', 'quiet').mutate.addStop({ id: 's1', city: 'Nara' });
    const status = await (await fetch(httpOf(server.url, '/status'), { headers: bearer })).json();
    expect(status).toMatchObject({
      status: 'ok',
      metrics: { openRooms: 2, sessions: 1, connections: 1 },
      rooms: [
        { room: 'trip', id: 'busy', sessions: 1, version: 0 },
        { room: 'trip', id: 'quiet', sessions: 0, version: 1 },
      ],
    });
    expect(status.process.residentBytes).toBeGreaterThan(1_000_000);
    expect(status.rooms[0].historyId).not.toBe(status.rooms[1].historyId);
  });

  it('[HO-38] are there for Prometheus, limits by name', async () => {
    const { url } = await host.server({ admin: { token }, limits: { sessionsMax: 1 } });
    await host.join(url, 'full');
    await host.join(url, 'full').catch(() => undefined);
    const response = await fetch(httpOf(url, '/metrics'), { headers: bearer });
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const lines = (await response.text()).split('\n');
    expect(lines).toContain('alcove_sessions 1');
    expect(lines).toContain('alcove_sessions_relayed 0');
    expect(lines).toContain('alcove_follower_links 0');
    expect(lines).toContain('alcove_rooms_open 1');
    expect(lines).toContain('alcove_limits_met_total{limit="sessionsMax"} 1');
    expect(lines.some((line) => /^process_resident_memory_bytes \d+$/.test(line))).toBe(true);
  });

  it('[HO-39] have a page that holds nothing itself and loads nothing from elsewhere', async () => {
    const { url } = await host.server({ admin: { token } });
    const page = await fetch(httpOf(url, '/dashboard'));
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const html = await page.text();
    expect(html).not.toContain(token);
    const links = [...html.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links).toEqual(['dashboard/uplot.css', 'dashboard/dashboard.css', 'dashboard/dashboard.js']);
    for (const link of [...links, ...['uplot', 'figures', 'rooms', 'replicas'].map((name) => `dashboard/${name}.js`)])
      expect((await fetch(httpOf(url, `/${link}`))).status, link).toBe(200);
    for (const link of ['/dashboard/../../package.json', '/dashboard/%2e%2e/package.json', '/dashboard/constructor'])
      expect((await fetch(httpOf(url, link))).status, link).toBe(404);
  });

  it('[HO-50] a request with a larger body than is taken is answered, and its connection used no more', async () => {
    const { url } = await host.server({ admin: { token } });
    for (const path of ['/sql', '/replicas']) {
      const response = await fetch(httpOf(url, path), { method: 'POST', headers: bearer, body: 'x'.repeat(1_100_000) });
      expect([await response.json(), response.headers.get('connection')]).toMatchObject([
        { error: { code: 'message_too_large' } },
        'close',
      ]);
      expect((await fetch(httpOf(url, path), { method: 'POST', headers: bearer, body: '{' })).status).toBe(400);
    }
  });

  it('[HO-40] whether it is ready shows to everybody, under the path and beside it', async () => {
    const server = await host.server();
    for (const path of ['/ready', '/health']) {
      expect((await fetch(httpOf(server.url, path))).status).toBe(200);
      expect((await fetch(httpOf(server.url.replace(/\/sync$/, ''), path))).status).toBe(200);
    }
  });

  it.each([{ token: 'short' }, { token: 'sixteen letters and spaces' }, { token: 7 }, {}, { token, tokens: [] }])(
    '[HO-37] are not opened by %j',
    async (admin) => {
      await expect(host.server({ admin: admin as { token: string } })).rejects.toMatchObject({ code: 'option_invalid' });
    },
  );
});
