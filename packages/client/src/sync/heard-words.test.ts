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

  it('[ST-25] does not wait for a disk that there is not, but for one that fails: other tabs may have it as pending', () => {
    const words = new HeardWords();
    words.said('a', 5);
    expect(words.due('failing')).toEqual([]);
    expect(words.due('off')).toEqual(due);
  });
});
