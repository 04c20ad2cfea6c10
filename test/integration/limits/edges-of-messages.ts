import { deflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import { frame } from '../raw-socket.ts';
import type { Edge } from './edge.ts';
import { allApplied, endedWith } from './expect-fates.ts';
import type { Peer } from './peer.ts';

/** A ping of so many bytes. */
const pingOf = (bytes: number, at = 1): string => {
  const empty = JSON.stringify({ type: 'ping', at, padding: '' });
  return JSON.stringify({ type: 'ping', at, padding: 'x'.repeat(bytes - empty.length) });
};
/** A hello of so many bytes. */
const helloOf = (bytes: number, peer: Peer): string => {
  const hello = { type: 'hello', protocol: 1, room: 'limited', id: 'room', clientId: peer.client.clientId, padding: '' };
  return JSON.stringify({ ...hello, padding: 'x'.repeat(bytes - JSON.stringify(hello).length) });
};
/** A ping of so many levels. */
const deepPing = (levels: number, at = 1): string =>
  `{"type":"ping","at":${at},"padding":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const deflated = (text: string): Buffer => Buffer.concat([Buffer.from([1]), deflateRawSync(text, { level: 9 })]);
/** Multi-byte characters: a bound of bytes that counted characters would be three times as high. */
const wide = (bytes: number): string => `{"type":"ping","at":1,"padding":"${'€'.repeat((bytes - 35) / 3)}"}`;

const answered = async (peer: Peer, sent: string | Buffer): Promise<void> => {
  peer.client.socket.send(sent);
  await peer.client.heard('pong');
};
const ended = (peer: Peer, sent: string | Buffer): ReturnType<typeof endedWith> => {
  peer.client.socket.send(sent);
  return endedWith(peer);
};

const SMALL = { messageBytesMax: 2_000, messageInflatedBytesMax: 5_000 };

/** Bounds of one message. */
export const EDGES_OF_MESSAGES: readonly Edge[] = [
  {
    limit: 'messageBytesMax',
    set: SMALL,
    code: 'message_too_large',
    closes: 1009,
    under: async (at) => answered(await at.join('ann'), pingOf(2_000)),
    over: async (at) => ended(await at.join('ann'), pingOf(2_001)),
  },
  {
    limit: 'messageBytesMax',
    by: 'characters of three bytes',
    set: SMALL,
    code: 'message_too_large',
    closes: 1009,
    under: async (at) => answered(await at.join('ann'), wide(2_000)),
    over: async (at) => ended(await at.join('ann'), `${wide(2_000)} `),
  },
  {
    limit: 'messageBytesMax',
    by: 'a hello, which has a bound of its own',
    set: {},
    code: 'message_too_large',
    closes: 1009,
    under: async (at) => {
      const peer = await at.open();
      peer.client.socket.send(helloOf(131_072, peer));
      await peer.client.heard('welcome');
    },
    over: async (at) => {
      const peer = await at.open();
      return ended(peer, helloOf(131_073, peer));
    },
  },
  {
    limit: 'messageInflatedBytesMax',
    set: SMALL,
    code: 'message_too_large',
    closes: 1009,
    under: async (at) => answered(await at.join('ann'), deflated(pingOf(5_000))),
    over: async (at) => ended(await at.join('ann'), deflated(pingOf(5_001))),
  },
  {
    limit: 'messageDepthMax',
    set: { messageDepthMax: 8 },
    code: 'message_too_deep',
    closes: 4400,
    under: async (at) => answered(await at.join('ann'), deepPing(8)),
    over: async (at) => ended(await at.join('ann'), deepPing(9)),
  },
  {
    limit: 'messageDepthMax',
    by: 'the default',
    set: {},
    code: 'message_too_deep',
    closes: 4400,
    under: async (at) => answered(await at.join('ann'), deepPing(32)),
    over: async (at) => ended(await at.join('ann'), deepPing(33)),
  },
  {
    limit: 'pushMutationsMax',
    set: { pushMutationsMax: 3 },
    code: 'bad_message',
    closes: 4400,
    under: async (at) => allApplied(await (await at.join('ann')).notes(3)),
    over: async (at) => {
      const peer = await at.join('ann');
      await peer.notes(4);
      return endedWith(peer);
    },
  },
  {
    limit: 'messageFragmentsMax',
    set: {},
    code: null,
    closes: 1008,
    under: async (at) => {
      const raw = await at.joinedRaw((text) => frame(1, text));
      const text = pingOf(1_000);
      raw.write(Buffer.concat([...text].map((byte, index) => frame(index === 0 ? 1 : 0, byte, { final: index === text.length - 1 }))));
      await raw.until(() => raw.texts().some((heard) => heard.includes('"pong"')));
    },
    over: async (at) => {
      const raw = await at.joinedRaw((text) => frame(1, text));
      raw.write(Buffer.concat(Array.from({ length: 1_100 }, (_, index) => frame(index === 0 ? 1 : 0, 'x', { final: false }))));
      return { closed: await raw.closeCode() };
    },
  },
  {
    limit: 'changeSetBytesMax',
    set: { mutatorRowsMax: 100_000 },
    code: 'mutator_limit',
    under: async (at) => allApplied(await (await at.join('ann', 'other')).push(['rows', { count: 9, characters: 1_000_000 }])),
    over: async (at) => {
      const peer = await at.join('ann');
      const [fate] = await peer.push(['rows', { count: 11, characters: 1_000_000 }]);
      expect(fate?.how).toBe('rejected');
      return { code: fate?.code, peer };
    },
  },
];
