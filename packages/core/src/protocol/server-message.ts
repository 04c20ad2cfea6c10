import * as v from 'valibot';
import { atField, codeField, countField, idField, jsonField, keyField, nameField, opaqueField, ordinalField } from './fields.ts';
import type { Json } from '../json.ts';
import { wireCells, wireRows, wireTableChanges } from './wire-changes.ts';

/** What a room says, by `type`. Readers ignore unknown fields and unknown types. */

/** An image waits at `path` under the Authorization header `Bearer <ticket>`; its version and hash come in the answer's headers. */
const imageOffer = v.object({ path: v.string(), ticket: v.string(), expiresInMs: countField });

/** `resume`: commits follow from where the client stands. Else why a fresh snapshot is needed. */
const hydration = v.picklist(['resume', 'first', 'history', 'floor', 'fork', 'view', 'schema', 'asked', 'backlog']);

/** Claims as `authenticate` gave them; null: nobody was authenticated. Not `v.record`, which drops members with names like `constructor`. */
export const user = v.nullable(
  v.pipe(
    jsonField,
    v.check((claims) => typeof claims === 'object' && claims !== null && !Array.isArray(claims), 'expected an object'),
    v.transform((claims) => claims as { readonly [claim: string]: Json }), // checked in the line before
  ),
);

const limits = v.object({
  messageBytesMax: ordinalField,
  pushMutationsMax: ordinalField,
  stateBytesMax: ordinalField,
  valueBytesMax: ordinalField,
  /** How often the client should ping, and how long either side may be silent. */
  heartbeatIntervalMs: ordinalField,
  idleTimeoutMs: ordinalField,
});

const welcomeClient = v.object({
  clientId: idField,
  lastMutationId: countField,
  /** `unknown`: the room knew this client once and forgot it (client_unknown). */
  state: v.picklist(['known', 'new', 'unknown']),
});

const welcome = v.object({
  type: v.literal('welcome'),
  protocol: ordinalField,
  codec: v.string(),
  sessionId: idField,
  historyId: idField,
  /** New with every start of the room; orders values together with their seq. */
  boot: idField,
  /** The room's head; the replica gets there. */
  version: countField,
  schema: opaqueField,
  view: opaqueField,
  hydration,
  /** The room went on without what hello gave as `shown`. Absent: it has that, or cannot tell, or was given none. */
  shownLost: v.optional(v.boolean()),
  image: v.optional(v.nullable(imageOffer), null),
  /** One entry a client of the hello. */
  clients: v.array(welcomeClient),
  serverNowMs: countField,
  user,
  limits,
});

/**
 * The stream cannot go on from where the replica stands, or `hydrate` asked: a fresh snapshot comes, as an image where one is offered, else as rows. What
 * of an earlier snapshot has arrived is void.
 */
const rehydrate = v.object({
  type: v.literal('rehydrate'),
  reason: hydration,
  view: opaqueField,
  image: v.optional(v.nullable(imageOffer), null),
});

/** The answer to `auth`. Where the claims give another view, `rehydrate` follows. */
const userMessage = v.object({ type: v.literal('user'), user });

const result = v.object({
  clientId: idField,
  mutationId: ordinalField,
  /** `duplicate` settles this mutation and every earlier one of the client that has no result of its own. */
  status: v.picklist(['applied', 'duplicate', 'rejected']),
  /** The mutation settles when the replica reaches this version. */
  version: countField,
  code: v.optional(codeField),
  message: v.optional(v.string()),
});

/** To every session of the group, always before the commit of its version. */
const results = v.object({ type: v.literal('results'), results: v.array(result) });

/** Nothing of this client was taken from `mutationId` on, nothing is stored: send again from `expected`, after retryAfterMs. */
const refused = v.object({
  type: v.literal('refused'),
  clientId: idField,
  mutationId: ordinalField,
  expected: ordinalField,
  code: codeField,
  message: v.string(),
  retryAfterMs: v.optional(countField),
});

/** The range (from, to]: applied when from ≤ confirmed < to. May cover several versions and may change nothing. */
const commit = v.object({
  type: v.literal('commit'),
  from: countField,
  to: ordinalField,
  schema: opaqueField,
  changes: v.array(wireTableChanges),
  hash: opaqueField,
  /** The room's wall time when it made `to`, for display. */
  atMs: v.optional(countField),
});

const snapshotBegin = v.object({
  type: v.literal('snapshotBegin'),
  historyId: idField,
  version: countField,
  schema: opaqueField,
  hash: opaqueField,
  tables: v.array(v.object({ table: nameField, rows: countField })),
});
/** `index` counts 0, 1, 2 …; another one than expected ends the snapshot, and the client asks again. */
const snapshotRows = v.object({ type: v.literal('snapshotRows'), index: countField, rows: wireRows });
const snapshotEnd = v.object({ type: v.literal('snapshotEnd'), chunks: countField, rows: countField });

