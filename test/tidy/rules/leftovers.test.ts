import { expect, test } from 'vitest';
import type { Rule } from '../source-tree.ts';
import { SourceTree } from '../source-tree.ts';
import { leftovers, sleeps } from './leftovers.ts';

const linesOf = (rule: Rule, text: string, path = 'test/contract/a.test.ts'): number[] =>
  rule.find(new SourceTree({ [path]: text })).map(({ line }) => line);

test('.only, debugger, prints and open ends are found', () => {
  const open = 'TO'.concat('DO');
  expect(
    linesOf(leftovers, ["test.only('x', f);", 'debugger;', 'console.log(1);', `// ${open}: later`, `// ${open} (#12): later`].join('\n')),
  ).toEqual([4, 1, 2, 3]);
  expect(linesOf(leftovers, 'describe.each([1]).only("x", f);')).toEqual([]);
  expect(linesOf(leftovers, 'describe.only.each([1])("x", f);')).toEqual([1]);
});

test('a sleep is found, a deadline and a yield are not', () => {
  const text = [
    'await new Promise((resolve) => setTimeout(resolve, 50));',
    'await new Promise((resolve) => setTimeout(() => resolve(), ms));',
    'await new Promise((resolve) => setTimeout(resolve, 0));',
    "await new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 5000));",
    'await page.waitForTimeout(100);',
    "import { setTimeout as wait } from 'node:timers/promises';",
  ].join('\n');
  expect(linesOf(sleeps, text)).toEqual([1, 2, 5, 6]);
  expect(linesOf(sleeps, text, 'packages/core/src/error.ts')).toEqual([]);
});
