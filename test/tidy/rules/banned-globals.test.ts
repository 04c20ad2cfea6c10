import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { bannedGlobals } from './banned-globals.ts';

const linesOf = (path: string, text: string): number[] => bannedGlobals.find(new SourceTree({ [path]: text })).map(({ line }) => line);

test('each banned global is found, through globalThis too', () => {
  const text = [
    'Date.now();',
    'setTimeout(f, 1);',
    'globalThis.setInterval(f, 1);',
    'console.log(1);',
    'new Date();',
    'const r = Math.random;',
  ].join('\n');
  expect(linesOf('packages/client/src/sync/a.ts', text)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('names that only look like it are not', () => {
  const text =
    'timers.setTimeout(f); const o = { console: 1, setTimeout: f }; interface T { setTimeout(): void } new Date(5); o.console; type N = Date;';
  expect(linesOf('packages/client/src/sync/a.ts', text)).toEqual([]);
});

test('hosts and tests may; globalThis is banned in core and the inner server only', () => {
  expect(linesOf('packages/server/src/host/node/a.ts', 'Date.now()')).toEqual([]);
  expect(linesOf('packages/core/src/error.test.ts', 'Date.now()')).toEqual([]);
  expect(linesOf('packages/server/src/room/a.ts', 'f(globalThis)')).toEqual([1]);
  expect(linesOf('packages/client/src/client.ts', 'f(globalThis)')).toEqual([]);
});
