import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { jwtAuthenticate, type JwtOptions } from './jwt.ts';

const ISSUER = 'https://login.example';
const AUDIENCE = 'trips';

/** An issuer with one key; `jwk` is the public half. */
async function issuer(kid: string, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  const sign = (payload: Readonly<Record<string, unknown>> = {}, header: { kid?: string } = {}): Promise<string> =>
    new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: inS(600), ...payload })
      .setProtectedHeader({ alg, kid: header.kid ?? kid })
      .sign(privateKey);
  return { jwk, sign };
}

const inS = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'unauthenticated', message: expect.stringMatching(message) as unknown });
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('tokens against keys at hand', async () => {
  const ours = await issuer('one');
  const options = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [ours.jwk] } };
  const authenticate = jwtAuthenticate(options);

  it('[AC-8] a good one is its claims', async () => {
    const claims = await authenticate(await ours.sign({ role: 'guide', teams: ['a', 'b'] }));
    expect(claims).toMatchObject({ sub: 'ann', role: 'guide', teams: ['a', 'b'], iss: ISSUER });
    expect(await authenticate(await ours.sign({ aud: ['others', AUDIENCE] }))).toMatchObject({ sub: 'ann' });
  });

  it('[AC-8] of the claims the app takes what it wants; who it is and for how long stays', async () => {
    const chosen = jwtAuthenticate({ ...options, claims: ({ role }) => ({ role: role ?? null, sub: 'somebody else', exp: 0 }) });
    const exp = inS(600);
    expect(await chosen(await ours.sign({ role: 'guide', email: 'ann@example.org', exp }))).toEqual({ role: 'guide', sub: 'ann', exp });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['that has expired', { exp: inS(-61) }, /has expired$/],
    ['that is not valid yet', { nbf: inS(120) }, /`nbf`/],
    ['that was issued in the future', { iat: inS(120) }, /`iat`/],
    ['of another issuer', { iss: 'https://login.example.evil' }, /`iss`/],
    ['for another service', { aud: 'invoices' }, /`aud`/],
    ['for nobody', { aud: undefined }, /`aud`/],
    ['without an end', { exp: undefined }, /`exp`/],
    ['of nobody', { sub: undefined }, /`sub`/],
    ['of nobody by name', { sub: '' }, /`sub`/],
  ])('[AC-8] one %s is refused', async (_what, payload, why) => {
    await expect(authenticate(await ours.sign(payload))).rejects.toEqual(refused(why));
  });

  it('[AC-8] clocks may differ by a minute, either way', async () => {
    expect(await authenticate(await ours.sign({ exp: inS(-50) }))).toMatchObject({ sub: 'ann' });
    expect(await authenticate(await ours.sign({ nbf: inS(50), iat: inS(50) }))).toMatchObject({ sub: 'ann' });
    const exact = jwtAuthenticate({ ...options, clockToleranceS: 0 });
    await expect(exact(await ours.sign({ exp: inS(-2) }))).rejects.toEqual(refused(/expired/));
  });

  it('[AC-8] one that somebody else signed, under the name of the key too, or changed, or did not sign, is refused', async () => {
    const other = await issuer('other');
    await expect(authenticate(await other.sign())).rejects.toEqual(refused(/no key of the issuer/));
    await expect(authenticate(await other.sign({}, { kid: 'one' }))).rejects.toEqual(refused(/signature is wrong/));
    const [header = '', , signature = ''] = (await ours.sign()).split('.');
    const changed = base64({ iss: ISSUER, aud: AUDIENCE, sub: 'bob', exp: inS(600) });
    await expect(authenticate(`${header}.${changed}.${signature}`)).rejects.toEqual(refused(/signature is wrong/));
    for (const alg of ['none', 'None', 'NONE'])
      await expect(authenticate(`${base64({ alg })}.${changed}.`)).rejects.toEqual(refused(/algorithm|can be read/));
    for (const text of ['', 'x', 'a.b.c', '..', `${header}..${signature}`, '🙂'.repeat(50)])
      await expect(authenticate(text)).rejects.toEqual(refused(/not accepted/));
    await expect(authenticate(null)).rejects.toEqual(refused(/no token/));
  });

  it('[AC-8] one signed with the public key as if it were a secret is refused', async () => {
    const rsa = await issuer('rsa', 'RS256');
    const published = new TextEncoder().encode(JSON.stringify(rsa.jwk));
    const forged = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: inS(600) })
      .setProtectedHeader({ alg: 'HS256', kid: 'rsa' })
      .sign(published);
    const believing = jwtAuthenticate({ ...options, jwks: { keys: [rsa.jwk] } });
    await expect(believing(forged)).rejects.toEqual(refused(/algorithm/));
    expect(await believing(await rsa.sign())).toMatchObject({ sub: 'ann' });
    await expect(jwtAuthenticate({ ...options, algorithms: ['RS256'] })(await ours.sign())).rejects.toEqual(refused(/algorithm/));
  });

  it('[AC-8] what is refused is not quoted', async () => {
    const other = await issuer('other');
    const token = await other.sign({ email: 'canary@example.org' });
    const error: unknown = await authenticate(token).catch((thrown: unknown) => thrown);
    expect(String(error)).not.toContain(token.slice(0, 20));
    expect(String(error)).not.toContain('canary');
  });

  it('[AC-8] a secret that both know', async () => {
    const secret = 'a secret of at least thirty-two bytes';
    const shared = jwtAuthenticate({ issuer: ISSUER, audience: AUDIENCE, secret });
    const sign = (by: string): Promise<string> =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: inS(600) })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(by));
    expect(await shared(await sign(secret))).toMatchObject({ sub: 'ann' });
    await expect(shared(await sign(`${secret}.`))).rejects.toEqual(refused(/signature/));
  });
});

