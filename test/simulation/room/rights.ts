import type { Json } from '@alcove/core/json';
import type { Gatekeeper } from '../../../packages/server/src/access/front.ts';

/** Elements that nobody may append: the room asks for the right before it runs the mutator. */
export const FORBIDDEN_MARK = 'forbidden:';

/** The rule of `authorize` in this world; the oracle knows it, too. */
export function isForbidden({ name, args }: { readonly name: string; readonly args: Json }): boolean {
  if (name !== 'append' || typeof args !== 'object' || args === null || !('value' in args)) return false;
  return typeof args.value === 'string' && args.value.startsWith(FORBIDDEN_MARK);
}

/** Tokens are names of users; everybody may come in. */
export const gatekeeper: Gatekeeper = {
  authenticate: (token) => (token === null ? null : { sub: token }),
  may: () => true,
  accessOf: (claims) => ({ claims, allows: (action) => action.kind !== 'mutate' || !isForbidden(action) }),
};
