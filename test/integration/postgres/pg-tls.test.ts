import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createReplicaPools } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { ledger, put } from './ledger-room.ts';
import { MirrorWorlds } from './mirror-worlds.ts';

/** How PostgreSQL's clients ask for TLS, and how those begin that do not ask. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const TLS_HANDSHAKE = 22;

/** Stands before a PostgreSQL and lets nobody through who does not ask for TLS first, as some do. */
class TlsProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  passed = 0;
  refused = 0;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      this.#sockets.add(near.on('error', () => near.destroy()));
      near.once('data', (first) => {
        if (!first.equals(SSL_REQUEST) && first[0] !== TLS_HANDSHAKE) {
          this.refused += 1;
          near.destroy();
          return;
        }
        this.passed += 1;
        const far = connect(port, '127.0.0.1', () => far.write(first));
        this.#sockets.add(far.on('error', () => near.destroy()));
        near.pipe(far).pipe(near);
      });
    });
  }

  /** @param url Of the PostgreSQL. @returns with the address of the proxy in its place */
  static async before(url: string): Promise<{ readonly proxy: TlsProxy; readonly url: string }> {
    const there = new URL(url);
    const proxy = new TlsProxy(Number(there.port));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    const address = proxy.#server.address();
    there.port = String(typeof address === 'object' ? address?.port : '');
    return { proxy, url: there.href };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('a PostgreSQL that lets nobody in but over TLS (made with openssl)', () => {
  const worlds = MirrorWorlds.ofFile('tls', { tls: true });

  it.each([
    ['', 'asked for'],
    ['&sslnegotiation=direct', 'begun at once'],
  ])(
    '[RD-100] what takes too long there is ended by a request that is encrypted as the connection is, which stays (%s): TLS is %s',
    async (more) => {
      const { proxy, url } = await TlsProxy.before(worlds.primary.url);
      const pools = createReplicaPools({ primary: { url: url + more, pool: 1 } });
      try {
        const pool = pools.forRead({ timeoutMs: 500 });
        const session = async (): Promise<unknown> =>
          (await pool.query('SELECT pg_backend_pid() AS pid, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).rows[0];
        const before = await session();
        expect(before).toMatchObject({ ssl: true });
        await expect(pool.query('SELECT pg_sleep(30)')).rejects.toMatchObject({ code: 'query_timeout' });
        expect(await session()).toEqual(before);
        expect(proxy.refused).toBe(0);
      } finally {
        await pools.close();
        proxy.close();
      }
    },
  );

  it('[MI-18] is mirrored to and read over TLS alone, and not where its certificate is nobody known', async () => {
    const world = worlds.begin();
    const { proxy, url } = await TlsProxy.before(worlds.primary.url);
    await world.also(Promise.resolve({ close: async () => proxy.close() }));
    const server = await world.server({ mirror: { url } });
    const room = server.room(ledger, 'a');
    await room.mutate.run([put('1', { n: 1 }), put('2', { n: 2 })]);
    await world.level(server, 'a');
    const read = () => room.sql(sql`SELECT sum(n)::int AS n FROM items`, { dialect: 'postgres' }).then(({ rows }) => rows);
    await vi.waitFor(async () => expect(await read()).toEqual([{ n: 3 }]), { timeout: 20_000, interval: 30 });
    expect(await server.mirror.check('ledger', 'a')).toEqual([]);
    expect(proxy.passed).toBeGreaterThan(3);
    expect(proxy.refused).toBe(0);
    await server.close();
    const stranger = await world.server({ mirror: { url: url.replace(/&sslrootcert=.*/, '') } });
    await vi.waitFor(() => expect(stranger.mirror.status()).toMatchObject({ state: 'unavailable' }), { timeout: 20_000, interval: 30 });
    expect(stranger.mirror.status()?.error?.message).toContain('self-signed certificate');
  });
});
