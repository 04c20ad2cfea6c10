import { expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { ElsewhereWord } from './elsewhere-word.ts';
import type { EngineNotice } from './engine-interface.ts';

const mutationsOf = (clientId: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({ clientId, mutationId: at + 1, name: 'addStop', args: at, seed: '', nowMs: at }));

function setUp() {
  const runtime = new FakeRuntime();
  const siblings = new SiblingMutations();
  const told: EngineNotice[] = [];
  let wakes = 0;
  const word = new ElsewhereWord(runtime, siblings, { add: (notice) => told.push(notice) }, () => {
    wakes += 1;
  });
  const counts = () => told.map((notice) => (notice.type === 'elsewhere' ? [notice.count, notice.oldest.length] : null));
  return { runtime, siblings, word, told, counts, wakes: () => wakes };
}

it('[TB-13] what other tabs have pending is told a moment later, once a change, and by number where it is much', () => {
  const { runtime, siblings, word, counts, told, wakes } = setUp();
  siblings.add('b', 0, mutationsOf('b', 2));
  word.touch();
  runtime.advance(99);
  expect(counts()).toEqual([]);
  siblings.add('c', 0, mutationsOf('c', 1));
  word.touch();
  runtime.advance(1);
  expect(told).toEqual([
    { type: 'elsewhere', count: 3, oldest: [...mutationsOf('b', 1), ...mutationsOf('c', 1), ...mutationsOf('b', 2).slice(1)] },
  ]);
  expect(wakes()).toBe(1);
  word.touch();
  runtime.advance(1_000);
  expect(counts()).toHaveLength(1);
  siblings.add('d', 0, mutationsOf('d', 250));
  word.touch();
  runtime.advance(100);
  expect(counts()).toEqual([
    [3, 3],
    [253, 100],
  ]);
  for (const clientId of siblings.clientIds()) siblings.take(clientId);
  word.touch();
  runtime.advance(100);
  expect(counts().at(-1)).toEqual([0, 0]);
});

it('[TB-13] what is decided within a moment is not told, and a next engine tells that there is nothing', () => {
  const { runtime, siblings, word, counts } = setUp();
  siblings.add('b', 0, mutationsOf('b', 2));
  word.touch();
  runtime.advance(50);
  siblings.take('b');
  word.touch();
  runtime.advance(1_000);
  expect(counts()).toEqual([]);
  word.again();
  runtime.advance(100);
  expect(counts()).toEqual([[0, 0]]);
  siblings.add('b', 0, mutationsOf('c', 1));
  word.touch();
  word.close();
  runtime.advance(1_000);
  expect(counts()).toHaveLength(1);
});
