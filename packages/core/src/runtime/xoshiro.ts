/** State of a generator: four unsigned 32-bit words, not all zero. Changed in place by `nextUint32`. */
export type Xoshiro = Uint32Array;

const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/**
 * A generator whose state is read from 16 bytes of a seed's hash, little-endian. Sixteen zero bytes, which would give zeros forever, are replaced by a constant.
 */
export function xoshiroFrom(bytes: Uint8Array): Xoshiro {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const state = Uint32Array.of(view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true));
  if (state.every((word) => word === 0)) state[0] = 0x9e3779b9;
  return state;
}

/** The next of xoshiro128** (Blackman and Vigna), in [0, 2^32). Fast and well distributed; no source of secrets. */
export function nextUint32(state: Xoshiro): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const t2 = s2 ^ s0;
  const t3 = s3 ^ s1;
  state[1] = s1 ^ t2;
  state[0] = s0 ^ t3;
  state[2] = t2 ^ (s1 << 9);
  state[3] = rotateLeft(t3, 11);
  return result;
}

/** Uniform in [0, 1) with all 53 bits of a double in use. */
export function nextFloat(state: Xoshiro): number {
  const high = nextUint32(state) >>> 5;
  const low = nextUint32(state) >>> 6;
  return (high * 0x4000000 + low) / 0x20000000000000;
}
