import type { Json } from '@alcove/core/json';
import type { Claims } from '@alcove/core/schema/define-mutator';

/**
 * What a user may be allowed or refused in a room. The first four are asked by the host, before the room is touched, and waited for; the others by the room each
 * time, at the moment it is done. More kinds may come: say no to what you do not know.
 */
export type AccessAction =
  /** Coming in: once a connection, and again with each fresh token. */
  | { readonly kind: 'open' }
  /** Making a room that is not there, by joining it or by `rooms.create` for a user. Asked after `open`. */
  | { readonly kind: 'create' }
  /** Learning that the room is there: for each room that `rooms.list` would show a user. */
  | { readonly kind: 'list' }
  /** Reading on the server: a query of the definition, by name, or SQL of the user's own, null. Row rules hold for both. */
  | { readonly kind: 'sql'; readonly query: string | null }
  | { readonly kind: 'mutate'; readonly name: string; readonly args: Json }
  /** Setting a debounced value, or having it written at once. */
  | { readonly kind: 'value'; readonly name: string; readonly key: string }
  /** Setting one's own short-lived state. Taking it back is always allowed, and so is seeing that of others. */
  | { readonly kind: 'presence' }
  | { readonly kind: 'cursor' }
  | { readonly kind: 'ephemeral'; readonly name: string; readonly key: string };

/** Who a connection speaks for and what that user may do now. Renewed by an `auth` message, for the same subject only. */
export interface RoomAccess {
  /** Null: nobody was authenticated. */
  readonly claims: Claims | null;
  /** Asked at the run, by the rights of that moment. Absent: everything is allowed. Must not throw; a throw counts as a refusal. */
  allows?(action: AccessAction): boolean;
  /** A server that keeps a copy of the room: it may have the whole log, and no more rights in the room than anybody. */
  readonly isFollower?: boolean;
  /** How long the token is still good; absent: for ever. Past it the session ends with `unauthenticated`. */
  readonly expiresInMs?: number;
}

/** The subject that client groups and clients are bound to; everybody who was not authenticated is one subject. */
export const subjectOf = (claims: Claims | null): string => (claims?.sub === undefined ? '' : `sub:${claims.sub}`);

/** The id others see beside this user's presence; null for nobody in particular. */
export const userIdOf = (claims: Claims | null): string | null => claims?.sub ?? null;

/** False where `allows` says no or throws: a right that cannot be decided is not given. */
export function isAllowed(access: RoomAccess, action: AccessAction): boolean {
  if (access.allows === undefined) return true;
  try {
    return access.allows(action) === true;
  } catch {
    return false;
  }
}

/** Deeper than claims of any token; what lies below is taken as it is. */
const CLAIMS_DEPTH_MAX = 24;

/**
 * Claims as they are now, for good: the app goes on with its own object, and may change it or hand it to the next session, and a mutator is handed ours. What is worked
 * out of claims once is so right for as long as they are the same object.
 */
export const ownClaims = (claims: Claims): Claims => frozenCopy(claims, 0) as Claims; // an object went in

function frozenCopy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > CLAIMS_DEPTH_MAX) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => frozenCopy(item, depth + 1)));
  const prototype: unknown = Object.getPrototypeOf(value);
  // A Date or a class of the app's stays what it is.
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, frozenCopy(item, depth + 1)])));
}
