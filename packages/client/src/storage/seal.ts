import { base64Url } from '@alcove/core/runtime/base64url';
import type { Runtime } from '@alcove/core/runtime/runtime';

/** A piece as it lies on the disk: JSON text and a sum over it. */
export interface Sealed {
  readonly text: string;
  readonly sum: string;
}

/** Against damage, not against people: who can write the disk can write the sum. */
const KEY = Uint8Array.of(0x61, 0x6c, 0x63, 0x6f, 0x76, 0x65);
const SUM_BYTES = 9;

export function seal(runtime: Runtime, value: unknown): Sealed {
  const text = JSON.stringify(value);
  return { text, sum: sumOf(runtime, text) };
}

/** What was sealed; undefined where it is not what was written. Its shape is as the writer of this format made it. */
export function unseal<Value>(runtime: Runtime, sealed: unknown): Value | undefined {
  if (typeof sealed !== 'object' || sealed === null || !('text' in sealed) || !('sum' in sealed)) return undefined;
  const { text, sum } = sealed;
  if (typeof text !== 'string' || sumOf(runtime, text) !== sum) return undefined;
  return JSON.parse(text) as Value; // the sum says that `seal` wrote it
}

const sumOf = ({ hmacSha256, utf8 }: Runtime, text: string): string => base64Url(hmacSha256(KEY, utf8.encode(text)).subarray(0, SUM_BYTES));
