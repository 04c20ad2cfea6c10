import type { ClientMessageOf, HelloMessage } from '@alcove/core/protocol/client-message';
import { chooseCodec } from '@alcove/core/protocol/codec';
import type { RelayWordOf } from '@alcove/core/protocol/relay';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import { ownClaims, type RoomAccess, subjectOf } from '../access/access.ts';
import type { Readers } from '../access/readers.ts';
import type { Session } from '../room/sessions.ts';

/** A tab that is connected here and has its session with the primary. */
export interface Guest {
  readonly connectionId: string;
  readonly hello: HelloMessage;
  /** Who the primary says it speaks for. Null: it has not said it yet. */
  access: RoomAccess | null;
  /** The primary's, until the file here is where that says the room is. */
  welcome: WelcomeMessage | null;
  /** Results that came before it was welcomed, or were asked for: what the primary owed it. */
  owed: number;
  /** The primary has told what was settled after it. */
  toldFrom: number;
  /** Said by the tab, while the primary is asked what was settled since: it holds an image from before it was welcomed. */
  follows: ClientMessageOf<'follow'> | null;
  /** Null until it was welcomed. */
  session: Session | null;
}

/** Who has come to the door. */
export const guestOf = (connectionId: string, hello: HelloMessage): Guest => ({
  connectionId,
  hello,
  access: null,
  welcome: null,
  owed: 0,
  toldFrom: 0,
  follows: null,
  session: null,
});

/** Rights are the primary's to ask: here nothing is done that needs them. */
export const accessOf = ({ user, expiresInMs }: RelayWordOf<'relayAccess'>): RoomAccess => ({
  claims: user === null ? null : ownClaims(user),
  ...(expiresInMs === null ? {} : { expiresInMs }),
});

/** Its session as the stream here knows it; it has no place in it yet. @throws AlcoveError `rule_failed` */
export function sessionOfGuest(
  { connectionId, hello }: Guest,
  access: RoomAccess,
  { sessionId, schema }: WelcomeMessage,
  at: { readonly readers: Readers; readonly nowMs: number; readonly version: number },
): Session {
  return {
    connectionId,
    sessionId,
    clientId: hello.clientId,
    groupId: hello.groupId ?? hello.clientId,
    subject: subjectOf(access.claims),
    codec: chooseCodec(hello.codecs),
    // What the primary knows of its clients stays there.
    clients: new Map(),
    adopted: new Set(),
    forgotten: new Set(),
    snapshots: hello.snapshots,
    isOlder: hello.schema !== null && hello.schema !== schema,
    schemaSeen: hello.schema ?? schema,
    isRelayed: false,
    readerClass: at.readers.classOf(access.claims),
    access,
    takesRecords: false,
    state: { phase: 'rows' },
    owedFrom: at.version,
    heardMs: at.nowMs,
    accessUntilMs: access.expiresInMs === undefined ? null : at.nowMs + access.expiresInMs,
    queued: 0,
    saidWhileFull: 0,
  };
}
