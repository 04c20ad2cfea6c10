import { createHmac, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { AlcoveError } from '@alcove/core/error';
import { clampTimer } from '@alcove/core/runtime/clamp-timer';
import type { Logger } from '@alcove/core/runtime/logger';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';

const encoder = new TextEncoder();
// A byte order mark is part of the text: kept, so that JSON.parse refuses it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The runtime of Node processes: node:crypto and node:zlib, timers that keep the process alive until they fire or are cancelled. */
export function createNodeRuntime(options: { readonly log: Logger }): Runtime {
  return {
    log: options.log,
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer: (delayMs, fn) => clampTimer(setNodeTimer, delayMs, fn),
    random: () => Math.random(),
    newId: () => randomBytes(16).toString('base64url'),
    hmacSha256: (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
    deflateRaw: (bytes) => deflateRawSync(bytes),
    inflateRaw,
    utf8: { encode: (text) => encoder.encode(text), decode: decodeUtf8 },
  };
}

function setNodeTimer(delayMs: number, fn: () => void): Timer {
  const timer = setTimeout(fn, delayMs);
  return { cancel: () => clearTimeout(timer) };
}

function inflateRaw(bytes: Uint8Array, outputBytesMax: number): Uint8Array {
  const output = inflateUpTo(bytes, outputBytesMax);
  if (output === null || output.length > outputBytesMax) {
    throw new AlcoveError('message_too_large', `inflates to more than ${outputBytesMax} bytes`, { limit: 'messageInflatedBytesMax' });
  }
  return output;
}

/** null: more came out. zlib takes no bound below 1. */
function inflateUpTo(bytes: Uint8Array, outputBytesMax: number): Uint8Array | null {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(outputBytesMax, 1) });
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw new AlcoveError('bad_message', `the deflated bytes are damaged: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AlcoveError('bad_message', 'the bytes are not UTF-8', { cause });
  }
}