const stateEntry = v.object({ sessionId: idField, userId: v.nullable(v.string()), state: jsonField });
/** `reset`: forget all known before. `state: null`: gone. Own session included. */
const presence = v.object({ type: v.literal('presence'), reset: v.boolean(), entries: v.array(stateEntry) });
const cursors = v.object({ type: v.literal('cursors'), reset: v.boolean(), entries: v.array(stateEntry) });
const ephemeral = v.object({
  type: v.literal('ephemeral'),
  reset: v.boolean(),
  entries: v.array(v.object({ sessionId: idField, userId: v.nullable(v.string()), name: nameField, key: keyField, state: jsonField })),
});

/** Unwritten values (`written: false`) and those whose flush has become a commit. A reset, with what follows it, lists every unwritten one. */
const values = v.object({
  type: v.literal('values'),
  reset: v.boolean(),
  boot: idField,
  entries: v.array(
    v.object({
      name: nameField,
      key: keyField,
      value: jsonField,
      seq: ordinalField,
      written: v.boolean(),
      updatedBy: v.nullable(v.string()),
    }),
  ),
});
/** The offer of this session got `seq`; it is written once the row's seq in alcove_values is at least that (same boot). */
const valueTaken = v.object({
  type: v.literal('valueTaken'),
  name: nameField,
  key: keyField,
  offer: ordinalField,
  boot: idField,
  seq: ordinalField,
});

/** `version`: the room's head when this was said, for lagVersions. It may overtake commits: nothing is done about a gap it shows. */
const ping = v.object({ type: v.literal('ping'), at: v.optional(atField), version: v.optional(countField) });
const pong = v.object({ type: v.literal('pong'), at: v.optional(atField), version: v.optional(countField) });

/**
 * The next message is a frame of so many bytes: while it arrives nothing else is heard. Optional; a reader who does not know it has only its idle timeout.
 */
const coming = v.object({ type: v.literal('coming'), bytes: ordinalField });

/** Where it ends the session, a close frame with the code's close code follows. */
const error = v.object({
  type: v.literal('error'),
  code: codeField,
  message: v.string(),
  hint: v.optional(v.string()),
  retryAfterMs: v.optional(countField),
  /** Type of the client message it answers, and its name (value, ephemeral key) where that tells more. */
  re: v.optional(v.string()),
  name: v.optional(v.string()),
  /** Key of the value or state, and number of the value's offer, that was refused: it is not offered again. */
  key: v.optional(keyField),
  offer: v.optional(ordinalField),
});

/**
 * What a read found, column by column: `cells[i]` holds the values of `columns[i]`. `truncated`: there are more rows than the bound of rows or bytes allows. `bookmark`:
 * the version it was read at, of the replica that answered, which was so far behind the room then.
 */
const readRows = v.object({
  type: v.literal('readRows'),
  request: ordinalField,
  columns: v.array(v.string()),
  cells: wireCells,
  truncated: v.boolean(),
  bookmark: opaqueField,
  replica: nameField,
  lagVersions: countField,
  lagMs: countField,
  tookMs: countField,
});

const readFailed = v.object({
  type: v.literal('readFailed'),
  request: ordinalField,
  code: codeField,
  message: v.string(),
  hint: v.optional(v.string()),
  retryAfterMs: v.optional(countField),
});

/** One version as the change log holds it; `acks` and `record` are its text, over which the hash goes. */
const record = v.object({
  version: ordinalField,
  schema: opaqueField,
  atMs: countField,
  hash: opaqueField,
  acks: v.string(),
  record: v.string(),
});

/** To followers: versions in order, without a gap after what was sent before. */
const records = v.object({ type: v.literal('records'), records: v.array(record) });

export const serverMessage = v.variant('type', [
  welcome,
  rehydrate,
  userMessage,
  results,
  refused,
  commit,
  snapshotBegin,
  snapshotRows,
  snapshotEnd,
  presence,
  cursors,
  ephemeral,
  values,
  valueTaken,
  ping,
  pong,
  coming,
  error,
  readRows,
  readFailed,
  records,
]);

export type ServerMessage = v.InferOutput<typeof serverMessage>;
export type ServerMessageInput = v.InferInput<typeof serverMessage>;
export type WelcomeMessage = v.InferOutput<typeof welcome>;
export type MutationResult = v.InferOutput<typeof result>;
export type LogRecord = v.InferOutput<typeof record>;
export type CommitMessage = v.InferOutput<typeof commit>;
export type ServerMessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
