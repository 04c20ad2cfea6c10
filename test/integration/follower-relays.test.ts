import { once } from 'node:events';
import { decodeRelayWord, encodeRelayWord, RELAY_WORDS, type RelayWord, unwrapRelayed, wrapRelayed } from '@alcove/core/protocol/relay';
import { decodeServerMessage } from '@alcove/core/protocol/codec';
import type { ServerMessage } from '@alcove/core/protocol/server-message';
import { AlcoveError } from '@alcove/core/error';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { PlainClient } from './plain-client.ts';
import { RelayWorld, token, until } from './relay-world.ts';

let world: RelayWorld;
beforeEach(() => {
  world = new RelayWorld();
});
afterEach(() => world.end());

const runtime = new FakeRuntime();
const limits = { messageBytesMax: 10_000_000 };
const hello = (clientId: string, more: object = {}): string =>
  JSON.stringify({ type: 'hello', protocol: 1, room: 'trip', id: 'japan', clientId, ...more });

/** A follower by hand: says what it wants on its socket, and keeps what it hears under each number. */
class Link {
  readonly socket: WebSocket;
  readonly own: ServerMessage[] = [];
  readonly words: RelayWord[] = [];
  readonly sessions = new Map<number, ServerMessage[]>();
  code: number | null = null;

  static async open(url: string, bearer: string | null): Promise<Link> {
    const link = new Link(url);
    await once(link.socket, 'open');
    link.socket.send(hello('link', { token: bearer, snapshots: [], codecs: ['deflate'] }));
    await until(() => expect(link.own.some(({ type }) => type === 'welcome') || link.code !== null).toBe(true));
    return link;
  }

  private constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    world.onEnd(() => this.socket.terminate());
    this.socket.on('close', (code) => {
      this.code = code;
    });
    this.socket.on('message', (bytes: Buffer, isBinary) => this.#heard(isBinary ? new Uint8Array(bytes) : bytes.toString()));
  }

  word(word: RelayWord): void {
    this.socket.send(encodeRelayWord(word, runtime));
  }

  say(session: number, text: string): void {
    this.socket.send(wrapRelayed(session, text, runtime));
  }

  of(session: number): readonly string[] {
    return (this.sessions.get(session) ?? []).map(({ type }) => type);
  }

  async join(session: number, text: string): Promise<void> {
    this.word({ type: 'relayOpen', session, address: '192.0.2.1', isLocal: true });
    this.say(session, text);
    await until(() =>
      expect([...this.of(session), ...this.words.map(({ type }) => type)]).toEqual(
        expect.arrayContaining([expect.stringMatching(/welcome|relayEnd/)]),
      ),
    );
  }

  #heard(frame: string | Uint8Array): void {
    const relayed = unwrapRelayed(frame);
    if (relayed?.session === RELAY_WORDS) {
      const word = decodeRelayWord(relayed.frame, runtime, limits);
      if (word !== null) this.words.push(word);
      return;
    }
    const message = decodeServerMessage(relayed?.frame ?? frame, runtime, limits);
    if (message === null) return;
    if (relayed === null) this.own.push(message);
    else this.sessions.set(relayed.session, [...(this.sessions.get(relayed.session) ?? []), message]);
  }
}

