import { expect } from 'vitest';
import { frame } from '../raw-socket.ts';
import type { Edge, Told } from './edge.ts';
import { allApplied, endedWith } from './expect-fates.ts';
import type { LimitedServer } from './limited-server.ts';
import { ADMIN_TOKEN } from './limited-server.ts';

const text = (message: string): Buffer => frame(1, message);

/** What a request for a socket is answered where it gets none. */
const refusedUpgrade = async (at: LimitedServer): Promise<Told> => {
  const { status, answer } = await at.raw();
  expect(status).toBe(503);
  const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { error: Told }; // as a server writes errors
  return { code: error.code, retryAfterMs: error.retryAfterMs };
};

const rawEnd = async (raw: { closeCode(): Promise<number | null>; texts(): string[] }): Promise<Told> => {
  const closed = await raw.closeCode();
  const errors = raw.texts().filter((told) => told.includes('"error"'));
  const told = errors.map((error) => JSON.parse(error) as Told).at(-1); // what a server sends
  return { code: told?.code, retryAfterMs: told?.retryAfterMs, closed };
};

/** Asks for the figures. */
const asksStatus = (at: LimitedServer, token: string): Promise<Response> =>
  fetch(`${at.server.url.replace('ws', 'http')}/status`, { headers: { authorization: `Bearer ${token}` } });

const EDGE_OF_TOKENS: Edge = {
  limit: 'wrongTokensPerMinuteMax',
  set: { wrongTokensPerMinuteMax: 2 },
  code: 'rate_limited',
  waits: true,
  under: async (at) => {
    for (const guess of ['one', 'two']) expect((await asksStatus(at, guess)).status).toBe(401);
  },
  over: async (at) => {
    const answer = await asksStatus(at, 'three');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await asksStatus(at, ADMIN_TOKEN)).status).toBe(200);
    return ((await answer.json()) as { error: Told }).error; // as a server writes errors
  },
};

/** How many there may be. */
const EDGES_OF_ROOMS: readonly Edge[] = [
  {
    limit: 'connectionsMax',
    set: { connectionsMax: 2 },
    code: 'overloaded',
    waits: true,
    under: async (at) => {
      for (const user of ['ann', 'bob']) await at.join(user);
    },
    over: async (at) => refusedUpgrade(at),
  },
  {
    limit: 'connectionsUnwelcomedMax',
    set: { connectionsUnwelcomedMax: 2 },
    code: 'overloaded',
    waits: true,
    under: async (at) => {
      await at.join('ann');
      for (const _ of [1, 2]) await at.open();
    },
    over: async (at) => refusedUpgrade(at),
  },
  {
    limit: 'sessionsMax',
    set: { sessionsMax: 2 },
    code: 'overloaded',
    closes: 1013,
    waits: true,
    under: async (at) => {
      for (const user of ['ann', 'bob']) await at.join(user);
    },
    over: async (at) => endedWith(await at.arrive('cay')),
  },
  {
    limit: 'userSessionsMax',
    set: { userSessionsMax: 2 },
    code: 'rate_limited',
    closes: 4429,
    waits: true,
    under: async (at) => {
      for (const _ of [1, 2]) await at.join('ann');
      await at.join('bob');
    },
    over: async (at) => {
      const first = await at.join('cay');
      await at.join('cay');
      const told = await endedWith(await at.arrive('cay'));
      // Who is there already takes the place of its own session.
      await at.join('cay', 'room', { clientId: first.client.clientId });
      return told;
    },
  },
  {
    limit: 'openRoomsMax',
    set: { openRoomsMax: 2 },
    code: 'overloaded',
    closes: 1013,
    waits: true,
    under: async (at) => {
      for (const room of ['one', 'two']) await at.join('ann', room);
    },
    over: async (at) => endedWith(await at.arrive('ann', 'three')),
  },
];

