import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { levels } from './levels.ts';

const corePackage = JSON.stringify({ exports: { './*': { '@alcove/source': './src/*.ts' } } });

test('an upward import is found, a type import too', () => {
  const tree = new SourceTree({
    'packages/core/src/sqlite/a.ts': "import type { B } from '../protocol/b.ts';",
    'packages/core/src/protocol/b.ts': "import { a } from '../sqlite/a.ts'; import { c } from './c.ts';",
    'packages/core/src/protocol/c.ts': '',
  });
  expect(levels.find(tree)).toEqual([expect.objectContaining({ path: 'packages/core/src/sqlite/a.ts', line: 1 })]);
});

test('folders of one level do not know each other', () => {
  const tree = new SourceTree({
    'packages/server/src/host/node/a.ts': "import { b } from '../cloudflare/b.ts';",
    'packages/server/src/host/cloudflare/b.ts': '',
  });
  expect(levels.find(tree)).toHaveLength(1);
});

test('packages import packages below them only', () => {
  const tree = new SourceTree({
    'packages/core/package.json': corePackage,
    'packages/core/src/error.ts': "import { room } from '../../server/src/room/room.ts';",
    'packages/server/src/room/room.ts': "import { e } from '@alcove/core/error';",
  });
  expect(levels.find(tree).map(({ message }) => message)).toEqual(['package core must not import package server']);
});

test('a folder without a level is found, a test file imported by shipped code too', () => {
  const tree = new SourceTree({
    'packages/client/src/new-folder/a.ts': '',
    'packages/client/src/client.ts': "import { fake } from '../../../test/fake/fake.ts';",
    'test/fake/fake.ts': '',
  });
  expect(levels.find(tree).map(({ message }) => message)).toEqual([
    expect.stringContaining('has no level'),
    expect.stringContaining('not shipped'),
  ]);
});
