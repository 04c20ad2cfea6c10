import type { AccessAction, Claims, RoomAddress, ServerOptions } from '@alcove/server/node';
import { AlcoveError, createServer } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guarded } from './guarded-room.ts';
import { HostFixture } from './host-fixture.ts';
import type { PlainClient } from './plain-client.ts';
import { frame } from './raw-socket.ts';
import { stops } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const authenticate = (token: string | null): Claims | null => (token === null ? null : { sub: token });
const refused = (code: string): unknown => expect.objectContaining({ code });

/** What a hello of this user comes to: `welcome`, or the whole error with the close code. */
const outcome = async (url: string, id: string, token: string): Promise<{ first: unknown; closeCode: number | null }> => {
  const client = host.client(url);
  await client.opened();
  client.hello(id, { token });
  await client.until(() => client.messages.length > 0, 'an answer');
  const [first] = client.messages;
  if (first?.type === 'welcome') return { first: 'welcome', closeCode: null };
  return { first, closeCode: (await client.end()).code };
};

describe('making and listing rooms', () => {
  const owns = (claims: Claims | null, id: string): boolean => id.startsWith(`${claims?.sub}-`);
  const authorize = (claims: Claims | null, action: AccessAction, { id }: RoomAddress): boolean | Promise<boolean> =>
    action.kind === 'create' ? Promise.resolve(owns(claims, id)) : action.kind !== 'list' || owns(claims, id);

  it('[AC-11] a join makes a room where authorize says so; else there is none', async () => {
    const server = await host.server({ authenticate, authorize });
    expect(await outcome(server.url, 'bob-1', 'ann')).toMatchObject({ first: { code: 'room_unknown' }, closeCode: 4404 });
    expect(await server.rooms.list('trip')).toEqual([]);
    expect(await outcome(server.url, 'ann-1', 'ann')).toMatchObject({ first: 'welcome' });
    expect(await outcome(server.url, 'ann-1', 'bob')).toMatchObject({ first: 'welcome' });
    expect(await server.rooms.list('trip')).toEqual(['ann-1']);
  });

  it('[AC-11] nobody makes one by joining where the server does not, whatever authorize says', async () => {
    const server = await host.server({ authenticate, authorize: () => true, createOnJoin: false });
    expect(await outcome(server.url, 'ann-1', 'ann')).toMatchObject({ closeCode: 4404 });
    expect(await server.rooms.list('trip')).toEqual([]);
  });

  it('[AC-11] rooms.create asks for the user it is called for, and nobody else', async () => {
    const server = await host.server({ authenticate, authorize });
    await expect(server.rooms.create('trip', 'bob-1', { user: { sub: 'ann' } })).rejects.toThrowError(refused('forbidden') as Error);
    await expect(server.rooms.create('trip', 'bob-1', { user: null })).rejects.toThrowError(refused('forbidden') as Error);
    expect(await server.rooms.list('trip')).toEqual([]);
    await server.rooms.create('trip', 'ann-1', { user: { sub: 'ann' } });
    await server.rooms.create('trip', 'bob-1');
    expect(await server.rooms.list('trip')).toEqual(['ann-1', 'bob-1']);
  });

  it('[AC-11] a list for a user leaves out what they may not see, and is as long as asked for all the same', async () => {
    const server = await host.server({ authenticate, authorize });
    for (let at = 0; at < 40; at += 1) await server.rooms.create('trip', `${at % 8 === 0 ? 'ann' : 'bob'}-${String(at).padStart(2, '0')}`);
    const user = { sub: 'ann' };
    expect(await server.rooms.list('trip', { user })).toEqual(['ann-00', 'ann-08', 'ann-16', 'ann-24', 'ann-32']);
    expect(await server.rooms.list('trip', { user, limit: 2, after: 'ann-00' })).toEqual(['ann-08', 'ann-16']);
    expect(await server.rooms.list('trip', { user, prefix: 'bob' })).toEqual([]);
    expect(await server.rooms.list('trip', { user: { sub: 'bob' }, limit: 1 })).toEqual(['bob-01']);
    expect(await server.rooms.list('trip', { user: null })).toEqual([]);
    await expect(server.rooms.list('trip', { user, limit: 0 })).rejects.toThrowError(refused('option_invalid') as Error);
  });
});

