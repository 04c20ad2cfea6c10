import { AlcoveError } from '@alcove/core/error';
import type { HelloMessage } from '@alcove/core/protocol/client-message';
import { decodeClientMessage } from '@alcove/core/protocol/codec';
import { HELLO_BYTES_MAX } from '@alcove/core/protocol/limits';
import { negotiate } from '@alcove/core/protocol/version';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Claims } from '@alcove/core/schema/define-mutator';
import { type AccessAction, ownClaims, type RoomAccess } from './access.ts';

/** What may be a room's id: 1 to 128 of A-Z a-z 0-9 . _ ~ - and no dot in front. */
const ROOM_ID = /^(?!\.)[A-Za-z0-9._~-]{1,128}$/;

/** A hello that was read and names a room that there may be. Nobody knows yet who says it. */
export interface ReadHello {
  readonly hello: HelloMessage;
  readonly definition: AnyRoom;
}

/**
 * Reads the first frame of a connection, before anybody is authenticated: at most HELLO_BYTES_MAX of JSON.
 * @throws AlcoveError `hello_expected` for any other message, `protocol_unsupported`, `room_unknown`, `room_id_invalid`, and what the codec throws. All of
 *   them end the connection.
 */
export function readHello(frame: string | Uint8Array, rooms: ReadonlyMap<string, AnyRoom>, runtime: Runtime): ReadHello {
  const message = decodeClientMessage(frame, runtime, { messageBytesMax: HELLO_BYTES_MAX });
  if (message?.type !== 'hello')
    throw new AlcoveError('hello_expected', `the first message was ${message === null ? 'of an unknown type' : message.type}, not hello`);
  negotiate(message.protocol);
  const definition = rooms.get(message.room);
  if (definition === undefined) throw new AlcoveError('room_unknown', `this server has no room called ${JSON.stringify(message.room)}`);
  if (!ROOM_ID.test(message.id))
    throw new AlcoveError('room_id_invalid', `${JSON.stringify(message.id.slice(0, 140))} cannot be the id of a room`);
  return { hello: message, definition };
}

/** What the host asks before it touches a room. */
export type HostAction = Extract<AccessAction, { kind: 'open' | 'create' | 'list' | 'sql' }>;

/** How the host finds out who somebody is and what they may do. */
export interface Gatekeeper {
  /** Claims for a token, null for nobody. What it throws ends the connection; all but AlcoveErrors as `unauthenticated`. */
  authenticate(token: string | null): Claims | null | Promise<Claims | null>;
  /** Whether these claims may do that with this room. A throw counts as no. */
  may(claims: Claims | null, action: HostAction): boolean | Promise<boolean>;
  /** What goes with the claims for as long as they hold. */
  accessOf(claims: Claims | null): RoomAccess;
}

/**
 * Who says the hello and whether they may come in: then `room.join`. Called again with a fresh token for `room.renewAccess`.
 * @throws AlcoveError `unauthenticated`, or `forbidden`, the same for a room that is not there and one that may not be opened.
 */
export async function admit(token: string | null, gatekeeper: Gatekeeper): Promise<RoomAccess> {
  const said = await authenticated(token, gatekeeper);
  const claims = said === null ? null : ownClaims(said);
  if (!(await mayDo(claims, { kind: 'open' }, gatekeeper))) throw new AlcoveError('forbidden', 'this user may not open this room');
  return gatekeeper.accessOf(claims);
}

async function authenticated(token: string | null, gatekeeper: Gatekeeper): Promise<Claims | null> {
  try {
    return await gatekeeper.authenticate(token);
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    // What a verifier says may quote the token.
    throw new AlcoveError('unauthenticated', 'the token was not accepted', { cause });
  }
}

/** A right that cannot be decided is not given. @throws only the AlcoveErrors that `may` throws: they are the app's word to the client. */
export async function mayDo(claims: Claims | null, action: HostAction, gatekeeper: Pick<Gatekeeper, 'may'>): Promise<boolean> {
  try {
    return (await gatekeeper.may(claims, action)) === true;
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    return false;
  }
}
