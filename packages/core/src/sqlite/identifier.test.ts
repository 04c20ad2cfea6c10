import { expect, test } from 'vitest';
import { assertIdentifier, isStorableText, quoteIdentifier } from './identifier.ts';

test('[DB-36] any storable name is quoted so that it is one name', () => {
  expect(['a', 'a b', 'a"b', '"', 'select', 'é👩‍🚀', '`[x]', "x';--"].map(quoteIdentifier)).toEqual([
    '"a"',
    '"a b"',
    '"a""b"',
    '""""',
    '"select"',
    '"é👩‍🚀"',
    '"`[x]"',
    `"x';--"`,
  ]);
});

test.each(['', '\0', 'a\0', 'a\ud800', '\udc00a'])('[DB-36] the name %j is refused', (name) => {
  for (const use of [assertIdentifier, quoteIdentifier])
    expect(() => use(name)).toThrow(expect.objectContaining({ code: 'schema_invalid' }));
});

test('[DB-3] storable text has neither NUL nor half a surrogate pair', () => {
  expect(['', 'a', '👩‍🚀', '\ufffd\ufeff', '\u{10ffff}'].map(isStorableText)).toEqual([true, true, true, true, true]);
  expect(['\0', '\ud83d', '\udc69\ud83d', 'a\ud83db'].map(isStorableText)).toEqual([false, false, false, false]);
});
