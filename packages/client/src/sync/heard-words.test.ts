import { describe, expect, it } from 'vitest';
import { HeardWords } from './heard-words.ts';

const due = [{ clientId: 'a', upTo: 5 }];

describe('what the room may forget', () => {
  it('[ST-25] waits for the disk, and is told once', () => {
    const words = new HeardWords();
    words.said('a', 3);
    words.said('a', 5);
    for (const status of ['opening', 'saving', 'saved'] as const) expect(words.due(status)).toEqual([]);
    words.ended('a', 4);
    words.ended('b', 5);
    expect(words.due('saved')).toEqual([]);
    words.ended('a', 5);
    expect(words.due('saved')).toEqual(due);
    expect(words.due('saved')).toEqual([]);
  });

  it('[ST-25] does not wait for a disk that there is not, or that fails and knows nothing of the client', () => {
    for (const status of ['off', 'failing'] as const) {
      const words = new HeardWords();
      words.said('a', 5);
      expect(words.due(status)).toEqual(due);
    }
  });

  it('[ST-25] waits for a disk that fails and has something of the client as pending', () => {
    const words = new HeardWords();
    words.stored('a', 2);
    words.said('a', 5);
    expect(words.due('failing')).toEqual([]);
    words.ended('a', 2);
    expect(words.due('failing')).toEqual(due);
  });
});
