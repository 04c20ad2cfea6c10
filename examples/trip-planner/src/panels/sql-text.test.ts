import { describe, expect, it } from 'vitest';
import { markedLine, nameToInsert, wordsOf } from './sql-text.ts';

describe('wordsOf', () => {
  it('finds names, numbers and signs, and where they stand', () => {
    expect(wordsOf('select a.b,1')).toEqual([
      { text: 'select', from: 0, to: 6 },
      { text: 'a', from: 7, to: 8 },
      { text: '.', from: 8, to: 9 },
      { text: 'b', from: 9, to: 10 },
      { text: ',', from: 10, to: 11 },
      { text: '1', from: 11, to: 12 },
    ]);
  });

  it('leaves out what is in strings and comments, closed or not', () => {
    expect(wordsOf("'it''s' -- a\n/* b */ c 'd").map((word) => word.text)).toEqual(['c']);
    expect(wordsOf('a /* b').map((word) => word.text)).toEqual(['a']);
  });

  it('takes quoted names without their quotes', () => {
    expect(wordsOf('"my table" `x y` [z]').map((word) => word.text)).toEqual(['my table', 'x y', 'z']);
  });
});

describe('markedLine', () => {
  const text = 'select a\nfrom b\nwhere c';
  it('is the line of the place, around it', () => {
    expect(markedLine(text, 14, 15)).toEqual({ number: 2, before: 'from ', marked: 'b', after: '' });
    expect(markedLine(text, 16, 21)).toEqual({ number: 3, before: '', marked: 'where', after: ' c' });
  });

  it('ends with its line, and with the text', () => {
    expect(markedLine(text, 7, 14)).toEqual({ number: 1, before: 'select ', marked: 'a', after: '' });
    expect(markedLine(text, text.length, text.length)).toEqual({ number: 3, before: 'where c', marked: '', after: '' });
  });
});

describe('nameToInsert', () => {
  it('keeps apart from its neighbours, and only from those', () => {
    expect(nameToInsert('', 0, 0, 'stops')).toBe('stops');
    expect(nameToInsert('select from', 6, 6, 'city')).toBe(' city');
    expect(nameToInsert('select from', 7, 7, 'city')).toBe('city ');
    expect(nameToInsert('count()', 6, 6, 'id')).toBe('id');
    expect(nameToInsert('s.', 2, 2, 'id')).toBe('id');
    expect(nameToInsert('ab', 1, 1, 'x')).toBe(' x ');
  });

  it('quotes what SQL would read otherwise', () => {
    expect(nameToInsert('', 0, 0, 'my "own"')).toBe('"my ""own"""');
  });
});
