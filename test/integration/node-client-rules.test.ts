import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { silentLogger } from '@alcove/core/runtime/logger';
import { createServer } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { guarded, notes } from './guarded-room.ts';

let dataDir = '';
const ends: (() => unknown)[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-rules-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true });
});

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

/** A server whose tokens say who one is, `ann` or `ann/nobody`, and clients of it in this process. */
async function serve() {
  const server = await createServer({
    rooms: [guarded],
    dataDir,
    port: 0,
    signals: false,
    log: silentLogger,
    authenticate: (token) => {
      const [sub = '', role] = String(token).split('/');
      return role === undefined ? { sub } : { sub, role };
    },
  });
  ends.push(() => server.close());
  const join = (user: string) => {
    const app = { token: user };
    const client = createClient({ url: server.url, rooms: [guarded], user, auth: () => Promise.resolve(app.token) });
    ends.push(() => client.close());
    const room = client.room(guarded, 'japan');
    const shown = () => room.read((db) => db.select({ id: notes.id, price: notes.price }).from(notes).orderBy(notes.id));
    return { app, room, shown };
  };
  return { server, join };
}

describe('clients of a room with rules', () => {
  it('[AC-20][AC-21][AC-24] each shows what its user may see, and is told what it may not do', async () => {
    const { join } = await serve();
    const [ann, eve] = [join('ann'), join('eve')];
    await ann.room.mutate.put({ id: 'own', owner: 'ann', shared: false, price: 7 }).confirmed;
    await ann.room.mutate.put({ id: 'open', owner: 'ann', shared: true, price: 8 }).confirmed;
    await until(async () => expect(await eve.shown()).toEqual([{ id: 'open', price: null }]));
    const taken = eve.room.mutate.takeAll();
    await expect(taken.confirmed).rejects.toMatchObject({ code: 'forbidden' });
    expect(await eve.shown()).toEqual([{ id: 'open', price: null }]);
    expect(await ann.shown()).toEqual([
      { id: 'open', price: 8 },
      { id: 'own', price: 7 },
    ]);
  });

  it('[AC-23] claims that change on the way: what it sees is another part, what is pending is decided', async () => {
    const { server, join } = await serve();
    const eve = join('eve');
    await eve.room.mutate.put({ id: 'mine', owner: 'eve', shared: false, price: 1 }).confirmed;
    await server.room(guarded, 'japan').mutate.put({ id: 'open', owner: 'ann', shared: true });
    await until(async () => expect(await eve.shown()).toHaveLength(2));
    eve.app.token = 'eve/nobody';
    expect(await server.sessions.end({ user: 'eve' })).toBe(1);
    const added = eve.room.mutate.put({ id: 'more', owner: 'eve', shared: false });
    await added.local;
    eve.room.reconnect();
    await added.confirmed;
    await until(async () => expect(await eve.shown()).toEqual([]));
    eve.app.token = 'eve';
    expect(await server.sessions.end({ user: 'eve' })).toBe(1);
    eve.room.reconnect();
    await until(async () => expect((await eve.shown()).map(({ id }) => id)).toEqual(['mine', 'more', 'open']));
  });
});
