import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { CONSTRUCTOR_LINES_MAX, FILE_LINES_MAX, FUNCTION_LINES_MAX, sizes } from './sizes.ts';

const findingsFor = (text: string): string[] =>
  sizes.find(new SourceTree({ 'packages/core/src/error.ts': text })).map(({ message }) => message);
const lines = (count: number): string => 'f();\n'.repeat(count);

test('a file over the limit is found, one at it is not', () => {
  expect(findingsFor(lines(FILE_LINES_MAX))).toEqual([]);
  expect(findingsFor(lines(FILE_LINES_MAX + 1))).toEqual([expect.stringContaining(`${FILE_LINES_MAX + 1} lines`)]);
});

test('a function over the limit is found, one at it is not, whatever its kind', () => {
  for (const [open, close] of [
    ['function a() {\n', '}'],
    ['const a = () => {\n', '}'],
    ['class A { m() {\n', '} }'],
  ]) {
    expect(findingsFor(`${open}${lines(FUNCTION_LINES_MAX - 2)}${close}`)).toEqual([]);
    expect(findingsFor(`${open}${lines(FUNCTION_LINES_MAX - 1)}${close}`)).toHaveLength(1);
  }
  expect(findingsFor(`class A { constructor() {\n${lines(CONSTRUCTOR_LINES_MAX - 1)}} }`)).toHaveLength(1);
});

test('a suite is a list of tests, the tests in it are measured', () => {
  expect(findingsFor(`describe('x', () => {\n${"test('y', () => {});\n".repeat(100)}});`)).toEqual([]);
  expect(findingsFor(`describe('x', () => {\ntest('y', () => {\n${lines(FUNCTION_LINES_MAX)}});\n});`)).toHaveLength(1);
});