describe('what is relayed', () => {
  it('[FO-16] is taken of nobody but a follower: others are closed, before their hello and after it', async () => {
    const primary = await world.primary();
    for (const first of [
      encodeRelayWord({ type: 'relayOpen', session: 1, address: '', isLocal: true }, runtime),
      wrapRelayed(1, hello('x'), runtime),
    ]) {
      const client = new PlainClient(primary.url);
      await client.opened();
      client.socket.send(first);
      expect((await client.end()).code).toBe(4400);
      const guest = await PlainClient.join(primary.url, 'japan');
      guest.socket.send(first);
      expect(await guest.end()).toEqual({ code: 4400, reason: 'bad_message' });
    }
    await until(() => expect(primary.metrics().connections).toBe(0));
  });

  it('[FO-16] comes in by the user’s own token, whatever else is brought, and gets results and answers, and no rows and no states', async () => {
    const seen: unknown[] = [];
    const primary = await world.primary({
      authenticate: (given, info) => {
        seen.push([given, info.relayed, info.headers.cookie]);
        return given === 'ann' ? { sub: 'ann', list: [1] } : null;
      },
    });
    const link = await Link.open(primary.url, token);
    expect(link.own[0]).toMatchObject({ type: 'error', code: 'room_unknown' });
    await primary.rooms.create('trip', 'japan');
    const again = await Link.open(primary.url, token);
    await again.join(1, hello('tab', { token: 'ann' }));
    expect(again.words).toEqual([{ type: 'relayAccess', session: 1, user: { sub: 'ann', list: [1] }, expiresInMs: null }]);
    expect(again.sessions.get(1)?.[0]).toMatchObject({ type: 'welcome', user: { sub: 'ann' }, image: null });
    // Not the server's own follower, not somebody with a wrong token.
    for (const [at, bearer] of [token, 'eve'].entries()) {
      again.words.length = 0;
      await again.join(at + 2, hello(`tab-${at}`, { token: bearer, snapshots: [] }));
      expect(again.words).toMatchObject([{ type: 'relayEnd', session: at + 2, code: 'unauthenticated' }]);
    }
    again.say(1, JSON.stringify({ type: 'followLog', historyId: 'h', version: 0, hash: '' }));
    again.say(1, JSON.stringify({ type: 'presence', state: { name: 'Ann' } }));
    again.say(
      1,
      JSON.stringify({ type: 'push', mutations: [{ clientId: 'tab', mutationId: 1, name: 'add', args: { id: 'a', city: 'Nara' } }] }),
    );
    await until(() => expect(again.of(1)).toEqual(['welcome', 'error', 'results']));
    await until(() => expect(again.own.map(({ type }) => type)).toContain('presence'));
    again.say(1, JSON.stringify({ type: 'ping', at: 1 }));
    await until(() => expect(again.of(1)).toEqual(['welcome', 'error', 'results', 'pong']));
    expect(seen).toContainEqual(['ann', { remoteAddress: '192.0.2.1', origin: undefined }, undefined]);
  });

  it('[FO-16] under a number that is nobody’s does nothing; a number that was used, and words of the primary, end the follower’s socket', async () => {
    const primary = await world.primary();
    await primary.rooms.create('trip', 'japan');
    const link = await Link.open(primary.url, token);
    await link.join(7, hello('tab'));
    const push = JSON.stringify({
      type: 'push',
      mutations: [{ clientId: 'tab', mutationId: 1, name: 'add', args: { id: 'a', city: 'Nara' } }],
    });
    for (const session of [6, 8, 4_294_967_295]) link.say(session, push);
    link.word({ type: 'relayLeft', session: 99, clean: true });
    link.word({ type: 'relayLeft', session: 7, clean: true });
    link.say(7, push);
    link.socket.send(JSON.stringify({ type: 'ping', at: 3 }));
    await until(() => expect(link.own.map(({ type }) => type)).toContain('pong'));
    expect(link.sessions.get(7)?.map(({ type }) => type)).toEqual(['welcome']);
    expect((await primary.rooms.open('trip', 'japan')).version).toBe(0);
    expect(link.code).toBeNull();
    link.word({ type: 'relayOpen', session: 7, address: '', isLocal: true });
    await until(() => expect(link.code).toBe(4400));
    for (const word of [
      { type: 'relayEnd', session: 1, code: 'draining', message: '' },
      { type: 'relayHold', session: 1, ms: 5 },
    ] as const) {
      const other = await Link.open(primary.url, token);
      other.word(word);
      await until(() => expect(other.code).toBe(4400));
    }
    await until(() => expect(primary.metrics().connections).toBe(0));
  });

  it('[FO-16] lets nobody from elsewhere into a server that authenticates nobody', async () => {
    const primary = await world.primary();
    await primary.rooms.create('trip', 'japan');
    const link = await Link.open(primary.url, token);
    link.word({ type: 'relayOpen', session: 1, address: '192.0.2.7', isLocal: false });
    link.say(1, hello('tab'));
    await until(() => expect(link.words).toMatchObject([{ type: 'relayEnd', session: 1, code: 'unauthenticated' }]));
    const open = (isLocal: boolean) =>
      fetch(`${primary.url.replace(/^ws/, 'http')}?open=trip/new`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ token: null, address: '', isLocal }),
      });
    expect((await open(false)).status).toBe(403);
    expect(await primary.rooms.list('trip')).toEqual(['japan']);
    expect((await open(true)).status).toBe(200);
    expect(await primary.rooms.list('trip')).toEqual(['japan', 'new']);
  });

  it('[FO-17] is bounded: one session too many is told `overloaded`, on the primary and at the follower', async () => {
    const primary = await world.primary({ limits: { relaySessionsMax: 1 } });
    await primary.rooms.create('trip', 'japan');
    const follower = await world.follower(primary.url);
    const first = await PlainClient.join(follower.url, 'japan');
    const second = new PlainClient(follower.url);
    await second.opened();
    second.hello('japan');
    expect(await second.end()).toEqual({ code: 1013, reason: 'overloaded' });
    expect(await second.heard('error')).toMatchObject({ code: 'overloaded', retryAfterMs: 2_000 });
    expect(primary.metrics().limitsMet).toEqual({ relaySessionsMax: 1 });
    first.cut();
    await until(() => expect(primary.metrics()).toMatchObject({ sessions: 0, followerLinks: 1 }));
    await PlainClient.join(follower.url, 'japan');
    const narrow = await world.follower(primary.url, { limits: { sessionsMax: 1, connectionsMax: 1 } });
    const inside = new PlainClient(narrow.url);
    await inside.opened();
    const outside = new PlainClient(narrow.url);
    await outside.until(() => outside.closed !== null, 'the refusal');
    expect(narrow.metrics().limitsMet).toEqual({ connectionsMax: 1 });
    inside.cut();
  });
});

