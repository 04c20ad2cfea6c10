import { expect, it } from 'vitest';
import { editKey, lookKey, lookKeyIn, tokenFrom, tokenOf, tripKeyFrom } from './trip-key.ts';

const [E, L] = ['e'.repeat(22), 'l'.repeat(22)];

it('takes of an address what may be a key, and nothing else', () => {
  expect(tripKeyFrom(`edit.${E}.${L}`)).toEqual(editKey(E, L));
  expect(tripKeyFrom(`look.${L}`)).toEqual(lookKey(L));
  for (const text of ['', 'look', `look.${E}.${L}`, `edit.${E}`, `look.${L}x`, `edit.${E}.${L}.${L}`, `own.${L}`, `look.${'é'.repeat(22)}`])
    expect(tripKeyFrom(text)).toBeNull();
});

it('has the key to look in the key to edit, and not the other way round', () => {
  expect(lookKeyIn(editKey(E, L))).toEqual(lookKey(L));
  expect(lookKeyIn(lookKey(L))).toEqual(lookKey(L));
  expect(lookKeyIn(editKey(E, L)).text).not.toContain(E);
});

it('reads a token as it was said', () => {
  const secret = 'a'.repeat(20);
  expect(tokenFrom(tokenOf(secret, 'japan-2027', lookKey(L)))).toEqual({ visitorSecret: secret, tripId: 'japan-2027', key: lookKey(L) });
  expect(tokenFrom(`${secret} japan nonsense`)).toMatchObject({ key: null });
  for (const text of ['', secret, `${secret} japan`, `A${secret} japan x`, `${secret}  x`]) expect(tokenFrom(text)).toBeNull();
});
