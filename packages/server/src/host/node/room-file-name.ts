/**
 * Room ids and room names as file names, readable where they can be, and back.
 *
 * Two names that differ in any character give two files on every file system: upper case is escaped (`A` is `+a`), for some file systems do not
 * tell case apart; `~` is escaped, for Windows has short names with it; names that Windows keeps for devices get a prefix. Nothing that comes out
 * holds a path separator, begins or ends with a dot, or is longer than 210 characters.
 */

const ESCAPED_NAME_MAX = 200;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/** What may be a room's id or name: 1 to 128 of A-Z a-z 0-9 . _ ~ - and no dot in front. */
export const ROOM_ID = /^(?!\.)[A-Za-z0-9._~-]{1,128}$/;

/** The file name, without its ending, of an id that matches `ROOM_ID`. */
export const fileNameOfId = (id: string): string => {
  const escaped = escapeId(id);
  return escaped.length <= ESCAPED_NAME_MAX ? escaped : `+2${toBase32(id)}`;
};

/** The id whose file name this is, or null where it is nobody's: foreign files and second spellings of a name. */
export const idOfFileName = (fileName: string): string | null => {
  const id = fileName.startsWith('+2') ? fromBase32(fileName.slice(2)) : unescapeName(fileName);
  return id !== null && ROOM_ID.test(id) && fileNameOfId(id) === fileName ? id : null;
};

const escapeId = (id: string): string => {
  const escaped = id
    .replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)
    .replace(/~/g, '+0')
    .replace(/\.$/, '+3')
    .replace(/^-/, '+4');
  return RESERVED.test(escaped) ? `+1${escaped}` : escaped;
};

const unescapeName = (name: string): string | null => {
  if (!/^(?:[a-z0-9._-]|\+[a-z0134])+$/.test(name)) return null;
  return name.replace(/\+(.)/g, (_, mark: string) => ESCAPES[mark] ?? mark.toUpperCase());
};

const ESCAPES: Readonly<Record<string, string>> = { '0': '~', '1': '', '3': '.', '4': '-' };

const toBase32 = (text: string): string => {
  let out = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length; i += 1) {
    held = (held << 8) | text.charCodeAt(i);
    for (bits += 8; bits >= 5; bits -= 5) out += BASE32.charAt((held >> (bits - 5)) & 31);
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? out : out + BASE32.charAt((held << (5 - bits)) & 31);
};

const fromBase32 = (text: string): string | null => {
  let out = '';
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const five = BASE32.indexOf(letter);
    if (five < 0) return null;
    held = (held << 5) | five;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode(held >> bits);
    held &= (1 << bits) - 1;
  }
  return out;
};
