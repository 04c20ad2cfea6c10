import { describe, expect, test } from 'vitest';
import { bannedGlobals } from './rules/banned-globals.ts';
import { bannedImports } from './rules/banned-imports.ts';
import { cycles } from './rules/cycles.ts';
import { deadFiles } from './rules/dead-files.ts';
import { declaredDependencies, usedDependencies } from './rules/dependencies.ts';
import { decisions, documentLinks, errorCodes, machineTraces } from './rules/documents.ts';
import { casts, plainErrors } from './rules/errors-and-casts.ts';
import { leftovers, sleeps } from './rules/leftovers.ts';
import { levels } from './rules/levels.ts';
import { names } from './rules/names.ts';
import { sizes } from './rules/sizes.ts';
import { specIds } from './rules/spec-ids.ts';
import { readSourceTree } from './source-tree.ts';

const RULES = [
  levels,
  cycles,
  bannedGlobals,
  bannedImports,
  plainErrors,
  casts,
  names,
  sizes,
  leftovers,
  sleeps,
  deadFiles,
  declaredDependencies,
  usedDependencies,
  specIds,
  errorCodes,
  decisions,
  documentLinks,
  machineTraces,
];

const tree = readSourceTree();

test('the tree was read', () => {
  expect(tree.files.map(({ path }) => path)).toEqual(expect.arrayContaining(['package.json', 'test/tidy/tidy.test.ts', 'docs/SPEC.md']));
});

describe('the house', () => {
  for (const rule of RULES) {
    test(rule.name, (context) => {
      const waitsFor = rule.notYet?.(tree) ?? null;
      if (waitsFor !== null) context.skip(waitsFor);
      const found = rule.find(tree).map(({ path, line, message }) => `${path}:${line} ${message}`);
      if (found.length > 0) expect.fail(`${found.length} found\n${found.join('\n')}`);
    });
  }
});

test('every file of rules has a test that shows that they can fail', () => {
  const rules = tree.code((path) => /^test\/tidy\/rules\/[^.]+\.ts$/.test(path));
  expect(rules.filter(({ path }) => tree.get(path.replace(/\.ts$/, '.test.ts')) === undefined).map(({ path }) => path)).toEqual([]);
});
