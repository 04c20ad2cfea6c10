import ts from 'typescript';
import { type Finding, isTestCode, type Rule, type TreeFile, walk } from '../source-tree.ts';

export const leftovers: Rule = {
  name: 'no leftovers: .only, debugger, open ends without an issue, prints in tests',
  find: (tree) => tree.code().flatMap((file) => [...openEnds(file), ...statements(file)]),
};

/** Benches pace their load; the contract of Runtime is about timers and waits for real ones. */
const MAY_WAIT = /^test\/(bench\/|contract\/runtime)/;

export const sleeps: Rule = {
  name: 'tests wait for conditions, not for time',
  find: (tree) => tree.code((path) => isTestCode(path) && !MAY_WAIT.test(path)).flatMap(sleepsIn),
};

// Put together, so that this file has none of them itself.
const OPEN_END = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b(?!.*#\\d+)`);

function openEnds(file: TreeFile): Finding[] {
  return file.lines.flatMap((line, index) =>
    OPEN_END.test(line) ? [file.finding(index + 1, 'an open end needs its issue: (#12), or a line in docs/drift.md')] : [],
  );
}

function statements(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  walk(file.ast, (node) => {
    if (node.kind === ts.SyntaxKind.DebuggerStatement) found.push(file.finding(node, 'debugger'));
    if (!ts.isCallExpression(node)) return;
    const called = node.expression.getText();
    if (/^(test|it|describe)(\.\w+)*\.only(\.\w+)?$/.test(called)) found.push(file.finding(node, '.only leaves the other tests out'));
    const prints = /^console\.(log|debug|info|dir)$/.test(called);
    // Command lines print: that is their result.
    if (prints && isTestCode(file.path) && !/^test\/(bench|simulation)\//.test(file.path))
      found.push(file.finding(node, `${called} in a test`));
  });
  return found;
}

const INSTEAD = 'waits for time: use vi.waitFor, expect.poll or the fake Runtime';

function sleepsIn(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  walk(file.ast, (node) => {
    if (ts.isImportDeclaration(node) && node.moduleSpecifier.getText().slice(1, -1).endsWith('timers/promises'))
      found.push(file.finding(node, INSTEAD));
    if (ts.isCallExpression(node) && (node.expression.getText().endsWith('.waitForTimeout') || isSleep(node)))
      found.push(file.finding(node, INSTEAD));
  });
  return found;
}

/** `new Promise((resolve) => setTimeout(resolve, 50))`; a timer that rejects is a deadline, one of 0 ms yields. */
function isSleep(call: ts.CallExpression): boolean {
  const [callback, delay] = call.arguments;
  if (call.expression.getText() !== 'setTimeout' || callback === undefined || delay === undefined || delay.getText() === '0') return false;
  const executor = ts.findAncestor(
    call,
    (node) => ts.isFunctionLike(node) && ts.isNewExpression(node.parent) && node.parent.expression.getText() === 'Promise',
  );
  if (executor === undefined || !ts.isFunctionLike(executor)) return false;
  const resolve = executor.parameters[0]?.name.getText();
  return resolve !== undefined && (callback.getText() === resolve || callback.getText().endsWith(`=> ${resolve}()`));
}
