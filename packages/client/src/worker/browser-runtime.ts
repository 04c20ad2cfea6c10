import { AlcoveError } from '@alcove/core/error';
import { base64Url } from '@alcove/core/runtime/base64url';
import { clampTimer } from '@alcove/core/runtime/clamp-timer';
import type { Logger } from '@alcove/core/runtime/logger';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { deflateSync, Inflate, inflateSync } from 'fflate';
import { callSoon } from './call-soon.ts';

const encoder = new TextEncoder();
// A byte order mark is part of the text: kept, so that JSON.parse refuses it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Deflate never makes more than this out of one byte. */
const INFLATE_RATIO_MAX = 1032;

/** The runtime of pages, workers and clients in Node: only what browsers and Node ≥ 20 both have. */
export function createBrowserRuntime(options: { readonly log: Logger }): Runtime {
  return {
    log: options.log,
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer: (delayMs, fn) => clampTimer(setBrowserTimer, delayMs, fn),
    random: () => Math.random(),
    newId: idMaker(),
    hmacSha256: (key, message) => hmac(sha256, key, message),
    deflateRaw: (bytes) => deflateSync(bytes),
    inflateRaw,
    utf8: { encode: (text) => encoder.encode(text), decode: decodeUtf8 },
  };
}

const ID_BYTES = 16;
/** Ids whose random bytes are asked for together: one call costs as much as many. */
const IDS_A_DRAW = 64;

function idMaker(): () => string {
  const bytes = new Uint8Array(ID_BYTES * IDS_A_DRAW);
  let used = bytes.length;
  return () => {
    if (used === bytes.length) {
      crypto.getRandomValues(bytes);
      used = 0;
    }
    used += ID_BYTES;
    return base64Url(bytes.subarray(used - ID_BYTES, used));
  };
}

function setBrowserTimer(delayMs: number, fn: () => void): Timer {
  if (delayMs === 0) return callSoon(fn);
  const timer = setTimeout(fn, delayMs);
  return { cancel: () => clearTimeout(timer) };
}

function inflateRaw(bytes: Uint8Array, outputBytesMax: number): Uint8Array {
  if (bytes.length === 0) throw new AlcoveError('bad_message', 'the deflated bytes are damaged: there are none');
  try {
    if (bytes.length * INFLATE_RATIO_MAX <= outputBytesMax) return inflateSync(bytes);
    return inflateInPieces(bytes, outputBytesMax);
  } catch (cause) {
    if (cause instanceof AlcoveError) throw cause;
    throw new AlcoveError('bad_message', `the deflated bytes are damaged: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** Feeds pieces so small that a bomb is noticed after at most one bound's worth beyond the bound. */
function inflateInPieces(bytes: Uint8Array, outputBytesMax: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const inflate = new Inflate((chunk) => {
    length += chunk.length;
    if (length > outputBytesMax) throw new AlcoveError('message_too_large', `inflates to more than ${outputBytesMax} bytes`);
    chunks.push(chunk);
  });
  const pieceBytes = Math.max(64, Math.ceil(outputBytesMax / INFLATE_RATIO_MAX));
  for (let at = 0; at < bytes.length; at += pieceBytes) inflate.push(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.length);
  const output = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return output;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AlcoveError('bad_message', 'the bytes are not UTF-8', { cause });
  }
}
