import { expect, test } from 'vitest';
import type { Rule } from '../source-tree.ts';
import { SourceTree } from '../source-tree.ts';
import { casts, plainErrors } from './errors-and-casts.ts';

const linesOf = (rule: Rule, text: string): number[] =>
  rule.find(new SourceTree({ 'packages/core/src/sqlite/a.ts': text })).map(({ line }) => line);

test('a plain error is found, thrown or handed on', () => {
  expect(linesOf(plainErrors, "throw new Error('x');\nreject(new TypeError('y'));\nthrow new AlcoveError('internal', 'z');")).toEqual([
    1, 2,
  ]);
});

test('a cast without a comment is found; const, unknown and a reason are fine', () => {
  const text = [
    'const a = x as Row;',
    'const b = [1] as const;',
    'const c = x as unknown;',
    '',
    '// sql.js types every cell as any of five.',
    'const d = x as Row;',
    '',
    'const e = x as Row; // checked two lines above',
  ].join('\n');
  expect(linesOf(casts, text)).toEqual([1]);
});
