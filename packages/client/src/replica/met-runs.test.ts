import { expect, it } from 'vitest';
import { metRuns, sawLater } from './met-runs.ts';

const run = (...seen: string[]) => ({ seen: new Set(seen) });
const any = { seen: null };
const none = new Set<string>();

it('[RB-14] met are those that saw a touched row, and then those after them that saw a row of theirs', () => {
  const [a, b, c, d] = [run('x'), run('y', 'z'), run('z', 'w'), run('w')];
  const of = (...touched: string[]) => [a, b, c, d].filter((one) => metRuns([a, b, c, d], new Set(touched), () => false).has(one));
  expect(of('nothing')).toEqual([]);
  expect(of('x')).toEqual([a]);
  expect(of('y')).toEqual([b, c, d]);
  expect(of('z')).toEqual([b, c, d]);
  expect(of('w')).toEqual([c, d]);
});

it('[RB-14] one that may have seen anything is met, with all after it', () => {
  const [a, b] = [run('x'), run('y')];
  expect([...metRuns([a, any, b], none, () => false)]).toEqual([any, b]);
});

it('[RB-14] one that is gone takes those along that saw its rows', () => {
  const [a, b, c] = [run('x'), run('x', 'y'), run('z')];
  expect([...metRuns([a, b, c], none, (one) => one === a)]).toEqual([a, b]);
});

it('[RB-14] one that runs again must see nothing of one that stayed after it', () => {
  const stayed = (...seen: string[]) => ({ ...run(...seen), hasStayed: true });
  const again = (...seen: string[]) => ({ ...run(...seen), hasStayed: false });
  expect(sawLater([stayed('x'), again('x'), stayed('y')])).toBe(false);
  expect(sawLater([again('x', 'y'), stayed('y')])).toBe(true);
  expect(sawLater([{ ...any, hasStayed: false }, stayed('y')])).toBe(true);
  expect(sawLater([stayed('y'), { ...any, hasStayed: false }])).toBe(false);
  // One that stayed and saw nothing is no matter.
  expect(sawLater([{ ...any, hasStayed: false }, stayed()])).toBe(false);
});
