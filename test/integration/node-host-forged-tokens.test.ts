import { createHmac, generateKeyPairSync } from 'node:crypto';
import { jwtAuthenticate } from '@alcove/server/jwt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import type { PlainClient } from './plain-client.ts';
import { stops } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const SECRET = 'a secret of the issuer and this server';
const [ISSUER, AUDIENCE] = ['https://issuer.example', 'alcove'];
const inS = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token by hand, so that every part of it can be made wrong. */
const tokenOf = (payload: object = {}, header: object = {}, secret: string = SECRET): string => {
  const said = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: inS(600), ...payload })}`;
  return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`;
};
const unsigned = (alg: string): string => tokenOf({}, { alg }).replace(/[^.]*$/, '');
const asBob = (token: string): string => token.replace(/\.[^.]*\./, `.${part({ iss: ISSUER, aud: AUDIENCE, sub: 'bob', exp: inS(600) })}.`);
const withPublicKey = (): string =>
  tokenOf({}, {}, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString());

const authenticate = jwtAuthenticate({ issuer: ISSUER, audience: AUDIENCE, secret: SECRET });

describe('JSON Web Tokens in a hello', () => {
  it.each([
    ['that has expired', tokenOf({ exp: inS(-120) })],
    ['without an end', tokenOf({ exp: undefined })],
    ['for another service', tokenOf({ aud: 'another' })],
    ['for nobody', tokenOf({ aud: undefined })],
    ['of another issuer', tokenOf({ iss: 'https://evil.example' })],
    ['that begins later', tokenOf({ nbf: inS(120) })],
    ['that was issued later', tokenOf({ iat: inS(120) })],
    ['without a signature', unsigned('HS256')],
    ['by alg none', unsigned('none')],
    ['by alg None', unsigned('None')],
    ['by an algorithm that is not allowed', tokenOf({}, { alg: 'HS512' })],
    ['signed by another secret', tokenOf({}, {}, 'another secret of somebody, long enough')],
    ['signed by a public key', withPublicKey()],
    ['with somebody else put in', asBob(tokenOf())],
    ['that names its own key', tokenOf({}, { jwk: { kty: 'oct', k: Buffer.from('mine').toString('base64url') } }, 'mine')],
    ['with a critical header nobody knows', tokenOf({}, { crit: ['b64'], b64: false })],
    ['that is none', 'null'],
    ['with a NUL in it', `${tokenOf()}\0`],
  ])('[AC-8] one %s lets nobody in, and is quoted nowhere', async (_, token) => {
    const server = await host.server({ authenticate });
    const client = host.client(server.url);
    await client.opened();
    client.hello('japan', { token });
    expect((await client.end()).code).toBe(4401);
    expect(client.messages).toEqual([expect.objectContaining({ type: 'error', code: 'unauthenticated' })]);
    const signature = token.split('.')[2] ?? '';
    const said = JSON.stringify([client.messages, client.closed, host.log.entries]);
    for (const secret of [SECRET, token.slice(0, 60), ...(signature === '' ? [] : [signature])]) expect(said).not.toContain(secret);
    expect(await server.rooms.list('trip')).toEqual([]);
  });

  it('[AC-8] a good one lets in, twice where it is used twice', async () => {
    const server = await host.server({ authenticate });
    const token = tokenOf();
    for (let at = 0; at < 2; at += 1)
      expect((await host.join(server.url, 'japan', { token })).messages[0]).toMatchObject({ type: 'welcome', user: { sub: 'ann' } });
  });
});

describe('frames that are played again', () => {
  const push = (clientId: string): object => ({
    type: 'push',
    mutations: [{ clientId, mutationId: 1, name: 'addStop', args: { id: 'a', city: 'Kyoto' } }],
  });
  const answer = async (client: PlainClient, message: object): Promise<unknown> => {
    const heard = client.messages.length;
    client.say(message);
    const fits = ({ type }: { type: string }): boolean => type === 'results' || type === 'refused' || type === 'error';
    await client.until(() => client.messages.slice(heard).some(fits) || client.closed !== null, 'an answer');
    return client.messages.slice(heard).find(fits);
  };

  it('[AC-17] do nothing twice for their own user, and nothing for another', async () => {
    const server = await host.server({ authenticate });
    const ann = await host.join(server.url, 'japan', { token: tokenOf(), groupId: 'g-ann' });
    const frame = push(ann.clientId);
    expect(await answer(ann, frame)).toMatchObject({ results: [{ status: 'applied', version: 1 }] });
    const again = await host.join(server.url, 'japan', { token: tokenOf(), groupId: 'g-ann' });
    expect(await answer(again, frame)).toMatchObject({ results: [{ status: 'duplicate', version: 1 }] });
    const bob = await host.join(server.url, 'japan', { token: tokenOf({ sub: 'bob' }) });
    expect(await answer(bob, frame)).toMatchObject({ type: 'refused', code: 'forbidden' });
    const elsewhere = await host.join(server.url, 'peru', { token: tokenOf({ sub: 'bob' }) });
    expect(await answer(elsewhere, frame)).toMatchObject({ results: [{ status: 'applied' }] }); // another room: a client of that name is bob's there
    const rows = await server.room('trip', 'japan').query((db) => db.select().from(stops));
    expect(rows).toHaveLength(1);
  });

  it('[AC-17] another user can neither come in under a client’s or group’s name nor say anything about it', async () => {
    const server = await host.server({ authenticate });
    const ann = await host.join(server.url, 'japan', { token: tokenOf(), groupId: 'g-ann' });
    await ann.result(ann.push('addStop', { id: 'a', city: 'Kyoto' }));
    for (const names of [{ clientId: ann.clientId }, { groupId: 'g-ann' }, { clientId: ann.clientId, groupId: 'g-ann' }]) {
      const thief = host.client(server.url);
      await thief.opened();
      thief.hello('japan', { token: tokenOf({ sub: 'bob' }), ...names });
      expect((await thief.end()).code).toBe(4403);
    }
    const bob = await host.join(server.url, 'japan', { token: tokenOf({ sub: 'bob' }) });
    bob.say({ type: 'heard', clientId: ann.clientId, upTo: 9 });
    bob.say({ type: 'bye', clientIds: [ann.clientId] });
    await vi.waitFor(async () => expect(await server.sessions.list({ user: 'bob' })).toEqual([]), { timeout: 20_000, interval: 5 });
    expect((await ann.result(ann.push('addStop', { id: 'b', city: 'Nara' }))).status).toBe('applied');
    expect(ann.closed).toBeNull();
  });
});
