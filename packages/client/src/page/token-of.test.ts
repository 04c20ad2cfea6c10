import { expect, it } from 'vitest';
import { tokenOf } from './token-of.ts';

it.each([['token'], [''], [null]])('takes text and null, at once or later: %j', async (given) => {
  expect(tokenOf(given)).toBe(given);
  expect(await tokenOf(Promise.resolve(given))).toBe(given);
});

it('takes nothing for null', async () => {
  expect(tokenOf(undefined)).toBeNull();
  expect(await tokenOf(Promise.resolve())).toBeNull();
});

it.each([
  [{ token: 'secret' }, 'an object'],
  [['secret'], 'an array'],
  [5, 'a number'],
  [true, 'a boolean'],
  [() => 'secret', 'a function'],
])('[CN-51] names what is neither, and quotes nothing of it: %o', async (given, said) => {
  const refusal = expect.objectContaining({ code: 'option_invalid', message: `auth gave ${said}; it gives the token as text, or null` });
  expect(() => tokenOf(given)).toThrow(refusal);
  await expect(tokenOf(Promise.resolve(given))).rejects.toEqual(refusal);
});

it('leaves what auth fails with as it is', async () => {
  await expect(tokenOf(Promise.reject(new TypeError('offline')))).rejects.toThrow('offline');
});
