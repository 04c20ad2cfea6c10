import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { names } from './names.ts';

const messagesOf = (path: string, text = ''): string[] => names.find(new SourceTree({ [path]: text })).map(({ message }) => message);

test('banned words are found in file and folder names', () => {
  expect(messagesOf('packages/core/src/utils/row.ts')).toHaveLength(1);
  expect(messagesOf('packages/core/src/sqlite/statement-manager.ts')).toHaveLength(1);
  expect(messagesOf('packages/core/src/sqlite/types.ts')).toHaveLength(1);
  expect(messagesOf('packages/core/src/sqlite/statementCache.ts')).toEqual([expect.stringContaining('kebab-case')]);
  expect(messagesOf('packages/core/src/sqlite/statement-cache.test.ts')).toEqual([]);
});

test('banned words are found in exported names, as whole words', () => {
  const text = [
    'export class RoomManager {}',
    'export const rowData = 1, dataDir = 2, terminate = 3;',
    'const epoch = 1; export { epoch };',
    'export interface RoomStore {}',
    'export function storeHead() {}',
    'export function sync() {}',
    'export const createSyncEngine = 1;',
  ].join('\n');
  expect(messagesOf('packages/core/src/sqlite/a.ts', text).map((message) => message.split(':')[0])).toEqual([
    "'RoomManager'",
    "'rowData'",
    "'epoch'",
    "'RoomStore'",
    "'sync'",
  ]);
});
