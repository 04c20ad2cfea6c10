import { AlcoveError } from '../error.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Two characters for each 12 bits: half the steps. */
const PAIRS: readonly string[] = Array.from({ length: 4096 }, (_, bits) => ALPHABET.charAt(bits >> 6) + ALPHABET.charAt(bits & 63));

const SIX_BITS = new Map([...ALPHABET].map((character, bits) => [character.charCodeAt(0), bits]));
const BITS = Uint8Array.from({ length: 128 }, (_, code) => SIX_BITS.get(code) ?? 255);

/** Base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  const whole = bytes.length - (bytes.length % 3);
  for (let index = 0; index < whole; index += 3) {
    const bits = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text += `${PAIRS[bits >> 12]}${PAIRS[bits & 4095]}`;
  }
  const [first, second] = bytes.subarray(whole);
  if (first === undefined) return text;
  const bits = (first << 10) | ((second ?? 0) << 2);
  return `${text}${PAIRS[bits >> 6]}${second === undefined ? '=' : ALPHABET.charAt(bits & 63)}=`;
}

/** @throws AlcoveError `bad_message` for text that is not padded base64. */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new AlcoveError('bad_message', `a blob of ${text.length} characters is not padded base64`);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const characters = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const bitsAt = (index: number): number => (index < characters ? sixBits(text, index) : 0);
  for (let index = 0, at = 0; index < characters; index += 4, at += 3) {
    const bits = (bitsAt(index) << 18) | (bitsAt(index + 1) << 12) | (bitsAt(index + 2) << 6) | bitsAt(index + 3);
    // Beyond its end a Uint8Array ignores what is written.
    bytes[at] = bits >> 16;
    bytes[at + 1] = bits >> 8;
    bytes[at + 2] = bits;
  }
  return bytes;
}

function sixBits(text: string, index: number): number {
  const bits = BITS[text.charCodeAt(index)] ?? 255;
  if (bits === 255)
    throw new AlcoveError('bad_message', `a blob holds the character ${JSON.stringify(text.charAt(index))}, which is not base64`);
  return bits;
}