/** How long it may take to say something. */
const EDGES_OF_TIME: readonly Edge[] = [
  {
    limit: 'helloTimeoutMs',
    set: { helloTimeoutMs: 500 },
    code: 'hello_timeout',
    closes: 4408,
    under: async (at) => void (await at.join('ann')),
    over: async (at) => rawEnd((await at.raw()).raw),
  },
  {
    limit: 'halfMessageTimeoutMs',
    set: { halfMessageTimeoutMs: 300 },
    code: 'idle_timeout',
    closes: 4408,
    under: async (at) => {
      const raw = await at.joinedRaw(text);
      const ping = text('{"type":"ping","at":7}');
      raw.write(ping.subarray(0, 9));
      raw.write(ping.subarray(9));
      await raw.until(() => raw.texts().some((told) => told.includes('"at":7')));
    },
    over: async (at) => {
      const raw = await at.joinedRaw(text);
      raw.write(text('{"type":"ping"}').subarray(0, 9));
      return rawEnd(raw);
    },
  },
  {
    limit: 'messageTimeoutMs',
    set: { messageTimeoutMs: 500, halfMessageTimeoutMs: 10_000 },
    code: 'idle_timeout',
    closes: 4408,
    under: async (at) => expect(await (await at.join('ann')).lives()).toBe(true),
    over: async (at) => {
      const raw = await at.joinedRaw(text);
      const bytes = text(JSON.stringify({ type: 'ping', padding: 'x'.repeat(10_000) }));
      let next = 0;
      const drip = setInterval(() => raw.write(bytes.subarray(next, ++next)), 10);
      try {
        return await rawEnd(raw);
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    limit: 'idleTimeoutMs',
    set: { idleTimeoutMs: 1_000, heartbeatIntervalMs: 1_000 },
    code: 'idle_timeout',
    closes: 4408,
    under: async (at) => expect(await (await at.join('ann')).lives()).toBe(true),
    over: async (at) => endedWith(await at.join('ann')),
  },
];

/** How much may come. */
const EDGES_OF_SPEED: readonly Edge[] = [
  {
    limit: 'socketBytesPerSecondMax',
    set: { socketBytesPerSecondMax: 200_000 },
    code: null,
    under: async (at) => expect(await (await at.join('ann')).lives('x'.repeat(50_000))).toBe(true),
    over: async (at) => {
      const peer = await at.join('bob');
      const startedMs = performance.now();
      for (let said = 0; said < 100; said += 1) peer.client.say({ type: 'ping', padding: 'x'.repeat(12_000) });
      expect(await peer.lives()).toBe(true);
      // 800 kB at once and a read or two more, the rest at 200 kB a second: a bound from below that no slow machine breaks.
      expect(performance.now() - startedMs).toBeGreaterThan(300);
      return { peer };
    },
  },
  {
    limit: 'socketFramesPerSecondMax',
    set: { socketFramesPerSecondMax: 100 },
    code: null,
    under: async (at) => expect(await (await at.join('ann')).lives()).toBe(true),
    over: async (at) => {
      const peer = await at.join('bob');
      for (let said = 0; said < 500; said += 1) peer.client.say({ type: 'ping', padding: 'x'.repeat(500) });
      expect(await peer.lives()).toBe(true);
      return { peer };
    },
  },
  {
    limit: 'socketControlFramesPerSecondMax',
    set: { socketControlFramesPerSecondMax: 5 },
    code: null,
    closes: 4429,
    under: async (at) => {
      const raw = await at.joinedRaw(text);
      raw.write(Buffer.concat(Array.from({ length: 20 }, () => frame(9, ''))));
      raw.write(text('{"type":"ping","at":7}'));
      await raw.until(() => raw.texts().some((told) => told.includes('"at":7')));
    },
    over: async (at) => {
      const raw = await at.joinedRaw(text);
      raw.write(Buffer.concat(Array.from({ length: 50 }, () => frame(9, ''))));
      return { closed: await raw.closeCode() };
    },
  },
  {
    limit: 'messagesBeforeWelcomeMax',
    set: { messagesBeforeWelcomeMax: 3 },
    code: 'rate_limited',
    closes: 4429,
    under: async (at) => allApplied(await (await at.join('ann')).notes(1)),
    over: async (at) => {
      const { raw } = await at.raw();
      const hello = { type: 'hello', protocol: 1, room: 'limited', id: 'room', clientId: 'early', token: 'ann' };
      raw.write(Buffer.concat([text(JSON.stringify(hello)), ...[1, 2, 3, 4].map(() => text('{"type":"ping"}'))]));
      return rawEnd(raw);
    },
  },
];

export const EDGES_OF_SOCKETS: readonly Edge[] = [...EDGES_OF_ROOMS, ...EDGES_OF_TIME, ...EDGES_OF_SPEED, EDGE_OF_TOKENS];
