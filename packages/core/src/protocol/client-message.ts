import * as v from 'valibot';
import {
  atField,
  clientIdField,
  countField,
  idField,
  jsonField,
  keyField,
  nameField,
  opaqueField,
  ordinalField,
  waitField,
} from './fields.ts';
import { READ_PARAMS_MAX, READ_SQL_CHARACTERS_MAX } from './limits.ts';
import { wireCell } from './wire-changes.ts';

/** What a client says, by `type`. Unknown fields are ignored; unknown types are refused, unless they begin with `x-`: those are ignored. */

export const PUSH_MUTATIONS_MAX = 100;
export const HELLO_CLIENTS_MAX = 256;

/** What the tab knows of one client it pushes for: itself and those whose outbox it adopted. */
const helloClient = v.object({
  clientId: clientIdField,
  /** Highest mutationId minted. */
  lastMutationId: countField,
  /** Highest mutationId whose result this client has seen. Above the room's own lastMutationId: the room lost a tail. */
  confirmed: countField,
  /** Version of the first welcome this client ever had; null: never had one. */
  welcomed: v.nullable(countField),
});

const helloClients = v.pipe(
  v.array(helloClient),
  v.maxLength(HELLO_CLIENTS_MAX),
  v.check((clients) => new Set(clients.map((client) => client.clientId)).size === clients.length, 'a clientId is named twice'),
);

/** Kinds a later version may add are left out: the room answers with one it and the client know. */
const snapshotKinds = v.pipe(
  v.array(v.string()),
  v.transform((kinds) => kinds.filter((kind) => kind === 'image' || kind === 'rows')),
);

/** The first message. Readable by every later version: its fields never change their meaning, so that versions can be compared at all. */
export const hello = v.object({
  type: v.literal('hello'),
  protocol: ordinalField,
  /** Codecs the client can read besides plain JSON text. */
  codecs: v.optional(v.array(v.string()), []),
  room: nameField,
  id: v.string(),
  /** Schema id of the client's room definition; null: keeps no typed replica and takes any. */
  schema: v.optional(v.nullable(opaqueField), null),
  token: v.optional(v.nullable(v.string()), null),
  clientId: clientIdField,
  /** Bound by the room to the authenticated subject. Absent: the client is a group of its own. */
  groupId: v.optional(clientIdField),
  clients: v.optional(helloClients, []),
  /** Where the replica stands; absent or null: it holds nothing. */
  resume: v.optional(v.nullable(v.object({ historyId: idField, version: countField, hash: opaqueField, view: opaqueField })), null),
  /** What was shown last, where that is not what stands in `resume`: a room that is without it says `shownLost`. Absent: nothing else was. */
  shown: v.optional(v.object({ historyId: idField, version: countField, hash: opaqueField })),
  /** Snapshot kinds the client can take, best first. */
  snapshots: v.optional(snapshotKinds, ['rows']),
});

const mutation = v.object({
  clientId: clientIdField,
  mutationId: ordinalField,
  name: nameField,
  /** Absent: null. */
  args: v.optional(jsonField),
  seed: v.optional(idField),
  nowMs: v.optional(countField),
});

/** Mutations in order of (clientId, mutationId), contiguous for each client. `seed` and `nowMs` are minted by the room where a plain peer leaves them out. */
const push = v.object({ type: v.literal('push'), mutations: v.pipe(v.array(mutation), v.minLength(1), v.maxLength(PUSH_MUTATIONS_MAX)) });

/** The replica holds a snapshot at `version` and wants the stream from there. Sent after an image was loaded; rows are followed by themselves. */
const follow = v.object({ type: v.literal('follow'), historyId: idField, version: countField, hash: opaqueField });

/**
 * Asks for a fresh snapshot on the running session: an assembly went wrong, an image could not be had, the hash shows a fork. Answered by `rehydrate`,
 * after which nothing of an earlier snapshot or of the stream before it follows.
 */
const hydrate = v.object({ type: v.literal('hydrate'), snapshots: v.optional(snapshotKinds, ['rows']) });

/** Results of `clientId` up to `upTo` were seen: stored rejections up to there may go. */
const heard = v.object({ type: v.literal('heard'), clientId: clientIdField, upTo: countField });

