import { sql } from 'drizzle-orm';
import { expect } from 'vitest';
import type { Message } from '../plain-client.ts';
import type { Edge, Told } from './edge.ts';
import type { LimitedServer } from './limited-server.ts';
import type { Peer } from './peer.ts';

interface Entry {
  readonly key?: string;
  readonly userId?: string | null;
  readonly state?: unknown;
}

/** What a reader was last told under each key or user; null: gone. */
const shown = (peer: Peer, type: 'presence' | 'cursors' | 'ephemeral'): Map<string, unknown> => {
  const states = new Map<string, unknown>();
  const messages = peer.client.messages as readonly (Message & { entries?: readonly Entry[] })[]; // what a server sends
  for (const message of messages) {
    if (message.type !== type) continue;
    if (message['reset'] === true) states.clear();
    for (const { key, userId, state } of message.entries ?? []) states.set(type === 'ephemeral' ? String(key) : String(userId), state);
  }
  return states;
};

const toldError = async (peer: Peer): Promise<Told> => {
  const { code, retryAfterMs } = await peer.error();
  return { code, retryAfterMs, peer };
};

/** Says it and gives the error that comes of it; null where the next pong comes first. */
const sets = async (peer: Peer, message: object): Promise<Told | null> => {
  const before = peer.errors.length;
  peer.client.say(message);
  await peer.lives();
  return peer.errors.length > before ? toldError(peer) : null;
};

