import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@alcove/client/node';
import { counter, defineRoom, mutator, value } from '@alcove/core';
import { AlcoveError } from '@alcove/core/error';
import { silentLogger } from '@alcove/core/runtime/logger';
import { type AlcoveServer, createServer } from '@alcove/server/node';
import { eq, sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const stops = sqliteTable('stops', { id: text().primaryKey(), city: text().notNull() });
const mistake = new TypeError('cities is not a function');
const trip = defineRoom({
  name: 'trip',
  schema: { stops },
  mutators: {
    add: mutator(v.object({ id: v.string(), city: v.string() }), (tx, stop) => {
      tx.insert(stops).values(stop).run();
    }),
    rename: mutator(v.object({ id: v.string(), city: v.string() }), (tx, { id, city }, ctx) => {
      if (city === 'Atlantis' && ctx.isServer) throw new AlcoveError('forbidden', 'there is no such city');
      tx.update(stops).set({ city }).where(eq(stops.id, id)).run();
    }),
    breaks: mutator(() => {
      throw mistake;
    }),
  },
  presence: v.object({ name: v.string() }),
  cursor: v.object({ x: v.number(), y: v.number() }),
  values: { budget: value(v.number(), { intervalMs: 50 }), likes: counter({ intervalMs: 50 }) },
  ephemeral: { typing: v.boolean() },
});

let dataDir = '';
let server: AlcoveServer<[typeof trip]>;
const ends: (() => void)[] = [];

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'alcove-node-client-'));
  server = await createServer({ rooms: [trip], dataDir, port: 0, signals: false, log: silentLogger });
});

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await server.close();
  rmSync(dataDir, { recursive: true });
});

