import { AlcoveError } from '@alcove/core/error';
import type { HelloClient, HelloMessage } from '@alcove/core/protocol/client-message';
import { chooseCodec } from '@alcove/core/protocol/codec';
import type { WelcomeMessage } from '@alcove/core/protocol/server-message';
import { base64Url } from '@alcove/core/runtime/base64url';
import { negotiate } from '@alcove/core/protocol/version';
import type { RoomAccess } from '../access/access.ts';
import { subjectOf } from '../access/access.ts';
import { SEES_ALL } from '../access/reader-class.ts';
import type { RoomMeta } from '../change-log/room-meta.ts';
import { type HydrationReason, isLost } from './hydrate.ts';
import type { RoomParts } from './room-parts.ts';
import type { ImageOffer } from './room-ports.ts';
import type { Session, Sessions } from './sessions.ts';
import { sessionView } from './sessions.ts';
import { handledBy, ownRows } from './settle.ts';

/**
 * Whether the hello's schema can be served.
 * @param older Schema ids this room ran before its present one, with whether their clients can follow it.
 * @throws AlcoveError `update_needed` for a client of an older schema that cannot, `room_outdated` (retryable) for one this room does not know, which is newer.
 */
export function checkSchema(parts: RoomParts, schema: string | null, older: ReadonlyMap<string, boolean>): void {
  if (schema === null || schema === parts.definition.model.schemaId) return;
  const follows = older.get(schema);
  if (follows === true) return;
  if (follows === false) throw new AlcoveError('update_needed', 'the client has an older schema than the room, and cannot follow it');
  throw new AlcoveError('room_outdated', 'the client has a schema that this room does not know yet', {
    retryAfterMs: parts.limits.retryAfterMs,
  });
}

/**
 * Whether the client may come in under the group it names. A group belongs to one subject, a client to one group, for good.
 * @throws AlcoveError `forbidden`
 */
export function checkIdentity(parts: RoomParts, sessions: Sessions, hello: HelloMessage, access: RoomAccess): void {
  const groupId = hello.groupId ?? hello.clientId;
  const subject = subjectOf(access.claims);
  const bound = parts.clients.subjectOfGroup(groupId) ?? sessions.subjectOfGroup(groupId);
  if (bound !== null && bound !== subject) throw new AlcoveError('forbidden', `client group ${groupId} belongs to another user`);
  const known = parts.clients.get(hello.clientId) ?? sessions.ofClient(hello.clientId) ?? null;
  if (known !== null && (known.groupId !== groupId || known.subject !== subject)) {
    throw new AlcoveError('forbidden', `client ${hello.clientId} belongs to another client group or user`);
  }
}

/** A hello that was checked, and who says it on which connection. */
export interface Joining {
  readonly connectionId: string;
  readonly hello: HelloMessage;
  readonly access: RoomAccess;
  /** Of a tab at a follower. */
  readonly isRelayed: boolean;
}

/** Its session; it has no place in the stream yet. */
export function sessionOf(parts: RoomParts, { connectionId, hello, access, isRelayed }: Joining, meta: RoomMeta): Session {
  const clients = new Map<string, HelloClient>([
    [hello.clientId, { clientId: hello.clientId, lastMutationId: 0, confirmed: 0, welcomed: null }],
  ]);
  for (const client of hello.clients) clients.set(client.clientId, client);
  const nowMs = parts.runtime.monotonicMs();
  const groupId = hello.groupId ?? hello.clientId;
  const subject = subjectOf(access.claims);
  const { schemaId } = parts.definition.model;
  const isOlder = hello.schema !== null && hello.schema !== schemaId;
  const readerClass = access.isFollower === true ? SEES_ALL : parts.readers.classOf(access.claims);
  const isForgotten = ({ clientId, welcomed }: HelloClient): boolean =>
    welcomed !== null && welcomed <= meta.forgottenVersion && parts.clients.get(clientId) === null;
  return {
    connectionId,
    sessionId: sessionIdOf(parts, hello.clientId, meta.secret),
    clientId: hello.clientId,
    groupId,
    subject,
    codec: chooseCodec(hello.codecs),
    clients,
    adopted: new Set(),
    forgotten: new Set([...clients.values()].filter(isForgotten).map(({ clientId }) => clientId)),
    snapshots: hello.snapshots,
    isOlder,
    // What an older client leaves out is missing in its replica after its update: that one is of another view.
    schemaSeen: hello.schema ?? schemaId,
    readerClass,
    access,
    isRelayed,
    takesRecords: false,
    // A follower tells it of the rows: here it is where the room is.
    state: isRelayed ? { phase: 'live', sent: parts.gate.durable } : { phase: 'rows' },
    owedFrom: parts.gate.durable,
    heardMs: nowMs,
    accessUntilMs: access.expiresInMs === undefined ? null : nowMs + access.expiresInMs,
    queued: 0,
    saidWhileFull: 0,
  };
}

