import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { checked, parse, type DecodeLimits } from './codec.ts';
import { codeField, countField, ordinalField } from './fields.ts';
import { user } from './server-message.ts';

/**
 * How a follower carries sessions of tabs to its primary and back, on the socket that brought the follower token: frames as they came, each behind the number of its
 * session, and a few words between the two servers under number 0. Nobody else may say any of it.
 */

/** The first byte of a relayed frame, where others name their codec. */
const RELAYED_FOLLOWS = 2;
/** What wrapping adds to a frame: that byte, the number, and the codec of a frame that was text. */
export const RELAY_OVERHEAD_BYTES = 6;
const HEADER_BYTES = 5;
const TEXT_FOLLOWS = 0;
/** The number under which the two servers themselves speak. */
export const RELAY_WORDS = 0;
/** Numbers are never used twice on one socket. */
export const RELAY_SESSION_MAX = 0xffff_ffff;
/** Of one word. */
export const RELAY_WORD_BYTES_MAX = 1_000_000;
/** Sessions that one `relayAlive` names. */
export const RELAY_ALIVE_MAX = 1_000;

const sessionField = v.pipe(ordinalField, v.maxValue(RELAY_SESSION_MAX));

/** A tab is at the follower's door; its hello follows under that number. `address` and `origin` are what the follower saw: for logs. `isLocal`: it is of the follower's own machine. */
const relayOpen = v.object({
  type: v.literal('relayOpen'),
  session: sessionField,
  address: v.pipe(v.string(), v.maxLength(256)),
  origin: v.optional(v.pipe(v.string(), v.maxLength(512))),
  isLocal: v.boolean(),
});
/** The tab's socket is gone; `clean`: it was closed on purpose. */
const relayLeft = v.object({ type: v.literal('relayLeft'), session: sessionField, clean: v.boolean() });
/** Those that have said something since the last time, which may have been answered at the follower. */
const relayAlive = v.object({ type: v.literal('relayAlive'), sessions: v.pipe(v.array(sessionField), v.maxLength(RELAY_ALIVE_MAX)) });

/** Who the session speaks for, before its welcome and with each fresh token: by these claims its rows are chosen. `expiresInMs`: of the token; null: for ever. */
const relayAccess = v.object({
  type: v.literal('relayAccess'),
  session: sessionField,
  user,
  expiresInMs: v.nullable(countField),
});
/** Nothing of the session is to be sent for so long. */
const relayHold = v.object({ type: v.literal('relayHold'), session: sessionField, ms: countField });
/** The session is over on the primary, which has sent what there was to say: its socket is closed for that. */
const relayEnd = v.object({
  type: v.literal('relayEnd'),
  session: sessionField,
  code: codeField,
  message: v.string(),
  retryAfterMs: v.optional(countField),
});

export const relayWord = v.variant('type', [relayOpen, relayLeft, relayAlive, relayAccess, relayHold, relayEnd]);

export type RelayWord = v.InferOutput<typeof relayWord>;
export type RelayWordOf<Type extends RelayWord['type']> = Extract<RelayWord, { type: Type }>;

const WORD_TYPES: ReadonlySet<string> = new Set(relayWord.options.map((option) => option.entries.type.literal));

/** A relayed frame taken apart. `frame` is binary, whatever it was before. */
export interface RelayedFrame {
  /** `RELAY_WORDS`, or a session. */
  readonly session: number;
  readonly frame: Uint8Array;
}

/** The frame of a session for the socket between two servers. */
export function wrapRelayed(session: number, frame: string | Uint8Array, runtime: Pick<Runtime, 'utf8'>): Uint8Array {
  const body = typeof frame === 'string' ? runtime.utf8.encode(frame) : frame;
  const header = typeof frame === 'string' ? HEADER_BYTES + 1 : HEADER_BYTES;
  const wrapped = new Uint8Array(header + body.length);
  wrapped[0] = RELAYED_FOLLOWS;
  new DataView(wrapped.buffer).setUint32(1, session);
  if (typeof frame === 'string') wrapped[HEADER_BYTES] = TEXT_FOLLOWS;
  wrapped.set(body, header);
  return wrapped;
}

/** Null: it is no relayed frame. */
export function unwrapRelayed(frame: string | Uint8Array): RelayedFrame | null {
  if (typeof frame === 'string' || frame[0] !== RELAYED_FOLLOWS || frame.length <= HEADER_BYTES) return null;
  const session = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(1);
  return { session, frame: frame.subarray(HEADER_BYTES) };
}

export const encodeRelayWord = (word: RelayWord, runtime: Pick<Runtime, 'utf8'>): Uint8Array =>
  wrapRelayed(RELAY_WORDS, JSON.stringify(word), runtime);

/** Reads a word of the other server; null: one that this version does not know, to be ignored. @throws AlcoveError as `decodeClientMessage` */
export function decodeRelayWord(frame: Uint8Array, runtime: Runtime, limits: DecodeLimits): RelayWord | null {
  const { type, value } = parse(frame, runtime, limits);
  return WORD_TYPES.has(type) ? checked(relayWord, type, value) : null;
}
