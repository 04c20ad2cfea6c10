import * as v from 'valibot';
import { AlcoveError, isErrorCode } from '../error.ts';
import type { ErrorCode } from '../error.ts';
import { jsonFrom } from '../json.ts';
import type { Json } from '../json.ts';
import { isStorableText } from '../sqlite/identifier.ts';
import { WAIT_MS_MAX } from './limits.ts';

const ID = /^[A-Za-z0-9_$:.~-]{1,128}$/;
const CLIENT_ID = /^[A-Za-z0-9_:.~-]{1,128}$/;

/** Names and keys become text in SQLite. */
const storable = v.check((text: string) => isStorableText(text), 'text with U+0000 or half a surrogate pair');
const notMinusZero = v.check((count: number) => !Object.is(count, -0), '-0 is no count');

const safeInteger = v.safeInteger('not a safe integer');

/** Ids travel as opaque text: sessionId, historyId, boot, seed, and clientId where a room says it. */
export const idField = v.pipe(v.string(), v.regex(ID));
/** Ids a client may give itself. Those with `$` are the room's own (`$server:…`). */
export const clientIdField = v.pipe(v.string(), v.regex(CLIENT_ID));
export const nameField = v.pipe(v.string(), v.minLength(1), v.maxLength(128), storable);
/** The part of a value's or an ephemeral state's name that an app makes up at run time: `brightness` in `slider:brightness`. */
export const keyField = v.pipe(v.string(), v.maxLength(256), storable);
export const countField = v.pipe(v.number(), safeInteger, v.minValue(0), notMinusZero);
/** How long somebody may wait, in ms. */
export const waitField = v.pipe(v.number(), safeInteger, v.minValue(0), v.maxValue(WAIT_MS_MAX), notMinusZero);
export const ordinalField = v.pipe(v.number(), safeInteger, v.minValue(1));
/** Comes back in the pong as it went out: the sender's own time, in any unit. */
export const atField = v.pipe(v.number(), v.finite('not finite'));
/** Opaque text the other side made: hash, view, ticket. */
export const opaqueField = v.pipe(v.string(), v.maxLength(512));
/** Claims, arguments, states, values: any JSON that both sides read alike (see `jsonFrom`). */
export const jsonField = v.pipe(
  v.custom<Json>(() => true),
  v.rawTransform<Json, Json>(({ dataset, addIssue, NEVER }) => {
    try {
      return jsonFrom(dataset.value, 'bad_message', 'value');
    } catch (error) {
      addIssue({ message: AlcoveError.from(error).message });
      return NEVER;
    }
  }),
);
/** A code of this version's list; one that a newer peer knows alone counts as `internal`. */
export const codeField = v.pipe(
  v.string(),
  v.transform((code): ErrorCode => (isErrorCode(code) ? code : 'internal')),
);
