import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('lets a burst through, then the rate, and says how long to wait', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5, nowMs: 1000 });
    expect(bucket.take(5, 1000)).toBe(0);
    expect(bucket.take(1, 1000)).toBe(100);
    expect(bucket.take(0, 1100)).toBe(0);
    expect(bucket.take(5, 1100)).toBe(500);
    expect(bucket.take(0, 1599)).toBeGreaterThan(0);
    expect(bucket.take(0, 1600)).toBe(0);
  });

  it('never holds more than its burst, and a time that goes back gives nothing', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5, nowMs: 1000 });
    expect(bucket.take(5, 1_000_000)).toBe(0);
    expect(bucket.take(1, 0)).toBe(100);
  });
});
