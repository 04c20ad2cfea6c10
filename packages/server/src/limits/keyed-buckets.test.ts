import { describe, expect, it } from 'vitest';
import { KeyedBuckets } from './keyed-buckets.ts';

describe('KeyedBuckets', () => {
  it('keeps one budget a key', () => {
    const buckets = new KeyedBuckets({ perSecond: 10, burst: 5 });
    expect(buckets.of('ann', 0).take(6, 0)).toBe(100);
    expect(buckets.of('ann', 0).available(0)).toBe(0);
    expect(buckets.of('bob', 0).available(0)).toBe(5);
    expect(buckets.of('ann', 0).waitMs(3, 0)).toBe(400);
    expect(buckets.of('ann', 0).waitMs(99, 0)).toBe(600);
  });

  it('forgets those that are full again, and no others', () => {
    const buckets = new KeyedBuckets({ perSecond: 1, burst: 5 });
    for (let key = 0; key < 256; key += 1) buckets.of(`early ${key}`, 0).take(5, 0);
    buckets.of('late', 4_000).take(5, 4_000);
    expect(buckets.size).toBe(257);
    for (let key = 0; key < 300; key += 1) buckets.of(`next ${key}`, 5_000).take(5, 5_000);
    expect(buckets.size).toBe(301);
    expect(buckets.of('late', 5_000).available(5_000)).toBe(1);
  });
});
