import { expect, test } from 'vitest';
import type { Rule } from '../source-tree.ts';
import { SourceTree } from '../source-tree.ts';
import { decisions, documentLinks, errorCodes, machineTraces } from './documents.ts';

const messagesOf = (rule: Rule, texts: Record<string, string>): string[] => rule.find(new SourceTree(texts)).map(({ message }) => message);

test('paths of one machine and registry addresses are found', () => {
  const path = ['', 'home', 'ada', 'x.ts'].join('/');
  expect(messagesOf(machineTraces, { 'a.ts': `open('${path}')`, 'b.ts': 'new URL("/home/rooms", base)' })).toEqual([
    expect.stringContaining('one machine'),
  ]);
  const address = ['https:/', 'registry.example.org', 'x.tgz'].join('/');
  expect(messagesOf(machineTraces, { 'pnpm-lock.yaml': `resolution: { tarball: ${address} }` })).toEqual([
    expect.stringContaining('registry'),
  ]);
});

test('a gap, a wrong heading and a missing part of a decision are found', () => {
  const good = '# 0001. A\n## Context\n## Options\n## Choice\n## Consequences\n';
  expect(messagesOf(decisions, { 'docs/decisions/0001-a.md': good })).toEqual([]);
  expect(messagesOf(decisions, { 'docs/decisions/0001-a.md': good, 'docs/decisions/0003-b.md': good })).toHaveLength(2);
  expect(messagesOf(decisions, { 'docs/decisions/0001-a.md': '# 0001. A\n## Context\n## Choice\n' })).toEqual([
    'lacks ## Options, ## Consequences',
  ]);
});

test('a link that leads nowhere is found', () => {
  const text = '[a](b.md#part) [c](../d.md) [e](https://example.org) [f](#g)';
  expect(messagesOf(documentLinks, { 'docs/a.md': text, 'docs/b.md': '' })).toEqual(['../d.md leads nowhere']);
});

test('a code that is missing, unknown, wrong or unexplained in the table is found', () => {
  const codes = "const ERROR_CODES = { a_b: entry(false, 'x', 4400), c: entry(true, 'y'), d: entry(true, 'z') };";
  const table = '| `a_b` | yes | 4400 | always |\n| `c` | yes | – |  |\n| `z` | no | – | never |\n';
  expect(messagesOf(errorCodes, { 'packages/core/src/error.ts': codes, 'docs/ERRORS.md': table })).toEqual([
    'z is no code',
    expect.stringContaining("a_b is 'no 4400'"),
    'c does not say when it is raised',
    expect.stringContaining('d is missing'),
  ]);
});
