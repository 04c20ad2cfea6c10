import { expect, test } from 'vitest';
import { StatementCache } from './statement-cache.ts';

test('[DB-10] the least recently used goes first, through release', () => {
  const released: number[] = [];
  const cache = new StatementCache<number>(2, (entry) => released.push(entry));
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect([cache.size, released, cache.get('b')]).toEqual([2, [2], undefined]);
  cache.set('a', 4);
  expect([released, cache.get('a'), cache.size]).toEqual([[2, 1], 4, 2]);
  cache.set('a', 4);
  expect(released).toEqual([2, 1]);
  cache.clear();
  expect([cache.size, released]).toEqual([0, [2, 1, 3, 4]]);
});
