/** Letters that Unicode does not take apart into a plain letter and an accent. */
const PLAIN: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ħ: 'h',
  ə: 'e',
};

/**
 * A name as it is searched: small plain letters and digits, single spaces. `São Paulo`, `Xi’an`, `Łódź` become
 * `sao paulo`, `xian`, `lodz`. The same for stored names and for what is typed.
 */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[øłđðþßæœıħə]/g, (letter) => PLAIN[letter] ?? letter)
    .replace(/[’‘'`´ʻʼ]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