describe('keys that are fetched', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  /** The issuer's page of keys; `keys` null: it fails. */
  async function published(keys: object[] | null) {
    const page = { keys, asked: 0, url: '' };
    const http = createServer((_request, response) => {
      page.asked += 1;
      response.writeHead(page.keys === null ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: page.keys ?? [] }));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    closing.push(() => http.close());
    page.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks.json`; // it listens on a port
    return page;
  }

  it('[AC-9] are fetched once for many tokens, and no more often for tokens of unknown keys', async () => {
    const [ours, other] = [await issuer('one'), await issuer('other')];
    const page = await published([ours.jwk]);
    const authenticate = jwtAuthenticate({ issuer: ISSUER, audience: AUDIENCE, jwksUrl: page.url });
    expect(page.asked).toBe(0);
    const token = await ours.sign();
    expect(await Promise.all([authenticate(token), authenticate(token), authenticate(token)])).toHaveLength(3);
    for (let time = 0; time < 20; time += 1) await expect(authenticate(await other.sign())).rejects.toEqual(refused(/no key/));
    expect(page.asked).toBe(1);
  });

  it('[AC-9] that cannot be had are not the token’s fault: the client comes again, and is let in then', async () => {
    const ours = await issuer('one');
    const page = await published(null);
    const authenticate = jwtAuthenticate({ issuer: ISSUER, audience: AUDIENCE, jwksUrl: page.url });
    const token = await ours.sign();
    await expect(authenticate(token)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 5_000 });
    page.keys = [ours.jwk];
    expect(await authenticate(token)).toMatchObject({ sub: 'ann' });
  });

  it('[AC-9] whoever publishes none that fits is told so', async () => {
    const page = await published([]);
    const authenticate = jwtAuthenticate({ issuer: ISSUER, audience: AUDIENCE, jwksUrl: new URL(page.url) });
    await expect(authenticate(await (await issuer('one')).sign())).rejects.toEqual(refused(/no key/));
  });
});

describe('options', () => {
  const good: JwtOptions = { issuer: ISSUER, audience: AUDIENCE, jwksUrl: 'https://login.example/jwks.json' };

  it('[AC-8] that are whole', () => {
    expect(jwtAuthenticate(good)).toBeTypeOf('function');
    expect(jwtAuthenticate({ ...good, jwksUrl: 'http://localhost:3000/jwks.json' })).toBeTypeOf('function');
  });

  it.each<[string, object]>([
    ['issuer', { issuer: '' }],
    ['audience', { audience: [] }],
    ['audience', { audience: ['a', ''] }],
    ['jwksUrl', { jwksUrl: 'http://login.example/jwks.json' }],
    ['jwksUrl', { jwksUrl: 'jwks.json' }],
    ['of jwksUrl, jwks and secret', { jwksUrl: undefined }],
    ['of jwksUrl, jwks and secret', { secret: 'x'.repeat(40) }],
    ['secret', { jwksUrl: undefined, secret: 'short' }],
    ['jwks', { jwksUrl: undefined, jwks: { keys: 'none' } }],
    ['algorithms', { algorithms: ['none'] }],
    ['algorithms', { algorithms: ['ES256', 'HS256'] }],
    ['algorithms', { algorithms: [] }],
    ['algorithms', { jwksUrl: undefined, secret: 'x'.repeat(40), algorithms: ['RS256'] }],
    ['clockToleranceS', { clockToleranceS: 301 }],
    ['clockToleranceS', { clockToleranceS: Number.NaN }],
  ])('[AC-8] a wrong %s is refused when the server is made: %j', (name, wrong) => {
    const made = (): unknown => jwtAuthenticate({ ...good, ...wrong });
    expect(made).toThrowError(expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(name) as unknown }));
  });

  it.each<[unknown, string]>([
    [undefined, 'jwtAuthenticate takes an object of options, and got undefined'],
    ['https://login.example', 'jwtAuthenticate takes an object of options, and got "https://login.example"'],
    [{ ...good, audiences: ['a'] }, 'jwtAuthenticate takes no "audiences": did you mean audience?'],
    [{ ...good, clockTolerance: 5 }, 'did you mean clockToleranceS?'],
    [{ ...good, audience: undefined }, 'audience has to be a text, or several'],
    [{ ...good, claims: 'sub' }, 'claims has to be a function of the payload'],
  ])('[HO-35] %j is refused: what nobody reads would be believed in', (given, message) => {
    expect(() => Reflect.apply(jwtAuthenticate, undefined, [given])).toThrow(
      expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(message) as unknown }),
    );
  });
});