const BYTES = 100;
/** JSON of exactly so many bytes, nearly all in characters of two. */
const stateOf = (name: string, bytes: number): object => {
  const room = bytes - JSON.stringify({ [name]: '' }).length;
  return { [name]: 'é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2) };
};
const textOf = (bytes: number): string => 'x'.repeat(bytes - 2);

const bytesOf = (by: string, message: (bytes: number) => object): Edge => ({
  limit: 'stateBytesMax',
  by,
  set: { stateBytesMax: BYTES },
  code: 'state_too_large',
  under: async (at) => expect(await sets(await at.join('ann'), message(BYTES))).toBeNull(),
  over: async (at) => (await sets(await at.join('ann'), message(BYTES + 1))) ?? {},
});

const keyOf = (by: string, code: 'state_invalid' | 'value_invalid', message: (key: string) => object): Edge => ({
  limit: 'keyCharactersMax',
  by,
  set: { keyCharactersMax: 10 },
  code,
  under: async (at) => expect(await sets(await at.join('ann'), message('k'.repeat(10)))).toBeNull(),
  over: async (at) => (await sets(await at.join('ann'), message('k'.repeat(11)))) ?? {},
});

/** What one state or value may be. */
const EDGES_OF_ONE: readonly Edge[] = [
  bytesOf('presence', (bytes) => ({ type: 'presence', state: stateOf('name', bytes) })),
  bytesOf('a cursor', (bytes) => ({ type: 'cursor', state: stateOf('at', bytes) })),
  bytesOf('an ephemeral state', (bytes) => ({ type: 'ephemeral', name: 'typing', state: textOf(bytes) })),
  {
    limit: 'valueBytesMax',
    set: { valueBytesMax: BYTES },
    code: 'value_too_large',
    under: async (at) => expect((await (await at.join('ann')).offer(textOf(BYTES))).type).toBe('valueTaken'),
    over: async (at) => {
      const peer = await at.join('ann');
      const { code } = await peer.offer(textOf(BYTES + 1));
      return { code, peer };
    },
  },
  keyOf('an ephemeral key', 'state_invalid', (key) => ({ type: 'ephemeral', name: 'typing', key, state: 'x' })),
  keyOf('a value’s key', 'value_invalid', (key) => ({ type: 'value', name: 'title', key, value: 'x', offer: 1 })),
];

/** Sets presence so often; the last one is the one that others see. */
const floods = async (at: LimitedServer, room: string, peers: readonly Peer[], count: number): Promise<void> => {
  const reader = await at.join('reader', room);
  for (let index = 1; index <= count; index += 1)
    peers[index % peers.length]?.client.say({ type: 'presence', state: { name: `${index}` } });
  await reader.client.until(
    () =>
      Object.values(Object.fromEntries(shown(reader, 'presence'))).some(
        (state) => JSON.stringify(state) === JSON.stringify({ name: `${count}` }),
      ),
    `the last of ${count} states`,
  );
  expect(peers.flatMap(({ errors }) => errors)).toEqual([]);
};

const SLOWLY = { sessionStatesPerSecondMax: 2, sessionStatesBurst: 5 };

/** How often they may be set. Nothing is refused but what cannot even wait. */
const EDGES_OF_STATE_RATES: readonly Edge[] = [
  {
    limit: 'sessionStatesPerSecondMax',
    by: 'the same state: the last one counts',
    set: SLOWLY,
    code: null,
    under: async (at) => floods(at, 'one', [await at.join('ann', 'one')], 5),
    over: async (at) => {
      const peer = await at.join('bob', 'two');
      await floods(at, 'two', [peer], 50);
      return { peer };
    },
  },
  {
    limit: 'sessionStatesPerSecondMax',
    by: 'more different ones than may wait',
    set: { ...SLOWLY, sessionStatesPerSecondMax: 1, sessionEphemeralKeysMax: 1 },
    code: 'rate_limited',
    waits: true,
    under: async (at) => expect(await sets(await at.join('ann'), { type: 'ephemeral', name: 'typing', state: 'x' })).toBeNull(),
    over: async (at) => {
      const peer = await at.join('ann');
      for (let key = 0; key < 80; key += 1) peer.client.say({ type: 'ephemeral', name: 'typing', key: `${key}`, state: 'x' });
      return toldError(peer);
    },
  },
  {
    limit: 'userStatesPerSecondMax',
    set: { userStatesPerSecondMax: 2, userStatesBurst: 6 },
    code: null,
    under: async (at) => floods(at, 'one', [await at.join('ann', 'one'), await at.join('ann', 'one')], 6),
    over: async (at) => {
      const peers = [await at.join('bob', 'two'), await at.join('bob', 'two')];
      await floods(at, 'two', peers, 50);
      return {};
    },
  },
];

/** How many there may be. */
const EDGES_OF_COUNTS: readonly Edge[] = [
  {
    limit: 'sessionEphemeralKeysMax',
    set: { sessionEphemeralKeysMax: 2 },
    code: null,
    under: async (at) => {
      const peer = await at.join('ann');
      for (const key of ['one', 'two']) await sets(peer, { type: 'ephemeral', name: 'typing', key, state: key });
    },
    over: async (at) => {
      const [peer, reader] = [await at.join('bob', 'two'), await at.join('reader', 'two')];
      for (const key of ['one', 'two', 'three']) await sets(peer, { type: 'ephemeral', name: 'typing', key, state: key });
      const kept = (): unknown[] => [...shown(reader, 'ephemeral')].filter(([, state]) => state !== null).map(([key]) => key);
      await reader.client.until(() => kept().join() === 'two,three', 'the oldest key to go');
      return { peer };
    },
  },
  {
    limit: 'stateEntriesMax',
    set: { stateEntriesMax: 2 },
    code: null,
    under: async (at) => {
      for (const user of ['ann', 'bob']) await sets(await at.join(user, 'one'), { type: 'presence', state: { name: user } });
    },
    over: async (at) => {
      const reader = await at.join('reader', 'two');
      for (const user of ['ann', 'bob', 'cay']) await sets(await at.join(user, 'two'), { type: 'presence', state: { name: user } });
      const kept = (): unknown[] => [...shown(reader, 'presence')].filter(([, state]) => state !== null).map(([user]) => user);
      await reader.client.until(() => kept().join() === 'bob,cay', 'the oldest entry to go');
      return { peer: reader };
    },
  },
  {
    limit: 'valueKeysMax',
    set: { valueKeysMax: 2 },
    code: 'value_invalid',
    under: async (at) => {
      const peer = await at.join('ann');
      for (const key of ['one', 'two']) expect((await peer.offer('x', key)).type).toBe('valueTaken');
    },
    over: async (at) => {
      const peer = await at.join('bob');
      const { code } = await peer.offer('x', 'three');
      expect((await peer.offer('another', 'two')).type).toBe('valueTaken');
      return { code, peer };
    },
  },
  {
    limit: 'unwrittenValueBytesMax',
    set: { unwrittenValueBytesMax: 10_000 },
    code: null,
    under: async (at) => {
      await (await at.join('ann', 'one')).offer('x'.repeat(9_000));
      expect(await written(at, 'one')).toBe(0);
    },
    over: async (at) => {
      const peer = await at.join('bob', 'two');
      await peer.offer('x'.repeat(10_001));
      await expect.poll(() => written(at, 'two'), { timeout: 20_000 }).toBe(1);
      return { peer };
    },
  },
  {
    limit: 'unwrittenValueBytesHard',
    set: { unwrittenValueBytesMax: 10_000, unwrittenValueBytesHard: 10_000 },
    code: 'overloaded',
    waits: true,
    under: async (at) => expect((await (await at.join('ann')).offer('x'.repeat(9_000))).type).toBe('valueTaken'),
    over: async (at) => {
      const peer = await at.join('bob', 'two');
      const { code, retryAfterMs } = await peer.offer('x'.repeat(10_001));
      return { code, retryAfterMs, peer };
    },
  },
];

const written = async (at: LimitedServer, room: string): Promise<number> => {
  const [row] = await at.server.room('limited', room).query(sql<{ n: number }>`select count(*) as n from alcove_values`);
  return row?.n ?? 0;
};

export const EDGES_OF_STATES: readonly Edge[] = [...EDGES_OF_ONE, ...EDGES_OF_STATE_RATES, ...EDGES_OF_COUNTS];
