import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stops, trip } from './trip-room.ts';

let dataDir = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-auth-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true });
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

/** A server whose tokens are good or not as the test says, and a client of it in this process. */
async function together(lifeS = 3_600) {
  const good = new Set(['t1']);
  const shown: (string | null)[] = [];
  const server = await createServer({
    rooms: [trip],
    dataDir,
    port: 0,
    signals: false,
    log: silentLogger,
    authenticate: (token) => {
      shown.push(token);
      return token !== null && good.has(token) ? { sub: 'ann', exp: Math.floor(Date.now() / 1000) + lifeS } : null;
    },
  });
  ends.push(() => server.close());
  const app = { token: 't1', asked: 0 };
  const auth = () => {
    app.asked += 1;
    return Promise.resolve(app.token);
  };
  const client = createClient({ url: server.url, rooms: [trip], user: 'ann', auth });
  ends.push(() => client.close());
  const room = client.room(trip, 'japan');
  const connection = () => room.status.getSnapshot().connection;
  const cities = () => server.room(trip, 'japan').query((db) => db.select({ city: stops.city }).from(stops).orderBy(stops.id));
  return { server, good, shown, app, room, connection, cities };
}

describe('tokens of a client', () => {
  it('[CN-49] a session whose user was signed out: auth is asked again, writes wait in needs_auth and go when it works', async () => {
    const { server, good, app, room, connection, cities } = await together();
    await room.mutate.addStop({ id: '1', city: 'Kyoto' }).confirmed;
    good.delete('t1');
    expect(await server.sessions.end({ user: 'ann' })).toBe(1);
    await until(() => expect(connection()).toBe('needs_auth'));
    expect(app.asked).toBe(2);
    expect(room.status.getSnapshot().error?.code).toBe('unauthenticated');
    const added = room.mutate.addStop({ id: '2', city: 'Nara' });
    await added.local;
    expect(await room.read((db) => db.select({ city: stops.city }).from(stops).orderBy(stops.id))).toHaveLength(2);
    expect([room.status.getSnapshot().pendingCount, await cities()]).toEqual([1, [{ city: 'Kyoto' }]]);
    good.add('t2');
    app.token = 't2';
    room.reconnect();
    await added.confirmed;
    expect([connection(), room.status.getSnapshot().pendingCount, await cities()]).toEqual([
      'connected',
      0,
      [{ city: 'Kyoto' }, { city: 'Nara' }],
    ]);
  });

  it.each([[{ token: 't1' }], [5], [Promise.resolve({ token: 't1' })]])(
    '[CN-51] an auth that gives no token: the status and the console say so, and it is not asked again: %o',
    async (given) => {
      const { server, shown } = await together();
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      ends.push(() => log.mockRestore());
      let asked = 0;
      const auth = () => {
        asked += 1;
        return given as never;
      };
      const client = createClient({ url: server.url, rooms: [trip], user: 'ann', auth });
      ends.push(() => client.close());
      const { status } = client.room(trip, 'kyoto');
      await until(() => expect(status.getSnapshot().connection).toBe('failed'));
      const message = `auth gave ${given === 5 ? 'a number' : 'an object'}; it gives the token as text, or null`;
      expect(status.getSnapshot().error).toMatchObject({ code: 'option_invalid', message });
      expect([asked, shown.filter((token) => token !== 't1')]).toEqual([1, []]); // which the other client brought
      expect(JSON.stringify(log.mock.calls)).toContain(message);
    },
  );

  it('[CN-7] one whose app has a better token by then comes back by itself', async () => {
    const { server, good, app, room, connection } = await together();
    await room.mutate.addStop({ id: '1', city: 'Kyoto' }).confirmed;
    good.delete('t1');
    good.add('t2');
    app.token = 't2';
    await server.sessions.end({ user: 'ann' });
    await room.mutate.addStop({ id: '2', city: 'Nara' }).confirmed;
    expect([connection(), app.asked]).toEqual(['connected', 2]);
  });

  it('[CN-9] one that was thrown out stops, says why from the first moment on, and its writes stay', async () => {
    const { server, room, connection } = await together();
    await room.mutate.addStop({ id: '1', city: 'Kyoto' }).confirmed;
    const reasons = new Set<string>();
    room.status.subscribe(() => {
      const { connection: is, error } = room.status.getSnapshot();
      reasons.add(`${is}: ${error?.code}`);
    });
    await server.sessions.end({ user: 'ann' }, 'forbidden');
    await until(() => expect(connection()).toBe('failed'));
    expect([...reasons].filter((reason) => reason.startsWith('failed'))).toEqual(['failed: forbidden']);
    await room.mutate.addStop({ id: '2', city: 'Nara' }).local;
    expect(room.status.getSnapshot()).toMatchObject({ error: { code: 'forbidden' }, pendingCount: 1 });
  });

  it('[CN-48] one whose token runs out is asked for the next before, on the session it has', async () => {
    const { good, shown, app, room, connection } = await together(4);
    await room.mutate.addStop({ id: '1', city: 'Kyoto' }).confirmed;
    const session = room.status.getSnapshot().sessionId;
    good.add('t2');
    app.token = 't2';
    await until(() => expect(shown).toContain('t2'));
    good.delete('t1');
    await room.mutate.addStop({ id: '2', city: 'Nara' }).confirmed;
    expect([connection(), room.status.getSnapshot().sessionId]).toEqual(['connected', session]);
    expect(shown.filter((token) => token === 't1')).toHaveLength(1);
  });
});
