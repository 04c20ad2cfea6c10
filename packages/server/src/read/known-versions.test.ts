import { expect, test } from 'vitest';
import { KnownVersions } from './known-versions.ts';

const at = (version: number, historyId = 'h1') => ({ historyId, version });

test('[RD-22] a version is known by answers and by what a replica said it lacks', () => {
  const known = new KnownVersions();
  expect(known.versionAt('a', 'room', null, 0)).toBe('reached');
  expect(known.versionAt('a', 'room', at(5), 0)).toBe('unknown');
  known.saw('a', 'room', at(5), 0);
  expect([4, 5, 6].map((version) => known.versionAt('a', 'room', at(version), 1))).toEqual(['reached', 'reached', 'unknown']);
  known.lacked('a', 'room', at(7), 10);
  expect([5, 6, 7, 8].map((version) => known.versionAt('a', 'room', at(version), 20))).toEqual(['reached', 'unknown', 'behind', 'behind']);
  expect([6, 7, 8].map((version) => known.lackedSinceMs('a', 'room', at(version), 20))).toEqual([Number.POSITIVE_INFINITY, 10, 10]);
  expect([known.versionAt('b', 'room', at(5), 20), known.versionAt('a', 'other', at(5), 20)]).toEqual(['unknown', 'unknown']);
});

test('[RD-22] another history is known for half a minute, and never counts as reached', () => {
  const known = new KnownVersions();
  known.saw('a', 'room', at(900, 'old'), 0);
  expect(known.versionAt('a', 'room', at(5), 29_999)).toBe('other-history');
  expect(known.versionAt('a', 'room', at(5), 30_000)).toBe('unknown');
});

test('a replica that was rebuilt takes its word back', () => {
  const known = new KnownVersions();
  known.saw('a', 'room', at(9), 0);
  known.lacked('a', 'room', at(6), 1);
  expect(known.versionAt('a', 'room', at(6), 2)).toBe('behind');
  expect(known.versionAt('a', 'room', at(5), 2)).toBe('unknown');
  known.saw('a', 'room', at(3), 3);
  expect(known.versionAt('a', 'room', at(5), 4)).toBe('unknown');
});

test('the least recently used pair goes first, a replica that is gone goes whole', () => {
  const known = new KnownVersions(3);
  for (const room of ['1', '2', '3']) known.saw('a', room, at(1), 0);
  known.saw('a', '1', at(2), 0);
  known.saw('b', '1', at(1), 0);
  expect(known.size).toBe(3);
  expect(['1', '2', '3'].map((room) => known.versionAt('a', room, at(1), 0))).toEqual(['reached', 'unknown', 'reached']);
  known.forget('a');
  expect([known.size, known.versionAt('b', '1', at(1), 0)]).toEqual([1, 'reached']);
});
