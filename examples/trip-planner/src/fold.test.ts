import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';

describe('fold', () => {
  it.each([
    ['São Paulo', 'sao paulo'],
    ['Xi’an', 'xian'],
    ['Łódź', 'lodz'],
    ['Tórshavn', 'torshavn'],
    ['Weißenfels', 'weissenfels'],
    ['Diyarbakır', 'diyarbakir'],
    ['İstanbul', 'istanbul'],
    ['Kanazawa-shi', 'kanazawa shi'],
    ["N'Djamena", 'ndjamena'],
    ['  Saint   Petersburg ', 'saint petersburg'],
    ['100% LIKE_this', '100 like this'],
  ])('writes %s as %s', (name, folded) => {
    expect(fold(name)).toBe(folded);
  });

  it('changes nothing the second time', () => {
    for (const name of ['Việt Trì', 'Bucureşti', 'Þorlákshöfn']) expect(fold(fold(name))).toBe(fold(name));
  });
});
