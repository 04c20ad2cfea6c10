/** Two lanes of 32 bits, each of MurmurHash3's shape with factors of its own. */
const [A1, A2, A3] = [0xcc9e2d51, 0x1b873593, 0xe6546b64];
const [B1, B2, B3] = [0x239b961b, 0xab0e9789, 0x561ccd1b];
const [SEED_A, SEED_B] = [0x9e3779b9, 0x85ebca6b];

/** 64 bits of what a row comes to, in two halves; fast, and well spread, but not made to withstand somebody who chooses rows. */
export function rowHash(bytes: Uint8Array, length: number): readonly [high: number, low: number] {
  let a = SEED_A;
  let b = SEED_B;
  for (let at = 0; at < length; at += 4) {
    // Past the end are zeros: the length, which is mixed in below, tells them from zeros that are there.
    const word = wordAt(bytes, at, length);
    a = Math.imul(rotated(a ^ Math.imul(rotated(Math.imul(word, A1), 15), A2), 13), 5) + A3;
    b = Math.imul(rotated(b ^ Math.imul(rotated(Math.imul(word, B1), 16), B2), 17), 5) + B3;
  }
  a ^= length;
  b ^= length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = spread(a);
  b = spread(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  return [a >>> 0, b >>> 0];
}

function wordAt(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  const end = Math.min(at + 4, length);
  for (let place = at; place < end; place++) word |= (bytes[place] ?? 0) << (8 * (place - at));
  return word;
}

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Every bit of it changes half of the others. */
function spread(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
