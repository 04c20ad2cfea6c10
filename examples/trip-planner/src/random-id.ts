const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

/** So many letters and digits that are not mistaken for each other; five random bits each. Works on pages without TLS, where randomUUID does not. */
export function randomId(characters: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(characters)), (byte) => LETTERS[byte % LETTERS.length]).join('');
}
