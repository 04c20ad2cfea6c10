import { expect, it } from 'vitest';
import { partingWordFrom } from './parting-word.ts';

it('takes from storage what is such a word, and nothing else', () => {
  const key = { role: 'look', text: `look.${'l'.repeat(22)}` } as const;
  const word = { id: 'japan', title: 'Japan', undecided: 2, texts: ['Tea at four'], key };
  expect(partingWordFrom(JSON.stringify({ ...word, key: key.text }))).toEqual(word);
  expect(partingWordFrom(JSON.stringify({ id: 'japan', title: 'Japan', undecided: -1, texts: [7, 'Tea'] }))).toEqual({
    ...word,
    undecided: 0,
    texts: ['Tea'],
    key: null,
  });
  for (const text of [null, '', '{', '7', '{}', JSON.stringify({ ...word, id: 'a/b' }), JSON.stringify({ ...word, title: 7 })])
    expect(partingWordFrom(text)).toBeNull();
});
