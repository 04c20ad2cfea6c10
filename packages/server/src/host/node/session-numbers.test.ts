import { expect, it } from 'vitest';
import { SessionNumbers } from './session-numbers.ts';

it('[FO-16] gives each session a number of its own, and none twice on a socket', () => {
  const numbers = new SessionNumbers();
  expect([numbers.give('a'), numbers.give('b')]).toEqual([1, 2]);
  expect(numbers.connectionOf(2)).toBe('b');
  expect(numbers.takeBack(2)).toBe(true);
  expect(numbers.takeBack(2)).toBe(false);
  expect(numbers.connectionOf(2)).toBeUndefined();
  expect(numbers.give('c')).toBe(3);
});

it('begins again with another socket', () => {
  const numbers = new SessionNumbers();
  numbers.takeBack(numbers.give('a'));
  numbers.startOver();
  expect(numbers.give('a')).toBe(1);
});

it('tells once, in pieces, who has said something and is still there', () => {
  const numbers = new SessionNumbers();
  for (const id of ['a', 'b', 'c', 'd']) numbers.said(numbers.give(id));
  numbers.said(1);
  numbers.takeBack(2);
  expect(numbers.takeHeard(2)).toEqual([[1, 3], [4]]);
  expect(numbers.takeHeard(2)).toEqual([]);
});
