import { expect, it, test } from 'vitest';
import { isSlow, mayEject, SLOW_SETTINGS, slowFrom } from './eject-slow.ts';
import { LatencyWindow, quantile } from './latency-window.ts';

const of = (ms: number, count = 50): number[] => Array.from({ length: count }, () => ms);

it.each<[string, number[][], number | null]>([
  ['nobody else', [], null],
  ['others with too few reads', [of(5, 9), of(5, 3)], null],
  ['two like each other', [of(8), of(8)], 80],
  ['the median, so that one ill one counts for nothing', [of(8), of(9), of(4_000)], 90],
  ['never below the floor', [of(0.2), of(0.3)], 50],
  ['nearly all of theirs, not their one slow read', [[...of(8, 49), 3_000]], 80],
])('slow from: %s', (_, others, expected) => {
  expect(slowFrom(others, SLOW_SETTINGS)).toBe(expected);
});

test('[RD-27] three slow reads and a twentieth of all make a replica slow', () => {
  expect(isSlow([1, 1, 900, 900], 100)).toBe(false);
  expect(isSlow([1, 900, 900, 900], 100)).toBe(true);
  expect(isSlow([...of(1, 60), 900, 900, 900], 100)).toBe(false);
  expect(isSlow([...of(1, 57), 900, 900, 900], 100)).toBe(true);
  expect(isSlow([...of(100, 60)], 100)).toBe(false);
});

it.each([
  [1, 0, false],
  [2, 0, true],
  [2, 1, false],
  [3, 0, true],
  [3, 1, false],
  [4, 1, true],
  [5, 2, false],
])('[RD-27] of %d replicas with %d out, one more may go: %s', (replicas, ejected, expected) => {
  expect(mayEject(replicas, ejected)).toBe(expected);
});

test('a window holds the last 128 of the last minute, and an average that forgets', () => {
  const window = new LatencyWindow();
  expect([window.ewmaMs, window.sorted(0)]).toEqual([null, []]);
  for (let index = 0; index < 200; index++) window.add(index, index);
  expect(window.sorted(200)).toEqual(Array.from({ length: 128 }, (_, index) => index + 72));
  expect(window.sorted(60_197)).toEqual([198, 199]);
  expect(window.ewmaMs).toBeGreaterThan(180);
  window.clear();
  expect([window.ewmaMs, window.sorted(200)]).toEqual([null, []]);
});

it.each([
  [[], 0.5, null],
  [[7], 0.99, 7],
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3], 0.5, 2],
  [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
  [[1, 2], 0, 1],
])('quantile of %j at %d', (sorted, share, expected) => {
  expect(quantile(sorted, share)).toBe(expected);
});