describe('one tab at a follower', () => {
  it('[FO-16] whose claims or refusal cannot be told as they are is turned away alone: nobody else loses anything', async () => {
    const primary = await world.primary({
      authenticate: (given) => {
        if (given === 'busy') throw new AlcoveError('overloaded', 'later', { retryAfterMs: 10.5 });
        return { sub: String(given), ...(given === 'half' ? { name: '\ud800' } : {}) };
      },
    });
    await primary.rooms.create('trip', 'japan');
    const follower = await world.follower(primary.url);
    const ann = await PlainClient.join(follower.url, 'japan', { token: 'ann' });
    const refused = async (bearer: string) => {
      const tab = new PlainClient(follower.url);
      await tab.opened();
      tab.hello('japan', { token: bearer });
      await tab.end();
      return tab.heard('error');
    };
    expect(await refused('busy')).toMatchObject({ code: 'overloaded', retryAfterMs: 11 });
    expect(await refused('half')).toMatchObject({ code: 'unauthenticated' });
    expect(await ann.result(ann.push('add', { id: 'a', city: 'Nara' }))).toMatchObject({ status: 'applied' });
    expect(world.log.entries.filter(({ level }) => level === 'error')).toMatchObject([
      { message: expect.stringContaining('claims'), fields: { reason: expect.stringContaining('half a surrogate') } },
    ]);
  });

  it('[FO-17] that floods the way to the primary, from many sockets, goes; a tab that says little stays, and is answered', async () => {
    const primary = await world.primary({
      authenticate: (given) => ({ sub: String(given) }),
      limits: { socketBytesPerSecondMax: 1_000_000 },
    });
    await primary.rooms.create('trip', 'japan');
    const follower = await world.follower(primary.url, { limits: { relayBacklogBytesMax: 100_000, relayBacklogBytesHard: 1_000_000 } });
    const ann = await PlainClient.join(follower.url, 'japan', { token: 'ann' });
    const hogs = await Promise.all(Array.from({ length: 12 }, () => PlainClient.join(follower.url, 'japan', { token: 'eve' })));
    for (const hog of hogs) for (const _ of [1, 2]) hog.push('add', { id: 'x', city: 3, more: 'x'.repeat(600_000) });
    await until(() => expect(hogs.map(({ closed }) => closed?.reason)).toContain('overloaded'));
    expect(await ann.result(ann.push('add', { id: 'a', city: 'Nara' }))).toMatchObject({ status: 'applied' });
    expect(new Set(hogs.map(({ closed }) => closed?.reason ?? 'in'))).not.toContain('primary_lost');
    expect(ann.closed).toBeNull();
    expect(Object.keys(follower.metrics().limitsMet).sort()).toEqual(['relayBacklogBytesHard', 'relayBacklogBytesMax']);
  });
});

describe('tokens of tabs at a follower', () => {
  const claims = (given: string | null) => {
    const [sub = '', seconds] = String(given).split('/');
    return seconds === undefined ? { sub } : { sub, exp: Math.floor(Date.now() / 1000) + Number(seconds) };
  };

  it('[FO-18] are renewed by the primary, and a session whose token has run out ends as everywhere', async () => {
    const primary = await world.primary({ authenticate: claims });
    await primary.rooms.create('trip', 'japan');
    const follower = await world.follower(primary.url);
    const [kept, ended, wrong] = await Promise.all(
      ['ann/-57', 'eve/-57', 'bob'].map((bearer) => PlainClient.join(follower.url, 'japan', { token: bearer })),
    );
    kept?.say({ type: 'auth', token: 'ann' });
    expect(await kept?.heard('user')).toMatchObject({ user: { sub: 'ann' } });
    wrong?.say({ type: 'auth', token: 'eve' });
    expect(await wrong?.end()).toEqual({ code: 4403, reason: 'forbidden' });
    expect(await ended?.end()).toEqual({ code: 4401, reason: 'unauthenticated' });
    expect(kept?.closed).toBeNull();
    const id = kept?.push('add', { id: 'a', city: 'Nara' }) ?? 0;
    expect(await kept?.result(id)).toMatchObject({ status: 'applied' });
  });

  it('[FO-18] orders to end sessions reach them as any others', async () => {
    const primary = await world.primary({ authenticate: claims });
    await primary.rooms.create('trip', 'japan');
    const follower = await world.follower(primary.url);
    const ann = await PlainClient.join(follower.url, 'japan', { token: 'ann' });
    const eve = await PlainClient.join(follower.url, 'japan', { token: 'eve' });
    const users = (await primary.sessions.list({ room: 'trip' })).map(({ user }) => user);
    expect(users).toEqual(expect.arrayContaining(['ann', 'eve']));
    expect(users).toHaveLength(2);
    expect(await primary.sessions.end({ user: 'eve' }, 'forbidden')).toBe(1);
    expect(await eve.end()).toEqual({ code: 4403, reason: 'forbidden' });
    expect(ann.closed).toBeNull();
    // All who are in a room: the follower is nobody, and hands on to its tabs what they are told.
    expect(await primary.sessions.end({ room: 'trip', id: 'japan' }, 'forbidden')).toBe(1);
    expect(await ann.end()).toEqual({ code: 4403, reason: 'forbidden' });
    expect(follower.status()[0]).toMatchObject({ phase: 'following', error: null });
    expect(world.log.entries.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