describe('rooms that somebody may not open', () => {
  it('[AC-16] are told in the same bytes whether they are there or not, and nothing of them is touched', async () => {
    const server = await host.server({ authenticate, authorize: (claims, { kind }) => kind !== 'open' || claims?.sub === 'ann' });
    await server.rooms.create('trip', 'there');
    const there = await outcome(server.url, 'there', 'bob');
    const missing = await outcome(server.url, 'missing', 'bob');
    expect(missing).toEqual(there);
    expect(there).toEqual({ first: { type: 'error', code: 'forbidden', message: 'this user may not open this room' }, closeCode: 4403 });
    expect(await server.rooms.list('trip')).toEqual(['there']);
  });
});

describe('sessions that the server ends', () => {
  const joined = async (url: string, id: string, token: string): Promise<PlainClient> => host.join(url, id, { token });
  const closeCode = async (client: PlainClient): Promise<number> => (await client.end()).code;

  it('[AC-12] by user, room and session, with the code that says what follows; the others go on', async () => {
    const server = await host.server({ authenticate });
    const ann = await joined(server.url, 'japan', 'ann');
    const annAway = await joined(server.url, 'peru', 'ann');
    const bob = await joined(server.url, 'japan', 'bob');
    const listed = await server.sessions.list({ user: 'ann' });
    expect([...listed].sort((a, b) => a.id.localeCompare(b.id))).toEqual([
      { user: 'ann', room: 'trip', id: 'japan', session: ann.messages[0]?.['sessionId'] },
      { user: 'ann', room: 'trip', id: 'peru', session: annAway.messages[0]?.['sessionId'] },
    ]);
    expect(await server.sessions.end({ user: 'ann', id: 'japan' }, 'forbidden')).toBe(1);
    expect(await closeCode(ann)).toBe(4403);
    expect(await server.sessions.end({ session: String(annAway.messages[0]?.['sessionId']) })).toBe(1);
    expect(await closeCode(annAway)).toBe(4401);
    expect(await server.sessions.list({ room: 'trip' })).toHaveLength(1);
    expect((await bob.result(bob.push('addStop', { id: 'b', city: 'Nara' }))).status).toBe('applied');
    expect(await server.sessions.end({ user: 'nobody' })).toBe(0);
    expect(bob.closed).toBeNull();
  });

  it('[AC-12] what would end everybody by a slip is refused', async () => {
    const server = await host.server({ authenticate });
    for (const filter of [{}, { user: undefined }]) {
      await expect(server.sessions.end(filter as never)).rejects.toThrowError(refused('option_invalid') as Error);
      await expect(server.sessions.list(filter as never)).rejects.toThrowError(refused('option_invalid') as Error);
    }
    await expect(server.sessions.end({ user: 'ann' }, 'closed' as never)).rejects.toThrowError(refused('option_invalid') as Error);
  });

  it('[AC-12] somebody who is being let in at that moment is turned away, whatever was found out before', async () => {
    const waiting: (() => void)[] = [];
    const slow: NonNullable<ServerOptions['authenticate']> = async (token) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { sub: token ?? '' };
    };
    const server = await host.server({ authenticate: slow });
    const [ann, bob] = [host.client(server.url), host.client(server.url)];
    for (const [client, token] of [
      [ann, 'ann'],
      [bob, 'bob'],
    ] as const) {
      await client.opened();
      client.hello('japan', { token });
    }
    await ann.until(() => waiting.length === 2, 'both to be authenticated');
    expect(await server.sessions.end({ user: 'ann' }, 'forbidden')).toBe(0);
    for (const resolve of waiting) resolve();
    expect(await closeCode(ann)).toBe(4403);
    await bob.heard('welcome');
  });

  it('[AC-12] a fresh token that was being verified does not save the session', async () => {
    const waiting: (() => void)[] = [];
    const server = await host.server({
      authenticate: async (token) => {
        if (token === 'fresh') await new Promise<void>((resolve) => waiting.push(resolve));
        return { sub: 'ann' };
      },
    });
    const ann = await joined(server.url, 'japan', 'ann');
    ann.say({ type: 'auth', token: 'fresh' });
    await ann.until(() => waiting.length === 1, 'the token to be looked at');
    expect(await server.sessions.end({ user: 'ann' })).toBe(1);
    for (const resolve of waiting) resolve();
    expect(await closeCode(ann)).toBe(4401);
    expect(ann.messages.filter(({ type }) => type === 'user')).toEqual([]);
  });

  it('[AC-13] what they had pushed and was not run does not run', async () => {
    const ended: Promise<number>[] = [];
    const server = await host.server({
      authenticate,
      authorize: (_, { kind }) => {
        // Behind the push in one piece, so before the flush: what has come in is committed once all of it was read.
        if (kind === 'presence') queueMicrotask(() => void ended.push(server.sessions.end({ user: 'ann' }, 'forbidden')));
        return true;
      },
    });
    const { raw } = await host.raw(server.url);
    const say = (...messages: object[]): void => raw.write(Buffer.concat(messages.map((message) => frame(1, JSON.stringify(message)))));
    const clientId = 'c-ann';
    const push = (mutationId: number, id: string): object => ({
      type: 'push',
      mutations: [{ clientId, mutationId, name: 'addStop', args: { id, city: 'Kyoto' } }],
    });
    say({ type: 'hello', protocol: 1, room: 'trip', id: 'japan', clientId, token: 'ann' });
    await raw.until(() => raw.texts().some((text) => text.includes('welcome')));
    say(push(1, 'before'));
    await raw.until(() => raw.texts().some((text) => text.includes('"results"')));
    say(push(2, 'late'), push(3, 'later'), { type: 'presence', state: { name: 'Ann' } });
    expect(await raw.closeCode()).toBe(4403);
    expect(await Promise.all(ended)).toEqual([1]);
    expect(await server.room('trip', 'japan').query((db) => db.select({ id: stops.id }).from(stops))).toEqual([{ id: 'before' }]);
  });
});

