import ts from 'typescript';
import { type Finding, isTestCode, type Rule, type SourceTree, type TreeFile, walk } from '../source-tree.ts';

const SPEC = 'docs/SPEC.md';

interface SpecRule {
  readonly id: string;
  readonly line: number;
  readonly state: 'built' | 'not built' | 'gone';
}

export const specIds: Rule = {
  name: 'every rule of docs/SPEC.md has a test, every id in a test name is a rule',
  find: (tree) => {
    const spec = tree.get(SPEC);
    if (spec === undefined) return [{ path: SPEC, line: 1, message: 'is missing' }];
    const rules = rulesOf(spec);
    const cited = tree.code(isTestCode).flatMap(citationsIn);
    return [...specFindings(spec, rules, new Set(cited.map(({ id }) => id))), ...unknownIds(tree, rules, cited)];
  },
};

function rulesOf(spec: TreeFile): SpecRule[] {
  return spec.lines.flatMap((text, index) => {
    const match = /^- \*\*([A-Z]{2}-\d+)\*\* (.*)$/.exec(text);
    if (match === null) return [];
    const [, id = '', words = ''] = match;
    // A rule may run over several lines; its mark stands at the end of the last.
    const following = spec.lines.slice(index + 1);
    const end = following.findIndex((line) => !/^\s+\S/.test(line));
    const whole = [words, ...following.slice(0, end === -1 ? undefined : end)].join(' ').trim();
    return [{ id, line: index + 1, state: whole.endsWith('(not built)') ? 'not built' : whole.endsWith('(gone)') ? 'gone' : 'built' }];
  });
}

function specFindings(spec: TreeFile, rules: readonly SpecRule[], cited: ReadonlySet<string>): Finding[] {
  const sections = new Set(spec.lines.flatMap((line) => /^## ([A-Z]{2}) /.exec(line)?.[1] ?? []));
  const seen = new Set<string>();
  return rules.flatMap(({ id, line, state }) => {
    const found: Finding[] = [];
    if (seen.has(id)) found.push(spec.finding(line, `${id} is used twice: give this rule the next free number`));
    seen.add(id);
    if (!sections.has(id.slice(0, 2))) found.push(spec.finding(line, `${id} has no section of its prefix`));
    if (state === 'built' && !cited.has(id))
      found.push(spec.finding(line, `${id} has no test: begin a test's name with [${id}], or end the rule in (not built)`));
    if (state === 'not built' && cited.has(id)) found.push(spec.finding(line, `${id} has a test: take away (not built)`));
    if (state === 'gone' && cited.has(id)) found.push(spec.finding(line, `${id} is gone and still has a test`));
    return found;
  });
}

interface Citation {
  readonly id: string;
  readonly path: string;
  readonly line: number;
}

function unknownIds(tree: SourceTree, rules: readonly SpecRule[], cited: readonly Citation[]): Finding[] {
  const known = new Set(rules.map(({ id }) => id));
  return cited
    .filter(({ id }) => !known.has(id))
    .flatMap(({ id, path, line }) => tree.get(path)?.finding(line, `[${id}] is no rule of ${SPEC}`) ?? []);
}

/** Ids at the start of the names of tests that run: skipped ones and todos show nothing. */
function citationsIn(file: TreeFile): Citation[] {
  const found: Citation[] = [];
  walk(file.ast, (node) => {
    if (!ts.isCallExpression(node) || !/^(test|it|describe)\b/.test(node.expression.getText())) return;
    if (/\.(skip|todo|fails)\b/.test(node.expression.getText())) return;
    const name = node.arguments[0];
    const text = name === undefined ? '' : ts.isStringLiteralLike(name) ? name.text : ts.isTemplateExpression(name) ? name.head.text : '';
    const prefix = /^(?:\[[A-Z]{2}-\d+\])+/.exec(text)?.[0] ?? '';
    for (const [, id = ''] of prefix.matchAll(/\[([A-Z]{2}-\d+)\]/g)) found.push({ id, path: file.path, line: file.lineOf(node) });
  });
  return found;
}
