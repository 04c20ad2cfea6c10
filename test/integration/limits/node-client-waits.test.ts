import { createClient } from '@alcove/client/node';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LimitedServer } from './limited-server.ts';
import { limited } from './limited-room.ts';

let at: LimitedServer | null = null;
const clients: { close(): void }[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await at?.end();
  at = null;
});

const start = async (...args: Parameters<typeof LimitedServer.start>): Promise<LimitedServer> => {
  at = await LimitedServer.start(...args);
  return at;
};
const join = (server: LimitedServer, user: string) => {
  const client = createClient({ url: server.server.url, rooms: [limited], user, auth: () => user });
  clients.push(client);
  return client.room(limited, 'room');
};
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 2 });
const bodies = async (server: LimitedServer): Promise<string[]> => {
  const rows = await server.server.room('limited', 'room').query(sql<{ body: string }>`select body from notes order by rowid`);
  return rows.map(({ body }) => body);
};

describe('the SDK’s client at a limit', () => {
  it('[HO-41] waits as long as it is told, shows why, and loses nothing of what comes faster than it may', {
    timeout: 60_000,
  }, async () => {
    const server = await start({ sessionMutationsPerSecondMax: 20, sessionMutationsBurst: 20 });
    const room = join(server, 'ann');
    await until(() => expect(room.status.getSnapshot().connection).toBe('connected'));
    const startedMs = performance.now();
    const written = Array.from({ length: 80 }, (_, index) => room.mutate.note({ body: `${index}` }));
    await until(() =>
      expect(room.pending.getSnapshot().at(0)?.error).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) }),
    );
    expect(room.status.getSnapshot().connection).toBe('connected');
    await Promise.all(written.map(({ confirmed }) => confirmed));
    // Twenty at once, sixty more at twenty a second.
    expect(performance.now() - startedMs).toBeGreaterThan(2_900);
    expect(await bodies(server)).toEqual(written.map((_, index) => `${index}`));
    expect(room.status.getSnapshot()).toMatchObject({ pendingCount: 0, rejectedCount: 0 });
    // It asked again when it was told to, not all the time: half a second’s worth goes with each try.
    expect(server.met('sessionMutationsPerSecondMax')).toBeLessThan(15);
  });

  it('[HO-41] past a limit of sessions stays outside with what it has pending, says until when, and comes in once there is room', {
    timeout: 60_000,
  }, async () => {
    const server = await start({ userSessionsMax: 1, retryAfterMs: 300 });
    const first = join(server, 'ann');
    await first.mutate.note({ body: 'first' }).confirmed;
    const second = join(server, 'ann');
    const waiting = second.mutate.note({ body: 'second' });
    await until(() =>
      expect(second.status.getSnapshot()).toMatchObject({
        connection: 'reconnecting',
        error: { code: 'rate_limited', retryAfterMs: 300 },
        pendingCount: 1,
      }),
    );
    const tries = server.met('userSessionsMax');
    const { retryAtMs } = second.status.getSnapshot();
    await until(() => expect(server.met('userSessionsMax')).toBeGreaterThan(tries));
    expect(Date.now()).toBeGreaterThanOrEqual(retryAtMs ?? Number.POSITIVE_INFINITY);
    first.close();
    await waiting.confirmed;
    expect(second.status.getSnapshot()).toMatchObject({ connection: 'connected', error: null, pendingCount: 0 });
    expect(await bodies(server)).toEqual(['first', 'second']);
  });

  it('[HO-41] past a limit of rooms or sockets comes again by itself', { timeout: 60_000 }, async () => {
    const server = await start({ connectionsMax: 1 });
    const first = await server.join('bob');
    const room = join(server, 'ann');
    const waiting = room.mutate.note({ body: 'kept' });
    await until(() => expect(server.met('connectionsMax')).toBeGreaterThan(0));
    await until(() => expect(room.status.getSnapshot()).toMatchObject({ connection: 'reconnecting', pendingCount: 1 }));
    await first.leave();
    await waiting.confirmed;
    expect(await bodies(server)).toEqual(['kept']);
  });

  it('[HO-41] makes an offer of a value again where the room could not hold it', { timeout: 60_000 }, async () => {
    const server = await start({ unwrittenValueBytesMax: 10_000, unwrittenValueBytesHard: 10_000, retryAfterMs: 100 });
    const room = join(server, 'ann');
    const title = room.value('title');
    clients.push({ close: title.subscribe(() => undefined) });
    title.set('x'.repeat(20_000));
    await until(() => expect(server.met('unwrittenValueBytesHard')).toBeGreaterThan(1));
    title.set('short enough');
    title.flush();
    await until(() => expect(title.getSnapshot()).toMatchObject({ value: 'short enough', pending: false }));
  });
});
