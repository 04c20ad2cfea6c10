import { describe, expect, it } from 'vitest';
import { ExpiringMap } from './expiring-map.ts';

describe('expiring map', () => {
  it('[EP-5] expires what was neither set nor touched for the time given, oldest first', () => {
    const map = new ExpiringMap<number>({ ttlMs: 100, entriesMax: 10 });
    map.set('a', 1, 0);
    map.set('b', 2, 10);
    map.set('c', 3, 20);
    map.touch('a', 50);
    map.touch('nobody', 50);
    expect(map.nextExpiryMs).toBe(110);
    expect(map.expire(119)).toEqual(['b']);
    expect(map.expire(150)).toEqual(['c', 'a']);
    expect([map.size, map.nextExpiryMs]).toEqual([0, null]);
  });

  it('[EP-8] drops the least recently set past its bound', () => {
    const map = new ExpiringMap<number>({ ttlMs: 100, entriesMax: 2 });
    expect(map.set('a', 1, 0)).toBeNull();
    expect(map.set('b', 2, 0)).toBeNull();
    expect(map.set('a', 3, 1)).toBeNull();
    expect(map.set('c', 4, 2)).toBe('b');
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4]);
    expect(map.delete('a')).toBe(true);
    expect(map.size).toBe(1);
  });
});
