import { sha256 } from '@noble/hashes/sha2.js';
import { base64Url } from '../runtime/base64url.ts';
import { nextFloat, nextUint32, xoshiroFrom } from '../runtime/xoshiro.ts';

/** The random numbers and ids of one mutation. */
export interface Seeded {
  /** Uniform in [0, 1). */
  random(): number;
  /** 22 characters of base64url. */
  id(): string;
}

/**
 * `ctx.random` and `ctx.id` of a run: equal seeds give equal sequences in every tab and in the room. Numbers and ids are two sequences, so that a run which
 * draws one number more, because it sees other rows, still makes the same ids. Nothing is computed until the first draw.
 */
export function seeded(seed: string): Seeded {
  let states: { readonly numbers: Uint32Array; readonly ids: Uint32Array } | undefined;
  const opened = () => {
    if (states === undefined) {
      const hash = sha256(asciiBytes(seed));
      states = { numbers: xoshiroFrom(hash.subarray(0, 16)), ids: xoshiroFrom(hash.subarray(16, 32)) };
    }
    return states;
  };
  return {
    random: () => nextFloat(opened().numbers),
    id: () => {
      const words = Uint32Array.from({ length: 4 }, () => nextUint32(opened().ids));
      const bytes = new DataView(new ArrayBuffer(16));
      words.forEach((word, index) => bytes.setUint32(index * 4, word, true));
      return base64Url(new Uint8Array(bytes.buffer));
    },
  };
}

/** Seeds are ids, so ASCII. */
function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
