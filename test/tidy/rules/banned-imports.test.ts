import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { bannedImports } from './banned-imports.ts';

const messagesOf = (path: string, text: string): string[] =>
  bannedImports.find(new SourceTree({ [path]: text })).map(({ message }) => message);

test('a module outside its place is found with its replacement', () => {
  expect(messagesOf('packages/core/src/sqlite/a.ts', "import fs from 'node:fs';")).toEqual([expect.stringContaining('Runtime')]);
  expect(messagesOf('packages/server/src/room/a.ts', "import type D from 'better-sqlite3';")).toEqual([
    expect.stringContaining('Database'),
  ]);
  expect(messagesOf('packages/server/src/host/node/a.ts', "import D from 'better-sqlite3'; import fs from 'node:fs';")).toEqual([]);
  expect(messagesOf('packages/core/src/sqlite/a.ts', "import { drizzle } from 'drizzle-orm/sql-js';")).toHaveLength(1);
});

test('a relative import without extension is found, in tests too', () => {
  expect(messagesOf('packages/core/src/error.test.ts', "import { x } from './error'; import { y } from './y.ts';")).toEqual([
    "'./error' needs its file extension: .ts, .tsx …",
  ]);
});

test('barrels are found', () => {
  expect(messagesOf('packages/core/src/sqlite/a.ts', "export * from './b.ts'; export { c } from './c.ts';")).toHaveLength(1);
  expect(messagesOf('packages/core/src/sqlite/index.ts', '')).toHaveLength(1);
  expect(messagesOf('packages/client/src/index.ts', "export * from './client.ts';")).toEqual([]);
});

test('a test that opens better-sqlite3 itself is found, outside contract suites', () => {
  const text = "import { openBetterSqlite3 } from '../host/node/better-sqlite3-database.ts';";
  expect(messagesOf('packages/server/src/room/room.test.ts', text)).toEqual([expect.stringContaining('openDatabase')]);
  expect(messagesOf('test/contract/engines.ts', text)).toEqual([]);
});

test('what tests draw comes from one place', () => {
  const text = "import fc from 'fast-check';\nimport type { Arbitrary } from 'fast-check';";
  expect(messagesOf('test/contract/a.test.ts', text)).toEqual([expect.stringMatching(/^fast-check comes from test\/fake\/properties\.ts/)]);
  expect(messagesOf('test/fake/properties.ts', text)).toEqual([]);
});
