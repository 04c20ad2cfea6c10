import { expect, it } from 'vitest';
import { type Away, type ConnectionWord, nextAway, NOT_MET } from './away.ts';

const after = (...words: [ConnectionWord, number][]): Away => words.reduce((away, [word, ms]) => nextAway(away, word, ms), NOT_MET);

it('is away since the first word of it, however often it tries', () => {
  const once = after(['connecting', 1], ['connected', 2], ['reconnecting', 50], ['connecting', 60], ['reconnecting', 70]);
  expect(once).toEqual({ sinceMs: 50, met: true });
  expect(nextAway(once, 'connected', 80)).toEqual({ sinceMs: null, met: true });
});

it('knows a first try from a loss', () => {
  expect(after(['connecting', 5], ['reconnecting', 9])).toEqual({ sinceMs: 5, met: false });
});

it('is the same object while nothing changes', () => {
  const here = after(['connected', 1]);
  expect(nextAway(here, 'connected', 2)).toBe(here);
  const gone = nextAway(here, 'failed', 3);
  expect(nextAway(gone, 'connecting', 4)).toBe(gone);
});
