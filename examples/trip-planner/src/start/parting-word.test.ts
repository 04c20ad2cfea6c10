import { expect, it } from 'vitest';
import { partingWordFrom } from './parting-word.ts';

it('takes from storage what is such a word, and nothing else', () => {
  const word = { id: 'japan', title: 'Japan', undecided: 2, texts: ['Tea at four'] };
  expect(partingWordFrom(JSON.stringify(word))).toEqual(word);
  expect(partingWordFrom(JSON.stringify({ id: 'japan', title: 'Japan', undecided: -1, texts: [7, 'Tea'] }))).toEqual({
    ...word,
    undecided: 0,
    texts: ['Tea'],
  });
  for (const text of [null, '', '{', '7', '{}', JSON.stringify({ ...word, id: 'a/b' }), JSON.stringify({ ...word, title: 7 })])
    expect(partingWordFrom(text)).toBeNull();
});
