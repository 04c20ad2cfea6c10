import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { declaredDependencies, usedDependencies } from './dependencies.ts';

const reasons = { 'docs/decisions/0002-dependencies.md': '\n| `ws` | sockets |\n' };
const messagesOf = (texts: Record<string, string>): string[] =>
  declaredDependencies.find(new SourceTree({ ...reasons, ...texts })).map(({ message }) => message);
const json = (value: unknown): string => JSON.stringify(value);

test('a range outside the catalog and a range inside it are found', () => {
  expect(messagesOf({ 'packages/server/package.json': json({ dependencies: { ws: '^8.0.0', '@alcove/core': 'workspace:*' } }) })).toEqual([
    expect.stringContaining('write catalog:'),
  ]);
  const workspace = "packages:\n  - test\ncatalog:\n  # why\n  'ws': ^8.0.0\n  idb: 8.0.4 # fine\nonlyBuiltDependencies:\n  - esbuild\n";
  expect(messagesOf({ 'pnpm-workspace.yaml': workspace })).toEqual(["'ws': ^8.0.0 is no exact pin"]);
});

test('a dependency without a reason is found', () => {
  expect(messagesOf({ 'packages/client/package.json': json({ dependencies: { 'left-pad': 'catalog:', ws: 'catalog:' } }) })).toEqual([
    expect.stringContaining('left-pad has no line of reason'),
  ]);
});

test('an import that package.json does not name is found', () => {
  const found = messagesOf({
    'packages/server/package.json': json({ dependencies: { ws: 'catalog:' } }),
    'packages/server/src/host/node/a.ts':
      "import { x } from 'ws'; import { y } from '@scope/y/z'; import fs from 'node:fs'; import './b.ts';",
  });
  expect(found).toEqual(['@scope/y is not a dependency of this package']);
});

test('a declared dependency that nothing imports is found, types are not', () => {
  const tree = new SourceTree({
    'packages/server/package.json': json({
      dependencies: { ws: 'catalog:', idb: 'catalog:' },
      devDependencies: { '@types/ws': 'catalog:' },
    }),
    'packages/server/src/host/node/a.ts': "import { x } from 'ws';",
  });
  expect(usedDependencies.find(tree).map(({ message }) => message)).toEqual([expect.stringContaining('idb is used nowhere')]);
});