/** The same for every connection of a client in this history, and no way back to the clientId, by which one could push. */
function sessionIdOf({ runtime }: RoomParts, clientId: string, secret: Uint8Array): string {
  return base64Url(runtime.hmacSha256(secret, runtime.utf8.encode(`session\n${clientId}`)).subarray(0, 16));
}

export function welcomeOf(
  parts: RoomParts,
  session: Session,
  hello: HelloMessage,
  hydration: HydrationReason,
  image: ImageOffer | null,
): WelcomeMessage {
  const { limits } = parts;
  const { claims } = session.access;
  return {
    type: 'welcome',
    protocol: negotiate(hello.protocol),
    codec: session.codec,
    sessionId: session.sessionId,
    historyId: parts.historyId,
    boot: parts.boot,
    version: parts.gate.durable,
    schema: parts.definition.model.schemaId,
    view: sessionView(session),
    hydration,
    ...(isShownLost(parts, hello) ? { shownLost: true } : {}),
    image,
    clients: welcomeClients(parts, session, clientIdsOf(hello)),
    serverNowMs: Math.max(0, Math.floor(parts.runtime.nowMs())),
    user: userOf(claims),
    limits: {
      messageBytesMax: limits.messageBytesMax,
      pushMutationsMax: limits.pushMutationsMax,
      stateBytesMax: limits.stateBytesMax,
      valueBytesMax: limits.valueBytesMax,
      heartbeatIntervalMs: limits.heartbeatIntervalMs,
      idleTimeoutMs: limits.idleTimeoutMs,
    },
  };
}

const isShownLost = ({ log, historyId, gate }: RoomParts, { shown }: HelloMessage): boolean =>
  shown !== undefined && isLost(shown, { log, historyId, durable: gate.durable });

/** Those it names, and its own: a plain peer names none and still wants to know where it stands. */
const clientIdsOf = ({ clients, clientId }: HelloMessage): readonly string[] => [
  ...new Set([...clients.map((client) => client.clientId), clientId]),
];

/** Claims are whatever the app's `authenticate` returned: what JSON drops of them stays on the server. */
export const userOf = (claims: RoomAccess['claims']): WelcomeMessage['user'] =>
  claims === null ? null : (JSON.parse(JSON.stringify(claims)) as WelcomeMessage['user']); // an object went in, so one comes out

/** What is not durable yet is not told: a mutation of such a version counts as not handled. */
function welcomeClients(parts: RoomParts, session: Session, clientIds: readonly string[]): WelcomeMessage['clients'] {
  const handled = handledBy(parts, ownRows(parts, session, clientIds), parts.gate.durable);
  return clientIds.map((clientId) => {
    const lastMutationId = handled.get(clientId);
    if (lastMutationId !== undefined) return { clientId, lastMutationId, state: 'known' };
    const isKnown = parts.clients.get(clientId) !== null || session.forgotten.has(clientId);
    return { clientId, lastMutationId: 0, state: isKnown ? 'unknown' : 'new' };
  });
}