describe('a fresh token that cannot be verified now', () => {
  it('[AC-14] leaves the session as it is, and is verified again later', async () => {
    let keys: 'there' | 'gone' = 'there';
    const begun: string[] = [];
    const server = await host.server({
      authenticate: (token) => {
        begun.push(token ?? '');
        if (keys === 'gone') throw new AlcoveError('overloaded', 'the keys cannot be had', { retryAfterMs: 1 });
        return { sub: 'ann', token: token ?? '' };
      },
    });
    const ann = await host.join(server.url, 'japan', { token: 'first' });
    keys = 'gone';
    ann.say({ type: 'auth', token: 'fresh' });
    await ann.until(() => begun.length >= 2, 'the token to be looked at');
    expect((await ann.result(ann.push('addStop', { id: 'a', city: 'Kyoto' }))).status).toBe('applied');
    keys = 'there';
    await ann.heard('user', ({ user }) => (user as { token: string }).token === 'fresh');
    expect(begun.slice(1).every((token) => token === 'fresh')).toBe(true);
    expect(ann.closed).toBeNull();
    // Of somebody who comes anew nothing is known: they are told, and come again.
    keys = 'gone';
    expect(await outcome(server.url, 'japan', 'bob')).toMatchObject({ closeCode: 1013 });
  });

  it('[AC-14] until the present one runs out', async () => {
    let keys: 'there' | 'gone' = 'there';
    const server = await host.server({
      authenticate: () => {
        if (keys === 'gone') throw new AlcoveError('overloaded', 'the keys cannot be had', { retryAfterMs: 1 });
        return { sub: 'ann', exp: Date.now() / 1000 - 58.5 }; // within the tolerance of clocks, for 1.5 s
      },
    });
    const ann = await host.join(server.url, 'japan', { token: 'first' });
    keys = 'gone';
    ann.say({ type: 'auth', token: 'fresh' });
    expect((await ann.end()).code).toBe(4401);
  });
});

describe('claims that would mean something else than they seem', () => {
  const inMs = Date.now() + 60_000;
  it.each([['ann'], [{ sub: 5 }], [{ sub: 'ann', exp: '2030-01-01' }], [{ sub: 'ann', exp: Number.NaN }], [{ exp: inMs }], [undefined]])(
    '[AC-31] are a refusal, and a line in the log: %o',
    async (claims) => {
      const server = await host.server({ authenticate: () => claims as never });
      expect(await outcome(server.url, 'japan', 'token')).toMatchObject({ first: { code: 'unauthenticated' }, closeCode: 4401 });
      expect(host.log.entries.some(({ message }) => message.includes('which counts as a refusal'))).toBe(true);
    },
  );

  it('[AC-31] say so where the end is in milliseconds', async () => {
    const server = await host.server({ authenticate: () => ({ sub: 'ann', exp: inMs }) });
    expect(await outcome(server.url, 'japan', 'token')).toMatchObject({ first: { code: 'unauthenticated' }, closeCode: 4401 });
    expect(host.log.entries.map(({ message }) => message)).toContain(
      'authenticate gave claims with an `exp` in milliseconds, it seems: it is in seconds, which counts as a refusal',
    );
  });
});

