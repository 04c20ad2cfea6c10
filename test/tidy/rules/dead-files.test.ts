import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { deadFiles } from './dead-files.ts';

const base = {
  'packages/core/package.json': JSON.stringify({ exports: { './*': { '@alcove/source': './src/*.ts' } } }),
  'packages/client/package.json': JSON.stringify({ exports: { '.': { '@alcove/source': './src/index.ts' } } }),
  'packages/client/src/index.ts': "import { used } from '@alcove/core/used'; new URL('./worker/worker.ts', import.meta.url);",
  'packages/client/src/worker/worker.ts': '',
  'packages/core/src/used.ts': '',
};

test('a shipped file that only its test reaches is dead', () => {
  const tree = new SourceTree({
    ...base,
    'packages/core/src/unused.ts': '',
    'packages/core/src/unused.test.ts': "import { unused } from './unused.ts';",
  });
  expect(deadFiles.find(tree).map(({ path }) => path)).toEqual(['packages/core/src/unused.ts']);
});

test('a script that nothing names and a fake that no test imports are dead', () => {
  const tree = new SourceTree({
    ...base,
    'package.json': JSON.stringify({ scripts: { setup: 'node scripts/setup.mjs' } }),
    'scripts/setup.mjs': "import { run } from './run.mjs';",
    'scripts/run.mjs': '',
    'scripts/old.mjs': '',
    'test/fake/fake.ts': '',
    'test/fake/other.ts': '',
    'test/fake/fake.test.ts': "import { fake } from './fake.ts';",
  });
  expect(deadFiles.find(tree).map(({ path }) => path)).toEqual(['scripts/old.mjs', 'test/fake/other.ts']);
});

test('it waits, by name, for entries that are not written yet', () => {
  const tree = new SourceTree({ 'packages/client/package.json': base['packages/client/package.json'] });
  expect(deadFiles.notYet?.(tree)).toContain('packages/client/src/index.ts');
  expect(deadFiles.notYet?.(new SourceTree(base))).toBeNull();
});
