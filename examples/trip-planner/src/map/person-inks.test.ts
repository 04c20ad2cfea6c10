import { expect, it } from 'vitest';
import { inkBeside, PERSON_INKS } from './person-inks.ts';

it('gives everybody an ink of their own while there are enough', () => {
  expect(inkBeside('rust', [])).toBe('rust');
  expect(inkBeside('rust', ['moss'])).toBe('rust');
  const inks: (typeof PERSON_INKS)[number][] = [];
  for (const _ of PERSON_INKS) inks.push(inkBeside('rust', inks));
  expect(new Set(inks).size).toBe(PERSON_INKS.length);
  expect(inkBeside('rust', inks)).toBe('rust');
});
