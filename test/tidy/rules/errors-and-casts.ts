import ts from 'typescript';
import { type Finding, isShipped, type Rule, type TreeFile, walk } from '../source-tree.ts';

const ERROR_CLASSES = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError']);

export const plainErrors: Rule = {
  name: 'every error has a code',
  find: (tree) =>
    tree.code(isShipped).flatMap((file) =>
      collect(file, (node) => {
        const isPlain = ts.isNewExpression(node) && ERROR_CLASSES.has(node.expression.getText());
        return isPlain ? `new ${node.expression.getText()}( is banned here: use AlcoveError with a code` : null;
      }),
    ),
};

export const casts: Rule = {
  name: 'a cast has its reason beside it',
  find: (tree) => tree.code(isShipped).flatMap((file) => collect(file, (node) => castWithoutReason(file, node))),
};

/** A reason is a comment on a line of the statement or on the line above it. */
function castWithoutReason(file: TreeFile, node: ts.Node): string | null {
  if (!ts.isAsExpression(node) || node.type.getText() === 'const' || node.type.kind === ts.SyntaxKind.UnknownKeyword) return null;
  const castLine = file.lineOf(node.type);
  const statementLine = file.lineOf(ts.findAncestor(node, isStatementOrMember) ?? node);
  const around = file.lines.slice(Math.max(0, statementLine - 2), castLine);
  return around.some((line) => /\/\/|\*\/|^\s*\*/.test(line)) ? null : 'a cast needs its reason in a comment; better, a type guard';
}

function isStatementOrMember(node: ts.Node): boolean {
  return ts.isStatement(node) || ts.isClassElement(node);
}

function collect(file: TreeFile, judge: (node: ts.Node) => string | null): Finding[] {
  const found: Finding[] = [];
  walk(file.ast, (node) => {
    const message = judge(node);
    if (message !== null) found.push(file.finding(node, message));
  });
  return found;
}
