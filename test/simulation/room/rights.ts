import type { Json } from '@alcove/core/json';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { RoomAccess } from '../../../packages/server/src/access/access.ts';
import type { Gatekeeper } from '../../../packages/server/src/access/front.ts';
import type { Grants } from '../world/grants.ts';

/** Elements that nobody may append: the room asks for the right before it runs the mutator. */
export const FORBIDDEN_MARK = 'forbidden:';

/** The rule of `authorize` in this world; the oracle knows it, too. */
export function isForbidden({ name, args }: { readonly name: string; readonly args: Json }): boolean {
  if (name !== 'append' || typeof args !== 'object' || args === null || !('value' in args)) return false;
  return typeof args.value === 'string' && args.value.startsWith(FORBIDDEN_MARK);
}

/** Everybody may come in whose token is good. */
export const gatekeeperOf = (grants: Grants): Gatekeeper => ({
  authenticate: (token) => grants.claimsOf(token),
  may: () => true,
  accessOf: (claims) => accessOf(grants, claims),
});

function accessOf(grants: Grants, claims: Claims | null): RoomAccess {
  const leftMs = claims === null ? null : grants.leftMs(claims);
  return {
    claims,
    allows: (action) => action.kind !== 'mutate' || !isForbidden(action),
    ...(leftMs === null ? {} : { expiresInMs: leftMs }),
  };
}
