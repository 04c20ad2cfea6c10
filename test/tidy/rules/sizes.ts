import ts from 'typescript';
import { type Finding, type Rule, type TreeFile, walk } from '../source-tree.ts';

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 60;
export const CONSTRUCTOR_LINES_MAX = 30;

export const sizes: Rule = {
  name: 'files and functions are short',
  find: (tree) =>
    tree.code((path) => /^(packages|test|examples|scripts)\//.test(path)).flatMap((file) => [...fileSize(file), ...functionSizes(file)]),
};

function fileSize(file: TreeFile): Finding[] {
  const lines = file.lines.length - (file.text.endsWith('\n') ? 1 : 0);
  if (lines <= FILE_LINES_MAX) return [];
  return [file.finding(1, `${lines} lines, at most ${FILE_LINES_MAX}: cut a pure step out of it`)];
}

function functionSizes(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  walk(file.ast, (node) => {
    if (!ts.isFunctionLike(node) || registersTests(node)) return;
    const first = file.lineOf(node);
    const lines = file.ast.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - first;
    const max = ts.isConstructorDeclaration(node) ? CONSTRUCTOR_LINES_MAX : FUNCTION_LINES_MAX;
    if (lines > max) found.push(file.finding(node, `function of ${lines} lines, at most ${max}: cut a pure step out of it`));
  });
  return found;
}

/** A function that holds tests, such as the callback of `describe` or a contract suite, is a list and not measured; the tests in it are. */
function registersTests(node: ts.Node): boolean {
  let registers = false;
  ts.forEachChild(node, (child) =>
    walk(child, (inner) => {
      if (ts.isCallExpression(inner) && /^(describe|test|it)\b/.test(inner.expression.getText())) registers = true;
    }),
  );
  return registers;
}
