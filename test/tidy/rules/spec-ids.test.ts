import { expect, test } from 'vitest';
import { SourceTree } from '../source-tree.ts';
import { specIds } from './spec-ids.ts';

const findingsFor = (spec: string, tests: string): string[] =>
  specIds.find(new SourceTree({ 'docs/SPEC.md': `## RM — room\n\n${spec}`, 'test/contract/a.ts': tests })).map(({ message }) => message);

// Put together, so that this file cites no rule itself.
const named = (ids: string, call = 'test'): string => `${call}('${ids} does it', () => {});`;

test('a rule without a test is found; one that is not built or gone needs none', () => {
  const spec = '- **RM-1** One.\n- **RM-2** Two,\n  over two lines. (not built)\n- **RM-3** ~~Three.~~ (gone)\n';
  expect(findingsFor(spec, '')).toEqual([expect.stringContaining('RM-1 has no test')]);
  expect(findingsFor(spec, named('[RM-1]'))).toEqual([]);
});

test('a skipped test shows nothing', () => {
  expect(findingsFor('- **RM-1** One.', named('[RM-1]', 'test.skip'))).toHaveLength(1);
});

test('several ids, each() and describe count', () => {
  expect(findingsFor('- **RM-1** One.\n- **RM-2** Two.', named('[RM-1][RM-2]', 'test.each([1])'))).toEqual([]);
  expect(findingsFor('- **RM-1** One.', named('[RM-1]', 'describe'))).toEqual([]);
});

test('an unknown id, a repeated id, a strange prefix and a stale mark are found', () => {
  expect(findingsFor('- **RM-1** One.', named('[RM-1][RM-9]'))).toEqual(['[RM-9] is no rule of docs/SPEC.md']);
  expect(findingsFor('- **RM-1** One.\n- **RM-1** Again.', named('[RM-1]'))).toEqual([expect.stringContaining('used twice')]);
  expect(findingsFor('- **XX-1** One.', named('[XX-1]'))).toEqual([expect.stringContaining('no section')]);
  expect(findingsFor('- **RM-1** One. (not built)', named('[RM-1]'))).toEqual([expect.stringContaining('take away')]);
});
