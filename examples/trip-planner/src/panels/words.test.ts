import { describe, expect, it } from 'vitest';
import { countryName, formatAge, formatBytes, formatMs, initials, nameList, plural } from './words.ts';

describe('words', () => {
  it('count', () => {
    expect(plural(1, 'night')).toBe('1 night');
    expect(plural(0, 'night')).toBe('0 nights');
    expect(plural(138_398, 'city', 'cities')).toBe('138,398 cities');
  });

  it('name countries, and leave unknown letters alone', () => {
    expect(countryName('JP')).toBe('Japan');
    expect(countryName('XZ')).toBe('XZ');
    expect(countryName('')).toBe('');
    expect(countryName('nonsense')).toBe('nonsense');
  });

  it('list people as a sentence', () => {
    expect(nameList([])).toBe('');
    expect(nameList(['Mina'])).toBe('Mina');
    expect(nameList(['Mina', 'Jo'])).toBe('Mina and Jo');
    expect(nameList(['Mina', 'Jo', 'Teo', 'Ada'])).toBe('Mina, Jo and 2 more');
  });

  it('shorten names to letters, whatever the letters are', () => {
    expect(initials('Mina Park')).toBe('MP');
    expect(initials('  noor ')).toBe('N');
    expect(initials('Jean Luc Picard')).toBe('JL');
    expect(initials('𝒵ed')).toBe('𝒵');
    expect(initials('')).toBe('');
  });

  it('say how long ago', () => {
    // A clock that was set back.
    const ages = [-5_000, 0, 4_999, 40_700, 60_000, 3_599_999, 3 * 3_600_000, 24 * 3_600_000, 50 * 3_600_000];
    expect(ages.map(formatAge)).toEqual([
      'just now',
      'just now',
      'just now',
      '40 s ago',
      '1 min ago',
      '59 min ago',
      '3 h ago',
      '1 day ago',
      '2 days ago',
    ]);
  });

  it('say how long something took, with its unit on the same line', () => {
    const times = [0, 3.42, 9.96, 120.4, 999.6, 6_537, 12_300, 59_400, 150_000];
    expect(times.map((ms) => formatMs(ms).replace('\u00a0', ' '))).toEqual([
      '0 ms',
      '3.4 ms',
      '10 ms',
      '120 ms',
      '1 s',
      '6.5 s',
      '12 s',
      '59 s',
      '3 min',
    ]);
    expect(formatMs(3)).toBe('3\u00a0ms');
  });

  it('weigh bytes', () => {
    expect(formatBytes(0)).toBe('0 KB');
    expect(formatBytes(840_400)).toBe('840 KB');
    expect(formatBytes(6_412_000)).toBe('6.4 MB');
  });
});
