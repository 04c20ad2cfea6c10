import { expect, it } from 'vitest';
import { NAME_CHARACTERS_MAX } from './bounds.ts';
import { inventName, NAMES } from './invented-name.ts';

it('has many names, each once, that a person may have', () => {
  expect(new Set(NAMES).size).toBe(NAMES.length);
  expect(NAMES.length).toBeGreaterThanOrEqual(96);
  for (const name of NAMES) expect(name.length).toBeLessThanOrEqual(NAME_CHARACTERS_MAX);
});

it('draws from all of them, and takes one that nobody has while there is one', () => {
  expect([inventName(0), inventName(1 - 2 ** -32)]).toEqual([NAMES[0], NAMES.at(-1)]);
  const taken: string[] = [];
  for (const _ of NAMES) taken.push(inventName(0.5, taken));
  expect(new Set(taken).size).toBe(NAMES.length);
  expect(NAMES).toContain(inventName(0.5, taken));
});
