import ts from 'typescript';
import { BANNED_GLOBALS, isHostFile } from '../bans.ts';
import { type Finding, isShipped, type Rule, type TreeFile, walk } from '../source-tree.ts';

export const bannedGlobals: Rule = {
  name: 'time, randomness, timers and logs come in through Runtime',
  find: (tree) => tree.code((path) => isShipped(path) && !isHostFile(path)).flatMap(findingsIn),
};

function findingsIn(file: TreeFile): Finding[] {
  const bans = BANNED_GLOBALS.filter(({ where }) => where === undefined || where(file.path));
  const found: Finding[] = [];
  walk(file.ast, (node) => {
    const name = globalName(node);
    const ban = name === null ? undefined : bans.find((candidate) => candidate.name === name);
    if (ban !== undefined) found.push(file.finding(node, `${ban.name} is banned here: use ${ban.instead}`));
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) {
      found.push(file.finding(node, 'new Date() is banned here: use runtime.nowMs()'));
    }
  });
  return found;
}

const GLOBAL_OBJECTS = new Set(['globalThis', 'self', 'window']);

/** `setTimeout`, `Date.now` or, through a global object, the same; null for everything that is not the use of a global. */
function globalName(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return GLOBAL_OBJECTS.has(node.expression.text) ? node.name.text : `${node.expression.text}.${node.name.text}`;
  }
  return ts.isIdentifier(node) && isUse(node) ? node.text : null;
}

/** Whether an identifier is read as a variable, not the name of a property, a declaration, a type or an import. */
function isUse(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isTypeNode(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return !('name' in parent && parent.name === node);
}