function join2() {
  const clients = [0, 1].map(() => createClient({ url: server.url, rooms: [trip] }));
  ends.push(() => {
    for (const client of clients) client.close();
  });
  const [a, b] = clients.map((client) => client.room(trip, 'japan'));
  if (a === undefined || b === undefined) throw new TypeError('two clients were made');
  return { a, b };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

describe('two clients in Node and a real server', () => {
  it('[WK-16] a client that knows no definitions is refused where it is made', () => {
    // As plain JavaScript may call it.
    const options = { url: 'ws://127.0.0.1:1' } as Parameters<typeof createClient>[0];
    expect(() => createClient(options)).toThrow(
      expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining('rooms') }),
    );
  });

  it('[WK-16] a mutation shows at once where it was called, is confirmed, and shows in the other client', async () => {
    const { a, b } = join2();
    const cities = (room: typeof a) => room.query((db) => db.select().from(stops).orderBy(stops.id));
    const seen = cities(b);
    ends.push(seen.subscribe(() => undefined));
    ends.push(cities(a).subscribe(() => undefined));
    await seen.promise;
    const added = a.mutate.add({ id: '1', city: 'Kyoto' });
    await added.local;
    expect(await a.read((db) => db.select().from(stops))).toEqual([{ id: '1', city: 'Kyoto' }]);
    const { version } = await added.confirmed;
    expect(version).toBeGreaterThan(0);
    await until(() => expect(seen.getSnapshot()).toEqual({ data: [{ id: '1', city: 'Kyoto' }], status: 'current', error: undefined }));
    expect(await server.room(trip, 'japan').query((db) => db.select().from(stops))).toEqual([{ id: '1', city: 'Kyoto' }]);
  });

  it('[WK-16] a rejected mutation says why, takes itself back and holds up none behind it', async () => {
    const { a } = join2();
    const added = a.mutate.add({ id: '1', city: 'Kyoto' });
    const refused = a.mutate.rename({ id: '1', city: 'Atlantis' });
    const renamed = a.mutate.rename({ id: '1', city: 'Nara' });
    await added.confirmed;
    await expect(refused.confirmed).rejects.toMatchObject({ code: 'forbidden', message: 'there is no such city' });
    await renamed.confirmed;
    expect(await a.read((db) => db.select().from(stops))).toEqual([{ id: '1', city: 'Nara' }]);
    expect(a.rejected.getSnapshot()).toMatchObject([{ name: 'rename', status: 'rejected', error: { code: 'forbidden' } }]);
  });

  it('[WK-16] a mutation that fails in the tab is never sent, and those around it go through', async () => {
    const { a } = join2();
    const first = a.mutate.add({ id: '1', city: 'Kyoto' });
    await first.confirmed;
    const twice = a.mutate.add({ id: '1', city: 'Osaka' });
    const next = a.mutate.add({ id: '2', city: 'Nara' });
    await expect(twice.local).rejects.toMatchObject({ code: 'constraint_failed' });
    await next.confirmed;
    expect(await server.room(trip, 'japan').query(sql<{ n: number }>`select count(*) as n from stops`)).toEqual([{ n: 2 }]);
  });

  it('[CN-45] a wrong path is told with the address and the HTTP status, a server that is not there with the system’s word', async () => {
    const client = createClient({ url: `${server.url}/elsewhere`, rooms: [trip] });
    const nobody = createClient({ url: 'ws://127.0.0.1:1/sync', rooms: [trip] });
    ends.push(() => client.close());
    ends.push(() => nobody.close());
    const told = (of: typeof client) => {
      const { connection, error } = of.room(trip, 'japan').status.getSnapshot();
      return [connection, error?.code, error?.message];
    };
    await until(() => {
      const answered = expect.stringMatching(/\/elsewhere \(Unexpected server response: 404\).*path right/);
      expect(told(client)).toEqual(['reconnecting', 'connection_lost', answered]);
      expect(told(nobody)).toEqual(['reconnecting', 'connection_lost', expect.stringContaining('ECONNREFUSED')]);
    });
  });

  it('[CN-43] a room that the server cannot open is waited for: once its file is mended, pending mutations go on', {
    timeout: 60_000,
  }, async () => {
    const { a } = join2();
    await a.mutate.add({ id: '1', city: 'Kyoto' }).confirmed;
    const port = Number(new URL(server.url).port);
    const file = join(dataDir, 'rooms/trip/japan.sqlite');
    await server.close();
    const added = a.mutate.add({ id: '2', city: 'Nara' });
    copyFileSync(file, `${dataDir}/mended`);
    writeFileSync(file, 'no database '.repeat(1_000));
    server = await createServer({ rooms: [trip], dataDir, port, signals: false, log: silentLogger });
    await vi.waitFor(
      () =>
        expect(a.status.getSnapshot()).toMatchObject({
          connection: 'reconnecting',
          error: { code: 'file_damaged', hint: expect.stringContaining('log') },
          retryAtMs: expect.any(Number),
          pendingCount: 1,
        }),
      { timeout: 20_000, interval: 5 },
    );
    copyFileSync(`${dataDir}/mended`, file);
    await added.confirmed;
    expect(a.status.getSnapshot()).toMatchObject({ connection: 'connected', error: null, pendingCount: 0 });
    expect(await server.room(trip, 'japan').query(sql<{ n: number }>`select count(*) as n from stops`)).toEqual([{ n: 2 }]);
  });

  it('[WK-54] a mutator that throws in the tab leaves its error, with its stack, as the cause', async () => {
    const { a } = join2();
    await a.mutate.add({ id: '1', city: 'Kyoto' }).confirmed; // from here on it runs in the tab
    const broken = a.mutate.breaks();
    const rejected = await broken.local.catch((error: unknown) => error);
    expect(rejected).toMatchObject({ code: 'mutator_failed', message: 'breaks threw: cities is not a function' });
    expect(rejected instanceof AlcoveError && rejected.cause).toBe(mistake);
    await expect(broken.confirmed).rejects.toBe(rejected);
  });

  it('[WK-16] presence, cursors, typing, values and counters reach the other client', async () => {
    const { a, b } = join2();
    a.presence.set({ name: 'Ada' });
    a.cursors.set({ x: 1, y: 2 });
    a.ephemeral('typing', 'note1').set(true);
    const [budget, likes] = [b.value('budget'), b.value('likes')];
    ends.push(budget.subscribe(() => undefined));
    ends.push(likes.subscribe(() => undefined));
    a.value('budget').set(70);
    a.value('likes').add(2);
    b.value('likes').add(3);
    await until(() => {
      expect(b.presence.others.getSnapshot().map(({ state }) => state)).toEqual([{ name: 'Ada' }]);
      expect(b.cursors.others.getSnapshot().map(({ state }) => state)).toEqual([{ x: 1, y: 2 }]);
      expect(
        b
          .ephemeral('typing', 'note1')
          .others.getSnapshot()
          .map(({ state }) => state),
      ).toEqual([true]);
      expect(budget.getSnapshot().value).toBe(70);
      expect(likes.getSnapshot()).toMatchObject({ value: 5, pending: false });
    });
    expect(await server.room(trip, 'japan').query(sql`select name, value from alcove_values order by name`)).toEqual([
      { name: 'budget', value: '70' },
      { name: 'likes', value: '5' },
    ]);
    a.close();
    await until(() => expect(b.presence.others.getSnapshot()).toEqual([]));
  });
});
