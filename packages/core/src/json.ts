import { AlcoveError } from './error.ts';
import type { ErrorCode } from './error.ts';

/** What survives JSON unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How deep arguments, states and values may nest (a bare number is 0 deep): leaves room for the messages around them, which end at 32. */
export const JSON_DEPTH_MAX = 24;

/**
 * `value` as the JSON that the other side will get, so that both sides see the same: a copy without `undefined` members and with 0 for −0.
 *
 * Refused, rather than changed on the way: NaN and infinities, `undefined` in arrays, bigints, functions, symbols, objects with a class (a Date, a Map),
 * half a surrogate pair in text, a member called `__proto__`, nesting past `JSON_DEPTH_MAX` (so cycles too).
 *
 * @param what Names the value in the message: `arguments of addStop`.
 * @throws AlcoveError `code`, with the path of the first offender.
 */
export function jsonFrom(value: unknown, code: ErrorCode, what: string): Json {
  const refuse: Refuse = (path, reason) => {
    throw new AlcoveError(code, `${what}${path === '' ? '' : ` at ${path.slice(0, 200)}`}: ${reason}`);
  };
  return copy(value, '', 0, refuse);
}

type Refuse = (path: string, reason: string) => never;

function copy(value: unknown, path: string, depth: number, refuse: Refuse): Json {
  switch (typeof value) {
    case 'string':
      return hasLoneSurrogate(value) ? refuse(path, 'half a surrogate pair is no text') : value;
    case 'number':
      return Number.isFinite(value) ? value + 0 : refuse(path, `${value} is not in JSON`);
    case 'boolean':
      return value;
    case 'object':
      if (value === null) return null;
      if (depth >= JSON_DEPTH_MAX) return refuse(path, `nested more than ${JSON_DEPTH_MAX} levels`);
      return Array.isArray(value) ? copyArray(value, path, depth, refuse) : copyObject(value, path, depth, refuse);
    default:
      return refuse(path, `${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`} is not in JSON`);
  }
}

/** By index, so that holes are seen. */
function copyArray(value: readonly unknown[], path: string, depth: number, refuse: Refuse): Json[] {
  const out: Json[] = [];
  for (let index = 0; index < value.length; index++) out.push(copy(value[index], `${path}[${index}]`, depth + 1, refuse));
  return out;
}

function copyObject(value: object, path: string, depth: number, refuse: Refuse): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm's Object.prototype is as good as ours: it has no prototype itself.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return refuse(path, `a ${value.constructor?.name ?? 'class instance'} is not in JSON`);
  const out: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    const memberPath = path === '' ? key : `${path}.${key}`;
    if (key === '__proto__') return refuse(memberPath, 'this member name is not allowed');
    if (hasLoneSurrogate(key)) return refuse(memberPath, 'half a surrogate pair is no text');
    if (member !== undefined) out[key] = copy(member, memberPath, depth + 1, refuse);
  }
  return out;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Half a surrogate pair cannot be written as UTF-8: engines and encoders replace it, each in its way. */
const hasLoneSurrogate = (text: string): boolean => LONE_SURROGATE.test(text);
