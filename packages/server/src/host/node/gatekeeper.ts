import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { isObject, kindOf } from '@alcove/core/unknown-keys';
import type { RoomAccess } from '../../access/access.ts';
import type { Gatekeeper } from '../../access/front.ts';
import type { RoomAddress } from '../../room/room-directory.ts';
import type { ConnectionInfo, ResolvedServerOptions } from './server-options.ts';

/** Verifiers allow clocks to differ by so much; a token they accept is not cut off at once. */
const EXPIRY_LEEWAY_MS = 60_000;

/** In the year 5138. As milliseconds it was in 1973: no session that is given one ends by then, and none is meant to last until that year. */
const EXPIRY_SECONDS_MAX = 1e11;

export type AppRules = Pick<ResolvedServerOptions, 'authenticate' | 'authorize'>;

/** The app's `authenticate` and `authorize` (heard by `heardAuthorize`) as they are asked about one room. */
export const gatekeeperOf = (rules: AppRules, runtime: Runtime, address: RoomAddress, info: ConnectionInfo): Gatekeeper => ({
  authenticate: async (token) => {
    if (rules.authenticate === null) return null;
    const claims = await rules.authenticate(token, info);
    if (claims === null) throw new AlcoveError('unauthenticated', 'the token was not accepted');
    const fault = faultIn(claims);
    if (fault !== null) {
      runtime.log.error(`authenticate gave ${fault}, which counts as a refusal`);
      throw new AlcoveError('unauthenticated', 'the token was not accepted');
    }
    // Let in, its session would end with the next tick, and come again with the same token for ever.
    if ((leftMs(claims, runtime) ?? 1) <= 0) throw new AlcoveError('unauthenticated', 'the token has expired');
    return claims;
  },
  may: mayOf(rules, address),
  accessOf: (claims) => accessOf(rules, runtime, claims, address),
});

/** What of claims would mean something else than it seems: two users taken for one, a session that never ends. From plain JavaScript anything may come. */
function faultIn(claims: unknown): string | null {
  if (!isObject(claims)) return kindOf(claims);
  const { sub, exp } = claims as { readonly sub?: unknown; readonly exp?: unknown }; // looked at in the next two lines
  if (sub !== undefined && typeof sub !== 'string') return 'claims with a `sub` that is no text';
  if (exp === undefined) return null;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'claims with an `exp` that is no number of seconds';
  return exp > EXPIRY_SECONDS_MAX ? 'claims with an `exp` in milliseconds, it seems: it is in seconds' : null;
}

/** For calls of the server's own code on behalf of a user. */
export const mayOf =
  ({ authorize }: AppRules, address: RoomAddress): Gatekeeper['may'] =>
  (claims, action) =>
    authorize === null || authorize(claims, action, address);

/** How long claims are still good; null: they name no end. */
function leftMs(claims: Claims | null, runtime: Runtime): number | null {
  const expiry = claims?.['exp'];
  return typeof expiry === 'number' ? expiry * 1000 + EXPIRY_LEEWAY_MS - runtime.nowMs() : null;
}

function accessOf({ authorize }: AppRules, runtime: Runtime, claims: Claims | null, address: RoomAddress): RoomAccess {
  const left = leftMs(claims, runtime);
  return {
    claims,
    ...(left === null ? {} : { expiresInMs: Math.max(1, left) }),
    ...(authorize === null ? {} : { allows: (action) => authorize(claims, action, address) === true }),
  };
}
