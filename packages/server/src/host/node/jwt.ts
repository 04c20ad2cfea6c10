import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { kindOf, type KeysOf, refuseUnknownKeys } from '@alcove/core/unknown-keys';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';

/** Whom to believe, and what. Exactly one of `jwksUrl`, `jwks` and `secret` says by which keys. */
export interface JwtOptions {
  /** The token's `iss`, to the letter. */
  readonly issuer: string;
  /** What the token's `aud` has to name, or one of which: a token that was made for another service is none for this one. */
  readonly audience: string | readonly string[];
  /**
   * Where the issuer publishes its public keys (`https://…/.well-known/jwks.json`). Fetched when the first token comes and kept for ten minutes; a key that is not
   * among them is looked for again twice a minute at most, so that keys may be changed and a flood of made-up tokens asks the issuer nothing.
   */
  readonly jwksUrl?: string | URL;
  /** The public keys themselves. */
  readonly jwks?: JSONWebKeySet;
  /** What issuer and server both know: at least 32 bytes (as text in UTF-8). */
  readonly secret?: string | Uint8Array;
  /** Of signatures. Default: `HS256` with a `secret`, else `RS256`, `ES256` and `EdDSA`. What is not among them is refused, `none` always. */
  readonly algorithms?: readonly string[];
  /** By how much the clocks of issuer and server may differ, in s, 0 to 300. Default: 60. */
  readonly clockToleranceS?: number;
  /** What of the payload the app's rules look at. Default: all of it. `sub` and `exp` are taken from the token whatever it says. */
  claims?(payload: Claims): Claims;
}

const JWT_OPTIONS: KeysOf<JwtOptions> = {
  issuer: true,
  audience: true,
  jwksUrl: true,
  jwks: true,
  secret: true,
  algorithms: true,
  clockToleranceS: true,
  claims: true,
};

const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const SECRET_BYTES_MIN = 32;
const FETCH_MS_MAX = 5_000;
/** While the issuer cannot be reached. */
const RETRY_AFTER_MS = 5_000;

/**
 * An `authenticate` for JSON Web Tokens (RFC 7519). A token needs `iss`, `aud`, `sub` and `exp` besides a signature that is right; `nbf` and `iat` count where they
 * are there. What is wrong with one is told as `unauthenticated`, without quoting it; that the issuer's keys cannot be had, as `overloaded`: the token may be good,
 * and the client comes again.
 * @throws AlcoveError `option_invalid`
 */
export function jwtAuthenticate(options: JwtOptions): (token: string | null) => Promise<Claims> {
  refuseUnknownKeys('option_invalid', 'jwtAuthenticate', options, JWT_OPTIONS);
  const { issuer, audience, clockToleranceS: clockTolerance = 60 } = options;
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  if (typeof issuer !== 'string' || issuer === '') throw invalid('issuer', 'the text that the tokens have as `iss`', issuer);
  if (audiences.length === 0 || audiences.some((one) => typeof one !== 'string' || one === ''))
    throw invalid('audience', 'a text, or several', audience);
  if (!(clockTolerance >= 0 && clockTolerance <= 300)) throw invalid('clockToleranceS', 'between 0 and 300 s', clockTolerance);
  if (options.claims !== undefined && typeof options.claims !== 'function')
    throw invalid('claims', 'a function of the payload', kindOf(options.claims));
  const key = keyOf(options);
  const algorithms = algorithmsOf(options);
  return async (token) => {
    if (token === null) throw new AlcoveError('unauthenticated', 'no token was sent');
    const payload = await verified(token, key, {
      issuer,
      audience: audiences.map(String),
      algorithms,
      clockTolerance,
      requiredClaims: ['sub', 'exp'],
    });
    const { sub, exp, iat } = payload;
    if (iat !== undefined && iat > Date.now() / 1000 + clockTolerance) throw notYet();
    if (typeof sub !== 'string' || sub === '') throw new AlcoveError('unauthenticated', 'the token was not accepted: its `sub` is no text');
    const own = payload as Claims; // it was parsed from JSON
    return { ...(options.claims?.(own) ?? own), sub, ...(exp === undefined ? {} : { exp }) };
  };
}

async function verified(token: string, key: JWTVerifyGetKey, options: Parameters<typeof jwtVerify>[2]): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (cause) {
    const why = faultOf(cause);
    if (why !== null) throw new AlcoveError('unauthenticated', `the token was not accepted: ${why}`, { cause });
    throw new AlcoveError('overloaded', 'the keys that tokens are verified by cannot be had now', { retryAfterMs: RETRY_AFTER_MS, cause });
  }
}

/** jose looks at `iat` only where a token's age is bounded. One from the future was made up, or by a clock that cannot be believed. */
const notYet = (): AlcoveError => new AlcoveError('unauthenticated', 'the token was not accepted: its `iat` is in the future');

/** What is wrong with the token; null: it was not the token. */
function faultOf(error: unknown): string | null {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its \`${error.claim}\` is missing, or not what it has to be`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is signed by an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'no key of the issuer is its key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  const isMalformed = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSENotSupported, errors.JWKInvalid].some(
    (kind) => error instanceof kind,
  );
  return isMalformed ? 'it is no signed token that can be read' : null;
}

function keyOf({ jwksUrl, jwks, secret }: JwtOptions): JWTVerifyGetKey {
  const given = [jwksUrl, jwks, secret].filter((one) => one !== undefined).length;
  if (given !== 1) throw new AlcoveError('option_invalid', `${given} of jwksUrl, jwks and secret are given; it has to be one of them`);
  if (jwksUrl !== undefined)
    return createRemoteJWKSet(checkedUrl(jwksUrl), { timeoutDuration: FETCH_MS_MAX, cooldownDuration: 30_000, cacheMaxAge: 600_000 });
  if (jwks !== undefined) return localKeys(jwks);
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : (secret ?? new Uint8Array());
  if (bytes.length < SECRET_BYTES_MIN) throw invalid('secret', `at least ${SECRET_BYTES_MIN} bytes long`, `${bytes.length} bytes`);
  return async () => bytes;
}

function localKeys(jwks: JSONWebKeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(jwks);
  } catch (cause) {
    throw new AlcoveError('option_invalid', 'jwks is no set of keys: { keys: [{ kty, … }, …] }', { cause });
  }
}

/** Whoever answers there says who everybody is: in the clear only on this machine. */
function checkedUrl(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : null;
  const isHere = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isHere)))
    throw invalid('jwksUrl', 'an https: address (http: on this machine)', String(given));
  return url;
}

/** A public key that is taken for a secret would let everybody sign. */
function algorithmsOf({ algorithms, secret }: JwtOptions): string[] {
  const allowed = [...(algorithms ?? (secret === undefined ? PUBLIC_KEY_ALGORITHMS : ['HS256']))];
  const isForSecrets = (name: string): boolean => name.startsWith('HS');
  const wrong = allowed.find((name) => name.toLowerCase() === 'none' || isForSecrets(name) !== (secret !== undefined));
  if (allowed.length === 0 || wrong !== undefined)
    throw invalid(
      'algorithms',
      secret === undefined ? 'some of public keys, as RS256, ES256, EdDSA' : 'some of HS256, HS384, HS512',
      wrong ?? '[]',
    );
  return allowed;
}

const invalid = (option: string, wanted: string, given: unknown): AlcoveError =>
  new AlcoveError('option_invalid', `${option} has to be ${wanted}, and is ${JSON.stringify(given)}`);