describe('an authorize that forgets to answer', () => {
  it('[AC-30] says no, and the log says for what', async () => {
    const server = await host.server({ authenticate, authorize: () => undefined as never });
    expect(await outcome(server.url, 'japan', 'ann')).toMatchObject({ first: { code: 'forbidden' }, closeCode: 4403 });
    expect(await outcome(server.url, 'japan', 'ann')).toMatchObject({ closeCode: 4403 });
    const told = host.log.entries.filter(({ message }) => message.startsWith('authorize answered'));
    expect(told).toMatchObject([
      { message: "authorize answered undefined for { kind: 'open' }, which counts as no", fields: { kind: 'open' } },
    ]);
  });
});

describe('a server without authenticate', () => {
  const told = (start: string): unknown[] => host.log.entries.filter(({ message }) => message.startsWith(start));

  it('[AC-32] says once that tokens are not looked at, where one is brought', async () => {
    const server = await host.server();
    await host.join(server.url, 'japan');
    expect(told('a client brought a token')).toEqual([]);
    for (const token of ['one', 'two']) await host.join(server.url, 'japan', { token });
    expect(told('a client brought a token')).toMatchObject([{ level: 'info' }]);
    expect(JSON.stringify(host.log.entries)).not.toContain('two');
  });

  it('[AC-32] says at its start of which rooms the rules see no claims', async () => {
    await host.server();
    expect(told('the row rules')).toEqual([]);
    const options = { rooms: [guarded], port: 0, signals: false, log: host.log };
    host.add(await createServer({ ...options, dataDir: `${host.dataDir}/open` }));
    expect(told('the row rules')).toMatchObject([{ level: 'info', fields: { room: 'guarded' } }]);
    host.add(await createServer({ ...options, dataDir: `${host.dataDir}/closed`, authenticate }));
    expect(told('the row rules')).toHaveLength(1);
  });
});

describe('claims whose end is past', () => {
  const inS = (seconds: number): number => Date.now() / 1000 + seconds;

  it('[AC-28] let nobody in, however they were verified, and make no room', async () => {
    let exp = inS(-61);
    const server = await host.server({ authenticate: () => ({ sub: 'ann', exp }) });
    expect(await outcome(server.url, 'japan', 'token')).toMatchObject({ first: { code: 'unauthenticated' }, closeCode: 4401 });
    expect(await server.rooms.list('trip')).toEqual([]);
    exp = inS(-30); // clocks may differ
    expect(await outcome(server.url, 'japan', 'token')).toMatchObject({ first: 'welcome' });
  });

  it('[AC-28] end a session that brings them as a fresh token', async () => {
    const server = await host.server({ authenticate: (token) => ({ sub: 'ann', exp: inS(token === 'old' ? -61 : 600) }) });
    const ann = await host.join(server.url, 'japan', { token: 'good' });
    ann.say({ type: 'auth', token: 'old' });
    expect((await ann.end()).code).toBe(4401);
  });
});

describe('cookies of the request for a socket', () => {
  const cookieSeen = async (server: { url: string }, headers: Record<string, string>, seen: () => unknown): Promise<unknown> => {
    const client = host.client(server.url, { headers: { cookie: 'session=ann', ...headers } });
    await client.opened();
    client.hello('japan');
    await client.until(() => client.messages.length > 0, 'an answer');
    return seen();
  };

  it.each([
    ['a page of the host it asks', undefined, 'self', 'session=ann'],
    ['an origin that is listed', ['https://app.example'], 'https://app.example', 'session=ann'],
    ['a peer without an origin', undefined, undefined, undefined],
    ['any page, where all may connect', ['*'], 'https://evil.example', undefined],
    ['a page that hides its origin, where such may connect', ['null'], 'null', undefined],
  ])('[AC-15] of %s', async (_, origins, origin, expected) => {
    let cookie: unknown = 'not asked';
    const server = await host.server({
      ...(origins === undefined ? {} : { origins }),
      authenticate: (_token, { headers }) => {
        cookie = headers.cookie;
        return { sub: 'ann' };
      },
    });
    const own = origin === 'self' ? `http://${new URL(server.url).host}` : origin;
    expect(await cookieSeen(server, own === undefined ? {} : { origin: own }, () => cookie)).toBe(expected);
  });
});
