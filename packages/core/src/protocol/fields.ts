import * as v from 'valibot';
import { isErrorCode } from '../error.ts';
import type { ErrorCode } from '../error.ts';
import type { Json } from '../json.ts';

/** Ids travel as opaque text: clientId, groupId, sessionId, historyId, seed. */
export const idField = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_$:.~-]{1,128}$/));
export const nameField = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
export const countField = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const ordinalField = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** Opaque text the other side made: hash, view, ticket. */
export const opaqueField = v.pipe(v.string(), v.maxLength(512));
/** Already parsed from JSON, within the depth limit; only its presence is checked. */
export const jsonField: v.GenericSchema<Json> = v.custom<Json>((value) => value !== undefined, 'a JSON value is missing');
export const codeField = v.custom<ErrorCode>(isErrorCode, 'unknown error code');
