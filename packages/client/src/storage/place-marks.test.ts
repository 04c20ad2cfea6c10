import { describe, expect, it } from 'vitest';
import { type MarkTexts, PlaceMarks, placeName, placeOf } from './place-marks.ts';

const place = { server: 'ws://here/sync', user: 'ann', roomName: 'trip', roomId: 'japan' };

const texts = (kept = new Map<string, string>()): MarkTexts => ({
  read: (key) => kept.get(key) ?? null,
  write: (key, text) => void (text === null ? kept.delete(key) : kept.set(key, text)),
  keys: () => [...kept.keys()],
});

describe('marks of places', () => {
  it('[ST-50] tell a storage that was emptied with something pending from a first use, once', () => {
    const marks = new PlaceMarks(texts());
    expect(marks.opened(place, 'one', [])).toBeNull();
    marks.pending(place, 'one', ['a'], ['a']);
    expect(marks.opened(place, 'one', ['a'])).toBeNull();
    expect(marks.opened(place, 'two', [])).toBe('one');
    expect(marks.opened(place, 'two', [])).toBeNull();
    expect(marks.opened(place, 'three', [])).toBeNull();
  });

  it('[ST-50] know what is pending of each tab: one that is done says nothing of another', () => {
    const marks = new PlaceMarks(texts());
    marks.opened(place, 'one', []);
    marks.pending(place, 'one', ['a'], ['a']);
    marks.pending(place, 'one', ['b'], ['b']);
    marks.pending(place, 'one', ['b'], []);
    expect(marks.opened(place, 'two', [])).toBe('one');
    marks.pending(place, 'two', ['c'], ['c']);
    marks.pending(place, 'two', ['c'], []);
    expect(marks.opened(place, 'three', [])).toBeNull();
  });

  it('[ST-50] cost nothing where the browser refuses them, or something else wrote there', () => {
    const refused = (): never => {
      throw new TypeError('refused');
    };
    const marks = new PlaceMarks({ read: refused, write: refused, keys: refused });
    expect(marks.opened(place, 'one', [])).toBeNull();
    marks.pending(place, 'one', ['a'], ['a']);
    expect(marks.places()).toEqual([]);
    const odd = new PlaceMarks(texts(new Map([[placeName(place), '{"groupId":7,"clients":{}}']])));
    expect(odd.opened(place, 'one', [])).toBeNull();
  });

  it('[ST-52] name places so that they are read again, and nothing else is', () => {
    const nobody = { ...place, user: null };
    expect(placeOf(placeName(place))).toEqual(place);
    expect(placeOf(placeName(nobody))).toEqual(nobody);
    for (const name of ['', 'alcove', 'alcove persist asked', 'alcove [1,2,3,4]', 'alcove ["a",null,"b"]', 'other ["a","b","c","d"]'])
      expect(placeOf(name)).toBeNull();
  });
});
