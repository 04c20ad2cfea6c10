import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { NAUGHTY_TEXTS } from './naughty-texts.ts';
import type { PlainClient } from './plain-client.ts';
import { stops } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const IDS_REFUSED = [
  ...NAUGHTY_TEXTS.filter((text) => !/^(?!\.)[A-Za-z0-9._~-]{1,128}$/.test(text)),
  '..',
  '.',
  '.hidden',
  'a/b',
  'a\\b',
  '../x',
  '..%2fx',
  'a\0b',
  'a\0',
  'a b',
  'a:b',
  'é',
  'e\u0301',
  'x'.repeat(129),
  'x'.repeat(300),
];

describe('ids of rooms', () => {
  it('[AC-1] that are none are refused with their code, in a hello and to the server’s own code, and no file comes of them', async () => {
    const server = await host.server({ authenticate: () => ({}), dataDir: join(host.dataDir, 'deep', 'down') });
    const files = (): string[] => readdirSync(host.dataDir, { recursive: true }).map(String).sort();
    const filesBefore = files();
    for (const id of IDS_REFUSED) {
      const client = host.client(server.url);
      await client.opened();
      client.hello(id);
      expect([id, (await client.end()).code]).toEqual([id, 4400]);
      expect(client.messages).toEqual([
        expect.objectContaining({ type: 'error', code: expect.stringMatching(/^(?:room_id_invalid|bad_message)$/) as unknown }),
      ]);
      await expect(server.rooms.create('trip', id)).rejects.toMatchObject({ code: 'room_id_invalid' });
      expect(() => server.room('trip', id)).toThrowError(AlcoveError);
    }
    expect(files()).toEqual(filesBefore);
  });

  it('[AC-1] that differ in case, or look like devices, dots and escapes, are rooms of their own', async () => {
    const server = await host.server({ authenticate: () => ({}) });
    const ids = [
      'room',
      'Room',
      'ROOM',
      'CON',
      'con',
      'nul.',
      'room.',
      'room..',
      '-rf',
      '~',
      '__proto__',
      'constructor',
      'x'.repeat(128),
      'X'.repeat(128),
    ];
    for (const id of ids) await server.room('trip', id).mutate.addStop({ id: 'only', city: id });
    for (const id of ids)
      expect(await server.room('trip', id).query((db) => db.select({ city: stops.city }).from(stops))).toEqual([{ city: id }]);
    expect([...(await server.rooms.list('trip'))].sort()).toEqual([...ids].sort());
  });
});

describe('names that are none of the definition’s', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'then', "x'); --", 'é', ' '];

  it.each(NAMES)('[AC-18] %s as a mutator, a value, an ephemeral key, a room', async (name) => {
    const server = await host.server({ authenticate: () => ({}) });
    const client = await host.join(server.url, 'japan');
    expect(await client.result(client.push(name, {}))).toMatchObject({ status: 'rejected', code: 'mutator_unknown' });
    client.say({ type: 'value', name, value: 1, offer: 1 });
    await client.heard('error', ({ code, re }) => code === 'value_unknown' && re === 'value');
    client.say({ type: 'ephemeral', name, key: name, state: 1 });
    await client.heard('error', ({ code, re }) => code === 'value_unknown' && re === 'ephemeral');
    client.say({ type: 'flush', name, key: name });
    client.say({ type: 'x-nothing', [name]: { polluted: true } });
    expect(await client.result(client.push('addStop', { id: name, city: name }))).toMatchObject({ status: 'applied' });
    const other = host.client(server.url);
    await other.opened();
    other.hello('japan', { room: name });
    expect((await other.end()).code).toBe(4404);
    expect(() => server.room(name, 'japan')).toThrowError(AlcoveError);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('what nobody is to hear', () => {
  const TOKEN = 'canary-token-5f1d0c';
  const COOKIE = 'canary-cookie-81b2aa';
  const SECRET = 'canary-secret-row-77e3';
  const QUIET = [TOKEN, COOKIE, SECRET];

  /** Everything that can be done wrong by somebody who is in, and by somebody who is not. */
  async function misbehave(url: string, client: PlainClient): Promise<unknown[]> {
    const heard: unknown[] = [];
    await client.result(client.push('note', { secret: SECRET }));
    for (const [name, args] of [
      ['addStop', { id: 'a', city: null }],
      ['addStop', { id: 'a', city: 'Kyoto' }],
      ['addStop', { id: 'a', city: 'Kyoto' }],
      ['addStop', `'; DROP TABLE stops; --`],
      ['note', { secret: 5 }],
      ['addMany', { prefix: 'x', count: 1e9 }],
      ['missing', {}],
    ] as const)
      await client.result(client.push(name, args));
    for (const message of [
      { type: 'presence', state: { name: 5 } },
      { type: 'value', name: 'budget', value: 'much', offer: 1 },
      { type: 'followLog', historyId: null, version: 0 },
    ])
      client.say(message);
    const wrong = [
      '{',
      '[]',
      '{"type":"hello"}',
      '{"type":"hello","protocol":99,"room":"trip","id":"japan","clientId":"c"}',
      'x'.repeat(200_000),
    ];
    for (const text of wrong) {
      const stranger = host.client(url, { headers: { cookie: `session=${COOKIE}` } });
      await stranger.opened();
      stranger.socket.send(text);
      await stranger.end();
      heard.push(stranger.messages, stranger.closed);
    }
    client.socket.send('{"type":"push"}');
    await client.end();
    return [...heard, client.messages, client.closed];
  }

  it('[AC-19] stands in no frame, no HTTP body and no line of the log; peers are told no path, no stack and no statement', async () => {
    const server = await host.server({
      authenticate: (token) => {
        if (token === `${TOKEN}-broken`) throw new RangeError(`cannot read ${token} at ${host.dataDir}/users.db`);
        return token?.startsWith(TOKEN) === true ? { sub: 'ann' } : null;
      },
      authorize: (_, { kind }) => {
        if (kind === 'presence') throw new RangeError(`SELECT * FROM rights in ${host.dataDir}`);
        return true;
      },
      limits: { mutatorTimeBudgetMs: 200 },
    });
    const client = await host.join(server.url, 'japan', { token: TOKEN });
    const heard = await misbehave(server.url, client);
    for (const token of [`${TOKEN}-broken`, `no-${TOKEN}`, null]) {
      const stranger = host.client(server.url);
      await stranger.opened();
      stranger.hello('japan', { token });
      await stranger.end();
      heard.push(stranger.messages, stranger.closed);
    }
    const http = server.url.replace('ws:', 'http:');
    for (const path of ['', '/health', '?image=1', '/../../etc/passwd', `?token=${TOKEN}`, '/%00']) {
      const answer = await fetch(`${http}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, cookie: `session=${COOKIE}` } });
      heard.push(answer.status, [...answer.headers], await answer.text());
    }
    heard.push((await host.raw(server.url, { Origin: 'https://evil.example', Cookie: `session=${COOKIE}` })).answer);
    const told = JSON.stringify(heard);
    expect(told).toContain('mutator_unknown'); // it was heard at all
    for (const quiet of [...QUIET, host.dataDir, 'users.db', 'INSERT', 'SELECT', 'node_modules', '.ts:']) expect(told).not.toContain(quiet);
    expect(told).not.toMatch(/\\n\s+at /);
    const logged = JSON.stringify(host.log.entries);
    for (const quiet of QUIET) expect(logged).not.toContain(quiet);
  });
});