/**
 * A clean leave: the session's presence and states go at once. The clients named end for good with nothing pending: the room forgets them. A client with
 * pending mutations is not named, so that another tab can adopt its outbox.
 */
const bye = v.object({ type: v.literal('bye'), clientIds: v.optional(v.pipe(v.array(clientIdField), v.maxLength(HELLO_CLIENTS_MAX)), []) });

/** A fresh token for the running session. Answered by `user`, or by an error that ends the session. */
const auth = v.object({ type: v.literal('auth'), token: v.string() });

const presence = v.object({ type: v.literal('presence'), state: jsonField });
const cursor = v.object({ type: v.literal('cursor'), state: jsonField });
/** `state: null` takes it back, as with presence and cursor. */
const ephemeral = v.object({ type: v.literal('ephemeral'), name: nameField, key: v.optional(keyField, ''), state: jsonField });

/**
 * Offers a debounced value. `offer` rises per client and names the offer in `valueTaken`. For a counter `value` is this client's running total since its
 * first offer, so offering again adds nothing. `taken` is the answer an earlier sending of the same offer had.
 */
const value = v.object({
  type: v.literal('value'),
  name: nameField,
  key: v.optional(keyField, ''),
  value: jsonField,
  offer: ordinalField,
  taken: v.optional(v.nullable(v.object({ boot: idField, seq: ordinalField })), null),
});
/** Write what is unwritten of this value now. */
const flush = v.object({ type: v.literal('flush'), name: nameField, key: v.optional(keyField, '') });

const ping = v.object({ type: v.literal('ping'), at: v.optional(atField) });
const pong = v.object({ type: v.literal('pong'), at: v.optional(atField) });

/**
 * A read on the server, by SQL of the user's own (`sql`, `params`) or by a query of the definition (`query`, `args`). Answered by `readRows` or `readFailed` under the
 * same `request`, a number of the session's own, in whatever order they are done.
 */
const read = v.object({
  type: v.literal('read'),
  request: ordinalField,
  /** Exactly one of `sql` and `query`. */
  sql: v.optional(v.pipe(v.string(), v.maxLength(READ_SQL_CHARACTERS_MAX))),
  params: v.optional(v.pipe(v.array(wireCell), v.maxLength(READ_PARAMS_MAX))),
  query: v.optional(nameField),
  /** Absent: null. */
  args: v.optional(jsonField),
  /** How new the answer must be: `any`, the default, takes what there is; `latest` is the room's head when the question arrives; else at least a bookmark. */
  at: v.optional(opaqueField),
  /** How long it may wait for that version; at most 60,000; past it `read_behind`. Default 2,000. */
  waitMs: v.optional(waitField),
  /** Where it is best answered: a region, a purpose that replicas are set aside for, the primary's own readers. */
  region: v.optional(nameField),
  purpose: v.optional(nameField),
  priority: v.optional(v.picklist(['high', 'normal', 'low'])),
  preferPrimary: v.optional(v.boolean()),
});

/** Nobody waits for the answer any more: it may be ended, and no answer comes. */
const readEnd = v.object({ type: v.literal('readEnd'), request: ordinalField });

/**
 * A follower, under a server token, wants full records from there on instead of commits: it holds `version` of that history, whose hash was this. Answered by `records`, or by
 * `rehydrate` where the log does not go on from there: it then takes a copy of the room's file and says where that stands.
 */
const followLog = v.object({ type: v.literal('followLog'), historyId: idField, version: countField, hash: opaqueField });

export const clientMessage = v.variant('type', [
  hello,
  push,
  follow,
  hydrate,
  heard,
  bye,
  auth,
  presence,
  cursor,
  ephemeral,
  value,
  flush,
  ping,
  pong,
  read,
  readEnd,
  followLog,
]);

export type ClientMessage = v.InferOutput<typeof clientMessage>;
export type ClientMessageInput = v.InferInput<typeof clientMessage>;
export type ClientMessageOf<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;
export type HelloMessage = v.InferOutput<typeof hello>;
export type HelloClient = v.InferOutput<typeof helloClient>;
export type ReadMessage = v.InferOutput<typeof read>;
export type PushMessage = v.InferOutput<typeof push>;
export type PushedMutation = v.InferOutput<typeof mutation>;
