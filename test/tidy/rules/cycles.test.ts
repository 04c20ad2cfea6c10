import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { circlesOf, cycles } from './cycles.ts';

test('a circle of type imports is found once, with its way', () => {
  const tree = new SourceTree({
    'packages/core/src/schema/a.ts': "import type { B } from './b.ts';",
    'packages/core/src/schema/b.ts': "export type { C } from './c.ts';",
    'packages/core/src/schema/c.ts': "type A = import('./a.ts').A;",
    'packages/core/src/schema/d.ts': "import { a } from './a.ts';",
  });
  const found = cycles.find(tree);
  expect(found).toHaveLength(1);
  expect(found[0]?.message).toBe(
    'imports itself through packages/core/src/schema/b.ts → packages/core/src/schema/c.ts → packages/core/src/schema/a.ts',
  );
});

test('a file that imports itself is a circle, a chain is none', () => {
  expect(circlesOf(new Map([['a', ['a']]]))).toEqual([['a']]);
  expect(
    circlesOf(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', []],
      ]),
    ),
  ).toEqual([]);
});
